package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/contract"
)

// viewOf is a consent as its app sees it: no personal data.
func (s *server) viewOf(c consent.Consent) contract.Consent {
	now := s.service.Now()
	var told contract.ConsentBankTold
	if !c.EndedAt.IsZero() { // banks are told of grants that a renewal replaced as well
		told = contract.ConsentBankTold(c.BankTold)
	}
	return contract.Consent{
		ID: string(c.ID), Status: contract.ConsentStatus(c.StatusAt(now)), Bank: c.Bank,
		ScopesRequested: list(c.Asked), ScopesGranted: list(c.Granted), Cause: viewCause(c.CauseAt(now)),
		CreatedAt: inSeconds(c.CreatedAt), AuthorizedAt: inSeconds(c.AuthorizedAt),
		EndsAt: inSeconds(c.EndsAt), EndedAt: inSeconds(c.EndedAt),
		BankTold: told, Renewals: max(c.Term-1, 0), DaysLeft: c.DaysLeft(now), NeededUntil: inSeconds(c.NeededUntil),
		AwaitingConfirmation: c.AwaitsConfirmation(now), LastUsedAt: inSeconds(c.LastUsedAt),
	}
}

func viewCause(c consent.Cause) contract.Cause {
	return contract.Cause{Actor: contract.Actor(c.Actor), Code: c.Code}
}

func (s *server) viewLink(l consent.Link) contract.CustomerPage {
	return contract.CustomerPage{PageURL: s.pageURL(l.Secret), PageExpiresAt: inSeconds(l.Expires)}
}

func (s *server) pageURL(link token.Secret) string {
	return s.publicURL("/c/" + link.Reveal())
}

func (s *server) publicURL(path string) string {
	return s.c.PublicURL.Scheme + "://" + s.c.PublicURL.Host + path
}

// inSeconds is how times are told: in UTC, and cut, so that no end is
// promised later than it is.
func inSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// list is never null in JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// idempotencyKey is a header that makes a request repeatable, and
// idempotentReplayed one that says that it was made before.
const (
	idempotencyKey     = "Idempotency-Key"
	idempotentReplayed = "Idempotent-Replayed"
)

// createConsent answers POST /v1/consents.
func (s *server) createConsent(c *call, app consent.App) error {
	key, err := c.single(idempotencyKey)
	if err != nil {
		return err
	}
	var r contract.ConsentRequest
	if err := c.read(&r); err != nil {
		return err
	}
	made, link, err := s.service.Create(c.Request().Context(), app, consent.Request{
		Reference: token.Secret(r.CustomerReference), Bank: r.Bank, ReturnTo: r.ReturnTo, Expected: token.Secret(r.ExpectedNationalID),
		Scopes: r.Scopes, Email: token.Secret(r.Contact.Email), Language: string(r.Language), IdempotencyKey: key,
	})
	if err != nil {
		return err
	}
	if link.Replayed {
		c.Response().Header().Set(idempotentReplayed, "true")
	}
	c.Response().Header().Set("Location", s.publicURL("/v1/consents/"+string(made.ID)))
	return c.writeJSON(http.StatusCreated, struct {
		contract.Consent
		contract.CustomerPage
	}{s.viewOf(made), s.viewLink(link)})
}

// single is the value of a header that may be absent, but neither empty nor
// there twice.
func (c *call) single(header string) (string, error) {
	switch values := c.Request().Header.Values(header); {
	case len(values) == 0:
		return "", nil
	case len(values) == 1 && values[0] != "":
		return values[0], nil
	}
	return "", &consent.Invalid{Fields: []consent.Field{{Pointer: header, Detail: "must be there once, and not empty"}}}
}

// showConsent answers GET /v1/consents/{id}.
func (s *server) showConsent(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	found, err := s.service.Consent(c.Request().Context(), app, id)
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, s.viewOf(found))
}

// confirm answers POST /v1/consents/{id}/confirm.
func (s *server) confirm(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	var r contract.Confirmation
	if err := c.read(&r); err != nil {
		return err
	}
	confirmed, err := s.service.Confirm(c.Request().Context(), app, id, token.Secret(r.Code))
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, s.viewOf(confirmed))
}

// renew answers POST /v1/consents/{id}/renewal.
func (s *server) renew(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	if err := c.read(&contract.RenewalRequest{}); err != nil {
		return err
	}
	found, link, err := s.service.Renew(c.Request().Context(), app, id)
	if err != nil {
		if now := s.service.Now(); found.ID != "" {
			return &consent.Refusal{Err: err, Cause: found.CauseAt(now), EndsAt: found.EndsAt}
		}
		return err
	}
	return c.writeJSON(http.StatusOK, s.viewLink(link))
}

func (c *call) writeJSON(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return c.Blob(status, "application/json", append(body, '\n'))
}
