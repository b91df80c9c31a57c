package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/consentd/consentd/consent/redisstore/redistest"
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

// TestEgressIsWired: what the configuration says reaches the bank.
func TestEgressIsWired(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	text, err := os.ReadFile(s.config)
	must(t, err)
	changed := strings.NewReplacer("client_id: consentd", "client_id: consentd, api_base_url: '"+issuer+"', api_key: key-of-the-api",
		"    name: Shop\n", "    name: Shop\n    operations: [create, read, egress]\n    egress: {paths: ['GET /Payments/**']}\n").Replace(string(text))
	must(t, os.WriteFile(s.config, []byte(changed), 0o600))
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
