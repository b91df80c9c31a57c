package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/consentd/consentd/sandbox"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.RequirePAR = true })
	var doc map[string]any
	r.decode(r.do(r.request(http.MethodGet, "/.well-known/openid-configuration", "")), &doc)
	want := map[string]any{
		"issuer":                                         issuer,
		"authorization_endpoint":                         issuer + "/as/authorization.oauth2",
		"token_endpoint":                                 issuer + "/as/token.oauth2",
		"jwks_uri":                                       issuer + "/pf/JWKS",
		"revocation_endpoint":                            issuer + "/as/revoke_token.oauth2",
		"introspection_endpoint":                         issuer + "/as/introspect.oauth2",
		"pushed_authorization_request_endpoint":          issuer + "/as/par.oauth2",
		"require_pushed_authorization_requests":          true,
		"authorization_response_iss_parameter_supported": true,
	}
	for name, value := range want {
		if doc[name] != value {
			t.Errorf("%s = %v, want %v", name, doc[name], value)
		}
	}
}

func TestRotateKeysKeepsTheOneBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS")
	r.RotateKeys()
	second := r.refresh(first.Refresh)
	r.verify(first.ID)
	r.verify(second.ID)
	r.RotateKeys()
	var set jose.JSONWebKeySet
	r.decode(r.do(r.request(http.MethodGet, "/pf/JWKS", "")), &set)
	parsed, err := jwt.ParseSigned(first.ID, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 || len(set.Key(parsed.Headers[0].KeyID)) != 0 {
		t.Errorf("JWKS has %d keys with the first, want 2 without", len(set.Keys))
	}
	if !r.works(first.Access) {
		t.Error("a live access token fell with its key; the books decide")
	}
}
