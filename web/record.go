package web

import (
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// proofView is a consent's proof, for whoever asks the app what a customer
// agreed to.
type proofView struct {
	MadeAt      time.Time   `json:"made_at"`
	App         string      `json:"app"` // its name, as the customer saw it
	BankName    string      `json:"bank_name"`
	TextVersion string      `json:"text_version,omitempty"`
	Consent     consentView `json:"consent"`
	Timeline    []entryView `json:"timeline"`
}

// entryView is a line of the timeline.
type entryView struct {
	At     time.Time     `json:"at"`
	Actor  consent.Actor `json:"actor"`
	Event  string        `json:"event"`
	Detail string        `json:"detail,omitempty"`

	RequestID string `json:"request_id,omitempty"`
}

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
	view := proofView{MadeAt: inSeconds(p.MadeAt), App: p.App, BankName: p.Bank, TextVersion: p.Consent.TextVersion,
		Consent: s.viewOf(p.Consent), Timeline: []entryView{}}
	for _, e := range p.Timeline {
		view.Timeline = append(view.Timeline, entryView{At: inSeconds(e.At), Actor: e.Actor, Event: e.Event, Detail: e.Detail,
			RequestID: e.RequestID})
	}
	return c.writeJSON(http.StatusOK, view)
}

// erasureView is the proof that a customer was erased.
type erasureView struct {
	Reference string    `json:"reference"`
	Consents  int       `json:"consents"`
	ErasedAt  time.Time `json:"erased_at"`
}

// mostReference is how long an app's name for a customer may be; see
// [consent.Request].
const mostReference = 128

// erase answers POST /v1/erasures.
func (s *server) erase(c *call, app consent.App) error {
	var reference token.Secret
	if err := c.read(members{"customer_reference": &reference}, false); err != nil {
		return err
	}
	if n := len(reference); n == 0 || n > mostReference || strings.ContainsFunc(reference.Reveal(), unicode.IsControl) {
		return &consent.Invalid{Fields: []consent.Field{{Pointer: "/customer_reference", Detail: "must be 1 to 128 printable characters"}}}
	}
	e, err := s.service.Erase(c.Request().Context(), app, reference)
	if err != nil {
		return err
	}
	return c.writeJSON(http.StatusOK, erasureView{Reference: e.Reference, Consents: e.Consents, ErasedAt: inSeconds(e.At)})
}
