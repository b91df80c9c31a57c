package web_test

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/web"
)

// library is an OAuth library that knows nothing of us.
func (w *world) library(id string, style oauth2.AuthStyle) clientcredentials.Config {
	return clientcredentials.Config{
		ClientID: "shop", ClientSecret: w.key.Reveal(), TokenURL: w.url + "/oauth2/token", AuthStyle: style,
		EndpointParams: url.Values{
			"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"subject_token": {id}, "subject_token_type": {"urn:consentd:token-type:consent"},
		},
	}
}

func TestExchangeWithAnUnmodifiedLibrary(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	direct := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams, oauth2.AuthStyleAutoDetect} {
		library := w.library(id, style)
		library.Scopes = []string{"payments"}
		got, err := library.Token(t.Context())
		if err != nil {
			t.Fatalf("style %d: %v", style, err)
		}
		if got.AccessToken != direct.str("access_token") || got.Type() != "Bearer" || time.Until(got.Expiry) < 4*time.Minute {
			t.Errorf("style %d: token of type %s until %s", style, got.Type(), got.Expiry)
		}
		if !strings.Contains(got.Extra("scope").(string), "payments") || got.Extra("issued_token_type") != "urn:ietf:params:oauth:token-type:access_token" {
			t.Errorf("scope %v, issued_token_type %v", got.Extra("scope"), got.Extra("issued_token_type"))
		}
		about, _ := got.Extra("consent").(map[string]any)
		if diff := cmp.Diff(direct.json["consent"], any(about)); diff != "" || got.Extra("national_id") != gudrunID {
			t.Errorf("consent (-direct +exchanged):\n%s", diff)
		}
	}
	records, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if len(records) != 4 || records[0].Outcome != consent.OutcomeAllowed || records[0].App != "shop" {
		t.Errorf("on record: %+v", records)
	}
}

// TestTheReferencesLibraryWorks: the Go of docs/api.md is this.
func TestTheReferencesLibraryWorks(t *testing.T) {
	t.Parallel()
	w, _, consentID := granted(t)
	key := w.key.Reveal()
	tokens := clientcredentials.Config{
		ClientID: "shop", ClientSecret: key, TokenURL: "https://consent.example.is/oauth2/token",
		AuthStyle: oauth2.AuthStyleInHeader,
		EndpointParams: url.Values{
			"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
			"subject_token":      {consentID},
			"subject_token_type": {"urn:consentd:token-type:consent"},
		},
	}
	tokens.TokenURL = w.url + "/oauth2/token"
	if got, err := tokens.Token(t.Context()); err != nil || got.AccessToken == "" {
		t.Errorf("Token = %v", err)
	}
	text, err := os.ReadFile("exchange_test.go")
	w.check(err)
	for _, b := range blocksOf(t, "../docs/api.md") {
		if b.kind == "go" && !strings.Contains(string(text), strings.ReplaceAll("\t"+strings.TrimSpace(b.text), "\n", "\n\t")) {
			t.Errorf("this test has not these lines of docs/api.md:\n%s", b.text)
		}
	}
}

func TestALibraryIsToldWhyNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.ask(nil)
	library := w.library(id, oauth2.AuthStyleInHeader)
	_, err := library.Token(t.Context())
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refused.ErrorCode != "invalid_request" || refused.Response.StatusCode != http.StatusBadRequest {
		t.Fatalf("Token = %v", err)
	}
	if !strings.HasPrefix(refused.ErrorURI, w.url+"/problems/consent-pending") || !strings.Contains(string(refused.Body), `"renewal_url":"`+w.url+"/c/") {
		t.Errorf("a library is told %s", refused.Body)
	}
}

// form posts parameters as they are.
func (w *world) form(form url.Values, header ...string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.url+"/oauth2/token", strings.NewReader(form.Encode()))
	w.check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.send(http.DefaultClient, r)
}

// refuses compares an answer with an error of OAuth and a code of ours.
func (r reply) refuses(t *testing.T, status int, name, code string) {
	t.Helper()
	if r.status != status || r.str("error") != name || r.str("code") != code {
		t.Errorf("answer = %d %s %s, want %d %s %s", r.status, r.str("error"), r.str("code"), status, name, code)
	}
	if r.header.Get("Content-Type") != "application/json" || r.header.Get("Cache-Control") != "no-store" ||
		r.str("error_description") == "" || r.str("request_id") != r.header.Get("X-Request-Id") {
		t.Errorf("answer is incomplete: %v %s", r.header, r.text)
	}
	if (status == http.StatusUnauthorized) != (r.header.Get("WWW-Authenticate") == `Basic realm="consentd"`) {
		t.Errorf("%d with WWW-Authenticate %q", status, r.header.Get("WWW-Authenticate"))
	}
}

func TestExchangeRefuses(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	good := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {id},
		"subject_token_type": {"urn:consentd:token-type:consent"}, "client_id": {"shop"}, "client_secret": {w.key.Reveal()},
	}
	if r := w.form(good); r.status != http.StatusOK || r.header.Get("Pragma") != "no-cache" {
		t.Fatalf("a good one = %d %s", r.status, r.text)
	}
	for name, test := range map[string]struct {
		change url.Values // an empty list removes
		status int
		error  string
		code   string
		where  []string
	}{
		"another grant":      {url.Values{"grant_type": {"client_credentials"}}, 400, "unsupported_grant_type", "unsupported-grant-type", nil},
		"no grant":           {url.Values{"grant_type": {}}, 400, "unsupported_grant_type", "unsupported-grant-type", nil},
		"a target":           {url.Values{"audience": {"a", "b"}}, 400, "invalid_target", "invalid-target", nil},
		"a resource":         {url.Values{"resource": {"https://bank.test/"}}, 400, "invalid_target", "invalid-target", nil},
		"twice":              {url.Values{"scope": {"a", "b"}, "subject_token": {id, id}}, 400, "invalid_request", "invalid-request", []string{"scope", "subject_token"}},
		"another kind":       {url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"}, "requested_token_type": {"x"}, "actor_token": {"x"}}, 400, "invalid_request", "invalid-request", []string{"actor_token", "requested_token_type", "subject_token_type"}},
		"no subject":         {url.Values{"subject_token": {}}, 400, "invalid_request", "invalid-request", []string{"subject_token"}},
		"not a consent":      {url.Values{"subject_token": {"x"}}, 400, "invalid_request", "not-found", nil},
		"an unknown consent": {url.Values{"subject_token": {unknownConsent}}, 400, "invalid_request", "not-found", nil},
		"numbers":            {url.Values{"min_ttl": {"-1"}, "needed_until": {"soon"}}, 400, "invalid_request", "invalid-request", []string{"min_ttl", "needed_until"}},
		"too long a life":    {url.Values{"min_ttl": {"86400"}}, 400, "invalid_request", "lifetime-unavailable", nil},
		"too far an end":     {url.Values{"needed_until": {"2099-01-01T00:00:00Z"}}, 400, "invalid_request", "renewal-required", nil},
		"a scope too many":   {url.Values{"scope": {"payments accounts"}}, 400, "invalid_scope", "insufficient-scope", nil},
		"a wrong secret":     {url.Values{"client_secret": {w.otherKey.Reveal()}}, 401, "invalid_client", "unauthorized", nil},
		"another's secret":   {url.Values{"client_secret": {"ck_x"}}, 401, "invalid_client", "unauthorized", nil},
		"no secret":          {url.Values{"client_secret": {}}, 401, "invalid_client", "unauthorized", nil},
		"no id":              {url.Values{"client_id": {}}, 401, "invalid_client", "unauthorized", nil},
		"an assertion":       {url.Values{"client_secret": {}, "client_assertion": {w.key.Reveal()}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, 401, "invalid_client", "unauthorized", nil},
		"two proofs":         {url.Values{"client_assertion": {"x.y.z"}}, 400, "invalid_request", "invalid-request", []string{"client_id"}},
		"too much":           {url.Values{"x": {strings.Repeat("a", 64<<10)}}, 413, "invalid_request", "too-large", nil},
	} {
		form := maps.Clone(good)
		maps.Copy(form, test.change)
		r := w.form(form)
		r.refuses(t, test.status, test.error, test.code)
		if got := r.pointers(); !slices.Equal(got, test.where) {
			t.Errorf("%s: pointers %q, want %q", name, got, test.where)
		}
	}
	bare := maps.Clone(good)
	delete(bare, "client_secret")
	w.form(bare, "Content-Type", "application/json").refuses(t, 400, "invalid_request", "invalid-request")
	w.form(bare, "Authorization", "Basic x").refuses(t, 401, "invalid_client", "unauthorized")
	w.form(bare, "Authorization", "Bearer "+w.otherKey.Reveal()).refuses(t, 401, "invalid_client", "unauthorized")
	if r := w.form(bare, "Authorization", "Bearer "+w.key.Reveal()); r.status != http.StatusOK {
		t.Errorf("with the key as a bearer token = %d %s", r.status, r.text)
	}
	other := maps.Clone(bare)
	delete(other, "client_id")
	w.form(other, "Authorization", "Bearer "+w.otherKey.Reveal()).refuses(t, 400, "invalid_request", "not-found")
	w.call(w.key, "GET", "/oauth2/token", nil).refuses(t, 405, "invalid_request", "method-not-allowed")
}

func TestExchangeOutagesAreTemporary(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t, func(s *settings) { s.limit = web.Limit{Requests: 3, Per: time.Minute} })
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {id}, "subject_token_type": {"urn:consentd:token-type:consent"}}
	bearer := []string{"Authorization", "Bearer " + w.key.Reveal()}
	temporary := func(r reply, status int, code string) {
		t.Helper()
		r.refuses(t, status, "temporarily_unavailable", code)
		if r.header.Get("Retry-After") == "" || r.json["retry_after"] == nil {
			t.Errorf("%s without Retry-After", code)
		}
	}
	w.pass(time.Minute)
	temporary(w.down(func() reply { return w.form(form, bearer...) }), 503, "store-unavailable")
	w.pass(10 * time.Minute)
	w.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: 503})
	temporary(w.form(form, bearer...), 503, "bank-unavailable")
	w.form(form, bearer...)
	w.form(form, bearer...)
	temporary(w.form(form, bearer...), 429, "rate-limited")
}

func TestExchangeIsLimitedToTheOperation(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t, func(s *settings) { s.operations = []web.Operation{web.OpCreate, web.OpRead} })
	form := url.Values{"subject_token": {id}}
	w.form(form, "Authorization", "Bearer "+w.key.Reveal()).refuses(t, 400, "unauthorized_client", "operation-not-allowed")
	records, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if len(records) != 1 || records[0].Outcome != consent.OutcomeOperation {
		t.Errorf("on record: %+v", records)
	}
}
