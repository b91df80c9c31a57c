package consent_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// trip is one customer's browser on its way.
type trip struct {
	*house
	at      string // id of the bank
	id      consent.ID
	link    token.Secret
	browser token.Secret
}

func (h *house) ask(t *testing.T, r consent.Request) *trip {
	t.Helper()
	r.Reference, r.ReturnTo, r.Email = "customer-1", "done", "gudrun@example.is"
	if r.Bank == "" {
		r.Bank = "sandbox"
	}
	c, link, err := h.Create(t.Context(), shop, r)
	must(t, err)
	return &trip{house: h, at: r.Bank, id: c.ID, link: link.Secret, browser: "the-browser-of-gudrun"}
}

// again gives the trip a fresh link.
func (p *trip) again(t *testing.T) *trip {
	t.Helper()
	_, link, err := p.Renew(t.Context(), shop, p.id)
	must(t, err)
	p.link = link.Secret
	return p
}

func (h *house) granted(t *testing.T) *trip {
	t.Helper()
	p := h.ask(t, consent.Request{Expected: gudrunID})
	wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
	return p
}

// arrival sends the customer to the bank and returns how the browser comes
// back.
func (p *trip) arrival(t *testing.T, c sandbox.Customer) consent.Arrival {
	t.Helper()
	address, err := p.Begin(t.Context(), p.link, p.browser, "text-1")
	must(t, err)
	c.Client = &http.Client{Transport: map[string]*sandbox.Bank{"sandbox": p.bank, "second": p.second}[p.at]}
	back, err := c.Authorize(t.Context(), address)
	must(t, err)
	u, err := url.Parse(back)
	must(t, err)
	q := u.Query()
	return consent.Arrival{Bank: p.at, Browser: p.browser, State: token.Secret(q.Get("state")),
		Code: token.Secret(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error")}
}

// visit makes the whole trip and returns what the customer is told.
func (p *trip) visit(t *testing.T, c sandbox.Customer) consent.Result {
	t.Helper()
	ref, err := p.Return(t.Context(), p.arrival(t, c))
	must(t, err)
	r, err := p.Result(t.Context(), ref, p.browser)
	must(t, err)
	return r
}

func (p *trip) token(t *testing.T, r consent.TokenRequest) (consent.HandedOut, error) {
	t.Helper()
	return p.Token(t.Context(), shop, p.id, r)
}

func (p *trip) wantStatus(t *testing.T, want consent.Status, why string) consent.Consent {
	t.Helper()
	c, err := p.Consent(t.Context(), shop, p.id)
	must(t, err)
	if now := p.Now(); c.StatusAt(now) != want || c.CauseAt(now).Code != why {
		t.Errorf("consent is %s because %q, want %s because %q", c.StatusAt(now), c.CauseAt(now).Code, want, why)
	}
	return c
}

func wantEnding(t *testing.T, got consent.Result, want consent.Ending) {
	t.Helper()
	if got.Ending != want {
		t.Fatalf("ending = %s, want %s", got.Ending, want)
	}
}

func wantErr(t *testing.T, got, want error) *consent.Refusal {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error = %v, want %v", got, want)
	}
	r, _ := errors.AsType[*consent.Refusal](got)
	return r
}

func (p *trip) wantTimeline(t *testing.T, event string) {
	t.Helper()
	lines, err := p.store.Timeline(t.Context(), p.id, 100)
	must(t, err)
	if !slices.ContainsFunc(lines, func(e consent.Entry) bool { return e.Event == event }) {
		t.Errorf("%q is not in the timeline: %+v", event, lines)
	}
}
