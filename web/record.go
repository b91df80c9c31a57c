package web

import (
	"log/slog"
	"net/http"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/contract"
)

// proof answers GET /v1/consents/{id}/proof.
func (s *server) proof(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	p, err := s.service.Proof(c.Request().Context(), app, id)
	if err != nil {
		return err
	}
	view := contract.Proof{MadeAt: inSeconds(p.MadeAt), App: p.App, BankName: p.Bank, TextVersion: p.Consent.TextVersion,
		Consent: s.viewOf(p.Consent), Timeline: []contract.TimelineEntry{}}
	for _, e := range p.Timeline {
		view.Timeline = append(view.Timeline, contract.TimelineEntry{At: inSeconds(e.At), Actor: contract.Actor(e.Actor), Event: e.Event, Detail: e.Detail,
			RequestID: e.RequestID})
	}
	return c.writeJSON(http.StatusOK, view)
}

// erase answers POST /v1/erasures.
func (s *server) erase(c *call, app consent.App) error {
	var r contract.ErasureRequest
	if err := c.read(&r); err != nil {
		return err
	}
	e, err := s.service.Erase(c.Request().Context(), app, token.Secret(r.CustomerReference))
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, contract.Erasure{Reference: e.Reference, Consents: e.Consents, ErasedAt: inSeconds(e.At)})
}

// linkToAccess answers POST /v1/access-links.
func (s *server) linkToAccess(c *call, app consent.App) error {
	var r contract.AccessLinkRequest
	if err := c.read(&r); err != nil {
		return err
	}
	link, err := s.service.AccessLink(c.Request().Context(), app, token.Secret(r.CustomerReference), string(r.Language))
	if err != nil {
		return err
	}
	s.log.InfoContext(c.Request().Context(), "link to my access made", slog.String("app", app.ID),
		slog.String("credential", c.caller.credential.String()), slog.String("request_id", c.requestID))
	return c.writeJSON(http.StatusOK, contract.CustomerPage{
		PageURL: s.publicURL("/a/" + link.Secret.Reveal()), PageExpiresAt: inSeconds(link.Expires),
	})
}
