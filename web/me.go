package web

import (
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
)

// meView says to an app who it is here, and what it may do.
type meView struct {
	App        meApp        `json:"app"`
	Credential meCredential `json:"credential"`
	Banks      []string     `json:"banks"`
	Scopes     []string     `json:"scopes"`
	Operations []Operation  `json:"operations"`
	RateLimit  *meLimit     `json:"rate_limit,omitempty"`
}

type meApp struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type meCredential struct {
	Kind       credentialKind `json:"kind"`
	ID         string         `json:"id"`
	LastUsedAt time.Time      `json:"last_used_at,omitzero"`
}

type meLimit struct {
	Requests   int `json:"requests"`
	PerSeconds int `json:"per_seconds"`
}

// me answers GET /v1/me.
func (s *server) me(c *call, app consent.App) error {
	who := c.caller
	last := s.lastUse(c.Request().Context(), who)
	view := meView{
		App:        meApp{ID: app.ID, Name: app.Name},
		Credential: meCredential{Kind: who.credential.kind, ID: who.credential.id, LastUsedAt: inSeconds(last)},
		Banks:      list(app.Banks), Scopes: list(app.Scopes), Operations: []Operation{},
	}
	for _, o := range Operations {
		if who.may[o] {
			view.Operations = append(view.Operations, o)
		}
	}
	if l := who.Limit; !l.none() {
		view.RateLimit = &meLimit{Requests: l.Requests, PerSeconds: wholeSeconds(l.Per)}
	}
	return c.writeJSON(http.StatusOK, view)
}
