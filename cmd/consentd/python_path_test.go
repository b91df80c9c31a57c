package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/sandbox"
)

// TestAnAppInAnotherLanguage plays a payment service that was written from the
// reference alone, as a process of its own, against the program on a real
// Redis and the sandbox bank.
func TestAnAppInAnotherLanguage(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t)
	if me := e.says("app"); me["app"] != "shop" {
		t.Errorf("the program thinks that it is %v", me)
	}
	e.connects()
	e.isRefusedByTheBank()
	e.plansBeyondTheEnd()
	e.meetsOutages()
	e.losesTheGrant()
	e.stops()
}

// connects asks for a consent, whose answer gets lost once, and confirms the
// customer.
func (e *elsewhere) connects() {
	e.t.Helper()
	e.asks("POST", "/connect", nil, http.StatusForbidden)
	e.asks("POST", "/sign-in", map[string]string{"customer": customer}, http.StatusOK)
	e.meets.Store(&misfortune{path: "/v1/consents", does: func(h http.Handler, _ http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}})
	page := e.asks("POST", "/connect", nil, http.StatusOK).str("go")
	e.meets.Store(nil)
	if all, _ := e.asks("GET", "/consents", nil, http.StatusOK).json["consents"].([]any); len(e.arrived) != 2 || len(all) != 1 {
		e.t.Errorf("%d calls made %d consents, want 2 and 1", len(e.arrived), len(all))
	}
	if got := e.asks("POST", "/pay", e.order("early1"), http.StatusConflict); got.str("code") != "consent-pending" || got.str("go") == "" {
		e.t.Errorf("a payment before the customer went = %v", got.json)
	}

	back := e.customersTrip(client.Secret(page))
	if got := e.asks("POST", "/pay", e.order("early2"), http.StatusConflict); got.str("code") != "confirmation-required" || got.str("go") == "" {
		e.t.Errorf("a payment before the customer is confirmed = %v", got.json)
	}
	other := newBrowser(e.t.(*testing.T))
	answered(e.t, other, "POST", e.address+"/sign-in", map[string]string{"customer": "somebody-else"}, http.StatusOK)
	answered(e.t, other, "GET", e.address+"/done?"+back.RawQuery, nil, http.StatusForbidden)
	if got := e.asks("GET", "/done?"+back.RawQuery, nil, http.StatusOK); got.str("status") != "valid" || got.json["days_left"] != 90.0 {
		e.t.Errorf("the customer is back, and the consent is %v", got.json)
	}
	e.hears("consent.granted", "valid")
	e.pays(e.order("payment1"), http.StatusCreated, nil)
}

// isRefusedByTheBank for each reason that a 401 can have.
func (e *elsewhere) isRefusedByTheBank() {
	e.t.Helper()
	lost := sandbox.Fault{Status: http.StatusUnauthorized, Body: `{"code":"ERR_80102_000"}`}
	e.bank.Fail(sandbox.EndpointPayments, 1, lost)
	e.pays(e.order("payment2"), http.StatusCreated, "token-replaced")
	e.bank.Fail(sandbox.EndpointPayments, 1, sandbox.Fault{Status: http.StatusUnauthorized, Body: `{"code":"ERR_80102_110"}`})
	e.pays(e.order("payment3"), http.StatusUnauthorized, "not-about-the-token")
	e.bank.Fail(sandbox.EndpointPayments, 1, lost)
	e.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: http.StatusServiceUnavailable})
	if got := e.asks("POST", "/pay", e.order("payment4"), http.StatusServiceUnavailable); got.header.Get("Retry-After") != "60" {
		e.t.Errorf("a payment while the bank is out = %v", got.json)
	}
	e.pays(e.order("payment4"), http.StatusCreated, nil)
}

// plansBeyondTheEnd, by less than what passes until the customer renews.
func (e *elsewhere) plansBeyondTheEnd() {
	e.t.Helper()
	due := func(text string, after time.Duration) map[string]string {
		at, err := time.Parse(time.RFC3339, text)
		must(e.t, err)
		return map[string]string{"due": at.Add(after).Format(time.RFC3339)}
	}
	all, _ := e.asks("GET", "/consents", nil, http.StatusOK).json["consents"].([]any)
	now, _ := all[0].(map[string]any)
	end, _ := now["ends_at"].(string)
	e.asks("POST", "/plan", due(end, -time.Hour), http.StatusOK)
	refused := e.asks("POST", "/plan", due(end, 20*time.Second), http.StatusConflict)
	if refused.str("code") != "renewal-required" {
		e.t.Errorf("a payment beyond the end = %v", refused.json)
	}
	if told := e.hears("consent.expiring", "valid"); told["needed_until"] != due(end, 20*time.Second)["due"] {
		e.t.Errorf("the program heard %v, want until when it needs the consent", told)
	}
	e.ahead.Add(int64(40 * time.Second))
	if got := e.trip(refused.str("go")); got.json["renewals"] != 1.0 || got.str("ends_at") <= end {
		e.t.Errorf("after a renewal the consent is %v", got.json)
	}
	e.hears("consent.renewed", "valid")
	e.asks("POST", "/plan", due(end, 20*time.Second), http.StatusOK)
}

// meetsOutages which say after how long to ask again.
func (e *elsewhere) meetsOutages() {
	e.t.Helper()
	e.arrivals()
	e.meets.Store(&misfortune{path: "/token", does: func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"type":"/problems/rate-limited","title":"Too many requests","status":429,"detail":"…","code":"rate-limited","request_id":"r"}`))
	}})
	e.pays(e.order("payment5"), http.StatusCreated, nil)
	e.meets.Store(nil)
	if at := e.arrivals(); len(at) != 2 || at[1].Sub(at[0]) < time.Second {
		e.t.Errorf("the program asked at %v, want again after a second", at)
	}
}

// arrivals are the times at which calls have met misfortune, or would have.
func (e *elsewhere) arrivals() []time.Time {
	var all []time.Time
	for len(e.arrived) > 0 {
		all = append(all, <-e.arrived)
	}
	return all
}

// losesTheGrant: the customer withdraws at the bank, and connects again.
func (e *elsewhere) losesTheGrant() {
	e.t.Helper()
	e.bank.Withdraw(gudrun, "consentd")
	refused := e.asks("POST", "/pay", e.order("payment6"), http.StatusConflict)
	if refused.str("go") == "" {
		e.t.Errorf("a payment after the customer withdrew at the bank = %v", refused.json)
	}
	e.ahead.Add(int64(130 * time.Second)) // the bank might have refused many at once
	e.hears("consent.needs_renewal", "terminatedByAspsp")
	if got := e.trip(refused.str("go")); got.str("status") != "valid" {
		e.t.Errorf("after connecting again the consent is %v", got.json)
	}
	e.hears("consent.recovered", "valid")
	e.pays(e.order("payment6"), http.StatusCreated, nil)
}

// stops, asks for a new consent when the customer wants one, and forgets.
func (e *elsewhere) stops() {
	e.t.Helper()
	if got := e.asks("POST", "/stop", nil, http.StatusOK); got.str("status") != "terminatedByTpp" {
		e.t.Errorf("a consent that was stopped is %v", got.json)
	}
	e.hears("consent.revoked", "terminatedByTpp")
	if got := e.asks("POST", "/pay", e.order("payment7"), http.StatusGone); got.str("code") != "consent-revoked" || got.str("go") != "" {
		e.t.Errorf("a payment after the end = %v", got.json)
	}
	proof := e.asks("GET", "/proof", nil, http.StatusOK)
	if timeline, _ := proof.json["timeline"].([]any); proof.str("app") != "Shop" || len(timeline) < 5 {
		e.t.Errorf("proof = %v", proof.json)
	}
	if u, err := url.Parse(e.asks("POST", "/connect", nil, http.StatusOK).str("go")); err != nil || !strings.HasPrefix(u.Path, "/c/") {
		e.t.Errorf("the way to a new consent is %v", u)
	}
	answered(e.t, e.browser, "POST", e.address+"/webhooks", map[string]string{"type": "consent.granted"}, http.StatusUnauthorized)
	e.says("refused")
	if got := e.asks("POST", "/forget", nil, http.StatusOK); got.json["consents"] != 2.0 {
		e.t.Errorf("forgotten: %v", got.json)
	}
	e.redis.Kill()
	if got := e.asks("GET", "/consents", nil, http.StatusServiceUnavailable); got.header.Get("Retry-After") == "" {
		e.t.Errorf("while the storage is out: %v", got.json)
	}
}
