package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// consentView is a consent as its app sees it: no personal data.
type consentView struct {
	ID                   consent.ID     `json:"id"`
	Status               consent.Status `json:"status"`
	Bank                 string         `json:"bank"`
	ScopesRequested      []string       `json:"scopes_requested"`
	ScopesGranted        []string       `json:"scopes_granted"`
	Cause                *causeView     `json:"cause,omitempty"`
	CreatedAt            time.Time      `json:"created_at"`
	AuthorizedAt         time.Time      `json:"authorized_at,omitzero"`
	EndsAt               time.Time      `json:"ends_at,omitzero"`
	EndedAt              time.Time      `json:"ended_at,omitzero"`
	BankTold             string         `json:"bank_told"` // of our ending it; empty while under way, or not needed
	Renewals             int64          `json:"renewals"`
	DaysLeft             int            `json:"days_left"`
	NeededUntil          time.Time      `json:"needed_until,omitzero"` // beyond ends_at, as its app said
	AwaitingConfirmation bool           `json:"awaiting_confirmation"`
	LastUsedAt           time.Time      `json:"last_used_at,omitzero"`

	*pageView // where the customer is to be sent; only in the answer that made it
}

// causeView says who changed a consent for the worse, and why.
type causeView struct {
	Actor consent.Actor `json:"actor"`
	Code  string        `json:"code"`
}

// pageView is a link to the page that asks the customer.
type pageView struct {
	PageURL       string    `json:"page_url"`
	PageExpiresAt time.Time `json:"page_expires_at"`
}

func (s *server) viewOf(c consent.Consent) consentView {
	now := s.service.Now()
	var told string
	if !c.EndedAt.IsZero() { // banks are told of grants that a renewal replaced as well
		told = string(c.BankTold)
	}
	return consentView{
		ID: c.ID, Status: c.StatusAt(now), Bank: c.Bank,
		ScopesRequested: list(c.Asked), ScopesGranted: list(c.Granted), Cause: viewCause(c.CauseAt(now)),
		CreatedAt: inSeconds(c.CreatedAt), AuthorizedAt: inSeconds(c.AuthorizedAt),
		EndsAt: inSeconds(c.EndsAt), EndedAt: inSeconds(c.EndedAt),
		BankTold: told, Renewals: max(c.Term-1, 0), DaysLeft: c.DaysLeft(now), NeededUntil: inSeconds(c.NeededUntil),
		AwaitingConfirmation: c.AwaitsConfirmation(now), LastUsedAt: inSeconds(c.LastUsedAt),
	}
}

func viewCause(c consent.Cause) *causeView {
	if c == (consent.Cause{}) {
		return nil
	}
	return &causeView{Actor: c.Actor, Code: c.Code}
}

func (s *server) viewLink(l consent.Link) *pageView {
	return &pageView{PageURL: s.pageURL(l.Secret), PageExpiresAt: inSeconds(l.Expires)}
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
	var r consent.Request
	key, err := c.single(idempotencyKey)
	if err != nil {
		return err
	}
	r.IdempotencyKey = key
	err = c.read(members{
		"customer_reference": &r.Reference, "bank": &r.Bank, "return_to": &r.ReturnTo,
		"expected_national_id": &r.Expected, "scopes": &r.Scopes, "language": &r.Language,
		"contact": members{"email": &r.Email},
	}, false)
	if err != nil {
		return err
	}
	made, link, err := s.service.Create(c.Request().Context(), app, r)
	if err != nil {
		return err
	}
	view := s.viewOf(made)
	view.pageView = s.viewLink(link)
	if link.Replayed {
		c.Response().Header().Set(idempotentReplayed, "true")
	}
	c.Response().Header().Set("Location", s.publicURL("/v1/consents/"+string(made.ID)))
	return c.writeJSON(http.StatusCreated, view)
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
	var code token.Secret
	if err := c.read(members{"code": &code}, false); err != nil {
		return err
	}
	if code == "" {
		return &consent.Invalid{Fields: []consent.Field{{Pointer: "/code", Detail: "is the code from the return address, and missing"}}}
	}
	confirmed, err := s.service.Confirm(c.Request().Context(), app, id, code)
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
	if err := c.read(members{}, true); err != nil {
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
