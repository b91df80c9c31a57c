package oauthbank_test

import (
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func queryOf(t *testing.T, address string) map[string][]string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestAuthorizationURL(t *testing.T) {
	full := map[string][]string{
		"response_type":         {"code"},
		"client_id":             {clientID},
		"redirect_uri":          {redirectURI},
		"scope":                 {"openid payments"},
		"state":                 {"state-1"},
		"nonce":                 {nonce},
		"code_challenge":        {oauth2.S256ChallengeFromVerifier(verifier)},
		"code_challenge_method": {"S256"},
	}
	without := func(names ...string) map[string][]string {
		m := map[string][]string{}
		for name, value := range full {
			m[name] = value
		}
		for _, name := range names {
			delete(m, name)
		}
		return m
	}
	noOpenID := without("nonce")
	noOpenID["scope"] = []string{"payments"}
	withTenant := without()
	withTenant["tenant"] = []string{"7"}
	for _, c := range []struct {
		name   string
		config func(*oauthbank.Config)
		scopes []string
		want   map[string][]string
	}{
		{"all", func(*oauthbank.Config) {}, nil, full},
		{"without PKCE", func(c *oauthbank.Config) { c.PKCE = false }, nil, without("code_challenge", "code_challenge_method")},
		{"without openid no nonce", func(*oauthbank.Config) {}, []string{"payments"}, noOpenID},
		{"endpoint with a query", func(c *oauthbank.Config) { c.Endpoints.Authorization += "?tenant=7" }, nil, withTenant},
		{"discovered", withDiscovery, nil, full},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := newOP()
			r := trip()
			if c.scopes != nil {
				r.Scopes = c.scopes
			}
			address, err := op.bank(t, c.config).AuthorizationURL(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, queryOf(t, address)); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
			if len(op.seen("/par"))+len(op.seen("/token")) != 0 {
				t.Error("something was posted to the bank")
			}
		})
	}
}

func TestAuthorizationURLRefusesToStartUnprotected(t *testing.T) {
	for code, edit := range map[string]func(*token.AuthorizationRequest){
		"state_missing":      func(r *token.AuthorizationRequest) { r.State = "" },
		"nonce_missing":      func(r *token.AuthorizationRequest) { r.Nonce = "" },
		"verifier_too_short": func(r *token.AuthorizationRequest) { r.Verifier = "0123456789" },
	} {
		r := trip()
		edit(&r)
		address, err := newOP().bank(t).AuthorizationURL(t.Context(), r)
		wantFault(t, err, token.ErrNotDone, code)
		if address != "" {
			t.Errorf("%s: an address was returned", code)
		}
	}
}

func TestPARLeavesNothingForTheBrowser(t *testing.T) {
	for name, edit := range map[string]func(*misbehavingOP, *oauthbank.Config){
		"configured": func(_ *misbehavingOP, c *oauthbank.Config) { c.RequirePAR = true },
		"discovered": func(op *misbehavingOP, c *oauthbank.Config) {
			withDiscovery(c)
			op.metadata = func(m map[string]any) {
				m["pushed_authorization_request_endpoint"] = "https://bank.example/par"
				m["require_pushed_authorization_requests"] = true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			op := newOP()
			address, err := authorize(t, op.bank(t, func(c *oauthbank.Config) { edit(op, c) }))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string][]string{"client_id": {clientID}, "request_uri": {"urn:ietf:params:oauth:request_uri:abc"}}
			if diff := cmp.Diff(want, queryOf(t, address)); diff != "" {
				t.Errorf("browser URL (-want +got):\n%s", diff)
			}
			pushed := op.seen("/par")[0]
			if pushed.form.Get("state") != "state-1" || pushed.form.Get("client_id") != clientID ||
				pushed.form.Get("response_type") != "code" || pushed.form.Has("request_uri") {
				t.Error("the pushed request is not the authorization request")
			}
			if pushed.header.Get("Authorization") == "" {
				t.Error("the pushed request is not authenticated")
			}
		})
	}
}

func TestPARFailureHasNoFallback(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
		code   string
	}{
		{400, `{"error":"invalid_request"}`, token.ErrMisconfigured, "invalid_request"},
		{401, `{"error":"invalid_client"}`, token.ErrMisconfigured, "invalid_client"},
		{400, `{"error":"invalid_grant"}`, token.ErrNotDone, "invalid_grant"},
		{429, ``, token.ErrNotDone, "no_json"},
		{500, ``, token.ErrOutcomeUnknown, "no_json"},
		{307, ``, token.ErrOutcomeUnknown, "redirect"},
		{201, ``, token.ErrOutcomeUnknown, "no_request_uri"},
		{201, `{"request_uri":""}`, token.ErrOutcomeUnknown, "no_request_uri"},
		{201, `{"request_uri":"urn:a b"}`, token.ErrOutcomeUnknown, "no_request_uri"},
		{201, `{"request_uri":7}`, token.ErrOutcomeUnknown, "no_request_uri"},
	} {
		op := newOP()
		op.reply("/par", c.status, "application/json", c.body)
		address, err := authorize(t, op.bank(t, func(c *oauthbank.Config) { c.RequirePAR = true }))
		wantFault(t, err, c.want, c.code)
		if address != "" || len(op.seen("/par")) != 1 {
			t.Errorf("%d %s: address %q after %d requests, want none after one", c.status, c.body, address, len(op.seen("/par")))
		}
	}
}

func TestPARRequiredByABankWithoutEndpoint(t *testing.T) {
	op := newOP()
	op.metadata = func(m map[string]any) { m["require_pushed_authorization_requests"] = true }
	_, err := authorize(t, op.bank(t, withDiscovery))
	wantFault(t, err, token.ErrMisconfigured, "metadata_incomplete")
}

func TestRevoke(t *testing.T) {
	both := token.Grant{Access: "access-1", Refresh: "refresh-1"}
	for _, c := range []struct {
		name         string
		grant        token.Grant
		status       int
		body         string
		want         token.Revocation
		err          error
		token, hint  string
		noRevocation bool
	}{
		{name: "refresh token", grant: both, status: 200, want: token.RevocationConfirmed, token: "refresh-1", hint: "refresh_token"},
		{name: "access token only", grant: token.Grant{Access: "access-1"}, status: 200,
			want: token.RevocationConfirmed, token: "access-1", hint: "access_token"},
		{name: "204", grant: both, status: 204, want: token.RevocationConfirmed, token: "refresh-1", hint: "refresh_token"},
		{name: "no endpoint", grant: both, want: token.RevocationUnsupported, noRevocation: true},
		{name: "revocation 503", grant: both, status: 503, want: token.RevocationFailed, err: token.ErrOutcomeUnknown,
			token: "refresh-1", hint: "refresh_token"},
		{name: "429", grant: both, status: 429, want: token.RevocationFailed, err: token.ErrNotDone,
			token: "refresh-1", hint: "refresh_token"},
		{name: "202", grant: both, status: 202, want: token.RevocationFailed, err: token.ErrOutcomeUnknown,
			token: "refresh-1", hint: "refresh_token"},
		{name: "redirect", grant: both, status: 307, want: token.RevocationFailed, err: token.ErrOutcomeUnknown,
			token: "refresh-1", hint: "refresh_token"},
		{name: "client refused", grant: both, status: 401, body: `{"error":"invalid_client"}`,
			want: token.RevocationFailed, err: token.ErrMisconfigured, token: "refresh-1", hint: "refresh_token"},
		{name: "kind of token unsupported", grant: both, status: 400, body: `{"error":"unsupported_token_type"}`,
			want: token.RevocationFailed, err: token.ErrMisconfigured, token: "refresh-1", hint: "refresh_token"},
		{name: "token not ours", grant: both, status: 400, body: `{"error":"invalid_grant"}`,
			want: token.RevocationFailed, err: token.ErrRefused, token: "refresh-1", hint: "refresh_token"},
		{name: "nothing to revoke", want: token.RevocationFailed, err: token.ErrNotDone},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := newOP()
			op.reply("/revoke", c.status, "application/json", c.body, "Location", "https://bank.example/elsewhere")
			b := op.bank(t, func(conf *oauthbank.Config) {
				if c.noRevocation {
					conf.Endpoints.Revocation = ""
				}
			})
			got, err := b.Revoke(t.Context(), c.grant)
			if got != c.want || (err == nil) != (c.err == nil) {
				t.Errorf("Revoke = %v, %v, want %v, %v", got, err, c.want, c.err)
			}
			if _, ok := asFault(err, c.err); err != nil && !ok {
				t.Errorf("error = %v, want %v", err, c.err)
			}
			if c.token == "" {
				if len(op.requests) != 0 {
					t.Error("a request was made")
				}
				return
			}
			form := op.seen("/revoke")[0].form
			want := url.Values{"token": {c.token}, "token_type_hint": {c.hint}}
			if diff := cmp.Diff(want, form); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRevokeHungEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on("/revoke", hang)
		start := time.Now()
		got, err := op.bank(t).Revoke(t.Context(), token.Grant{Refresh: "refresh-1"})
		wantFault(t, err, token.ErrOutcomeUnknown, "timeout")
		if waited := time.Since(start); got != token.RevocationFailed || waited != 20*time.Second {
			t.Errorf("Revoke = %v after %s, want failed after 20 s", got, waited)
		}
	})
}

// TestAuthorizationURLAnew: only a trip that says so makes the bank ask again.
func TestAuthorizationURLAnew(t *testing.T) {
	for anew, want := range map[bool][]string{true: {"login"}, false: nil} {
		r := trip()
		r.Anew = anew
		address, err := newOP().bank(t, func(*oauthbank.Config) {}).AuthorizationURL(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got := queryOf(t, address)["prompt"]; !slices.Equal(got, want) {
			t.Errorf("anew %t: prompt = %q, want %q", anew, got, want)
		}
	}
}
