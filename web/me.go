package web

import (
	"net/http"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/contract"
)

// me answers GET /v1/me.
func (s *server) me(c *call, app consent.App) error {
	who := c.caller
	last := s.lastUse(c.Request().Context(), who)
	view := contract.Me{
		App:        contract.MeApp{ID: app.ID, Name: app.Name},
		Credential: contract.Credential{Kind: contract.CredentialKind(who.credential.kind), ID: who.credential.id, LastUsedAt: inSeconds(last)},
		Banks:      list(app.Banks), Scopes: list(app.Scopes), Operations: []contract.Operation{},
	}
	for _, o := range Operations {
		if who.may[o] {
			view.Operations = append(view.Operations, contract.Operation(o))
		}
	}
	if l := who.Limit; !l.None() {
		view.RateLimit = contract.RateLimit{Requests: l.Requests, PerSeconds: wholeSeconds(l.Per)}
	}
	return c.writeJSON(http.StatusOK, view)
}
