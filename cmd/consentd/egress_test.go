package main

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox"
)

// watched lets somebody see what goes to the bank.
type watched struct {
	http.RoundTripper
	see func(*http.Request)
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	w.see(r)
	return w.RoundTripper.RoundTrip(r)
}

// letThrough lets the app call the bank through us, with this key of the
// bank's API, and have no token.
func (s *site) letThrough(key string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	must(s.t, err)
	changed := strings.NewReplacer("client_id: consentd", "client_id: consentd, api_base_url: '"+issuer+"', api_key: "+key,
		"    name: Shop\n", "    name: Shop\n    operations: [create, read, report, egress]\n    egress: {paths: ['GET /Payments/**', 'POST /Payments/**']}\n").Replace(string(text))
	must(s.t, os.WriteFile(s.config, []byte(changed), 0o600))
}

// TestClientCallsTheBankThroughUs, which it can tell from us.
func TestClientCallsTheBankThroughUs(t *testing.T) {
	t.Parallel()
	s := &shopping{site: newSite(t, redistest.Start(t))}
	s.letThrough(apiKey)
	s.replica()
	id := string(s.grant())
	var err error
	s.Client, err = client.New(client.Config{BaseURL: s.url(), Key: client.Secret(s.key.Reveal())})
	must(t, err)
	web := &http.Client{Transport: s.Egress(id)}
	s.paid(web, "payment1")
	answer := func(res *http.Response, err error) *http.Response {
		must(t, err)
		t.Cleanup(func() { _ = res.Body.Close() })
		return res
	}
	s.bank.Fail(sandbox.EndpointPayments, 1, sandbox.Fault{Status: http.StatusUnauthorized, Body: `{"code":"ERR_80102_000"}`})
	refused := answer(s.pay(web, "payment2"))
	if p := client.ProblemIn(refused); p != nil || refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("the bank's refusal = %d, %v", refused.StatusCode, p)
	}
	if verdict, err := s.Report(t.Context(), id, client.Refusal{Status: 401, Code: "ERR_80102_000"}); err != nil || verdict != client.TokenReplaced {
		t.Errorf("Report = %s, %v", verdict, err)
	}
	s.paid(web, "payment2")
	if p := client.ProblemIn(answer(s.pay(web, "not-in-the-form-of-the-bank"))); p == nil || !errors.Is(p, client.ErrInvalid) {
		t.Errorf("a request id that the bank would refuse: %v", p)
	}
	if p := client.ProblemIn(answer(web.Get(issuer + "/elsewhere"))); p == nil || !errors.Is(p, client.ErrNotAllowed) {
		t.Errorf("a path that is not listed: %v", p)
	}
	_, err = s.Token(t.Context(), id, client.TokenRequest{})
	wantProblem(t, err, client.ErrNotAllowed)
	s.bank.Fail(sandbox.EndpointPayments, 1, sandbox.Fault{LoseAnswer: true})
	if p := client.ProblemIn(answer(s.pay(web, "payment3"))); p == nil || !errors.Is(p, client.ErrCallUnknown) {
		t.Errorf("a call whose answer was lost: %v", p)
	}
	s.paid(web, "payment4")
}

// TestEgressIsWired: what the configuration says reaches the bank.
func TestEgressIsWired(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	s.letThrough("key-of-the-api")
	var sent *http.Request
	s.door = watched{s.door, func(r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/Payments/") {
			sent = r
		}
	}}
	s.replica()
	id := string(s.grant())
	got := s.call("GET", s.url()+"/v1/consents/"+id+"/bank/Payments/Initiations/v1/CreditTransfers/none", nil)
	if got.header.Get("Consentd-Answer") != "bank" || sent == nil || sent.Header.Get("apikey") != "key-of-the-api" {
		t.Errorf("answer = %d %v", got.status, got.json)
	}
	if got := s.call("POST", s.url()+"/v1/consents/"+id+"/token", nil); got.status != http.StatusForbidden || got.str("code") != "operation-not-allowed" {
		t.Errorf("a token for an app that shall hold none = %d %v", got.status, got.json)
	}
	if got := s.call("GET", s.url()+"/v1/me", nil); got.status != http.StatusOK {
		t.Errorf("GET /v1/me = %d", got.status)
	}
}
