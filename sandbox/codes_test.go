package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/sandbox"
)

func TestHappyPath(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	back := r.answer(sandbox.Customer{User: "jongunnars"}, authorizationURL())
	if back.Get("iss") != issuer || back.Get("state") != "st" || back.Get("from") != "bank" {
		t.Errorf("callback = %v, want iss, state and the app's own parameter", back)
	}
	got := r.redeem(back.Get("code"))
	if got.Type != "Bearer" || got.ExpiresIn != 300 || got.Scope != fourAsk || got.Refresh == "" {
		t.Errorf("redeem = %+v, want a bearer token for 300 s with all scopes", got)
	}
	hash := sha256.Sum256([]byte(got.Access))
	want := map[string]any{
		"iss": issuer, "sub": "JONGUNARS", "aud": "shop", "nonce": "no",
		"at_hash":   base64.RawURLEncoding.EncodeToString(hash[:16]),
		"kennitala": "0101809999", "name": "Jón Gervimaður Gunnarsson",
		"gender": "male", "birthdate": "1980-01-01",
	}
	id := r.verify(got.ID)
	for _, moment := range []string{"iat", "exp", "auth_time"} {
		if _, ok := id[moment].(float64); !ok {
			t.Errorf("ID token has no %s", moment)
		}
		delete(id, moment)
	}
	if diff := cmp.Diff(want, id); diff != "" {
		t.Errorf("ID token (-want +got):\n%s", diff)
	}
	if access := r.verify(got.Access); access["kennitala"] != "0101809999" || access["scope"] != fourAsk {
		t.Errorf("access token = %v, want kennitala and scope", access)
	}
	if !r.works(got.Access) {
		t.Error("the access token does not open the payments API")
	}
}

func TestUntickedScopesTakeTheirClaimsAlong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.grant("GUDGUNNARS", "customer", "payments")
	if got.Scope != "openid profile" {
		t.Errorf("scope = %q, want what stayed ticked", got.Scope)
	}
	if id := r.verify(got.ID); id["kennitala"] != nil || id["name"] == nil {
		t.Errorf("ID token = %v, want name and no kennitala", id)
	}
	if r.works(got.Access) {
		t.Error("a token without the scope payments opens the payments API")
	}
	if got := r.grant("GUDGUNNARS", "openid"); got.ID != "" {
		t.Error("an ID token came without the scope openid")
	}
	all := r.answer(sandbox.Customer{User: "GUDGUNNARS", Untick: strings.Fields(fourAsk)}, authorizationURL())
	if all.Get("error") != "access_denied" {
		t.Errorf("with nothing ticked: %v, want access_denied", all)
	}
}

func TestCodeExchangeRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		overrides []string
		want      string
	}{
		{"a code it never gave", []string{"code", "nonsense"}, "invalid_grant"},
		{"another redirect address", []string{"redirect_uri", "http://app.test/callback"}, "invalid_grant"},
		{"another verifier", []string{"code_verifier", strings.Repeat("x", 43)}, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, "invalid_grant"},
		{"an unknown grant type", []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"no grant type", []string{"grant_type", ""}, "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
			if got := r.redeem(code, c.overrides...); got.Status != 400 || got.Error != c.want {
				t.Errorf("redeem = %d %s, want 400 %s", got.Status, got.Error, c.want)
			}
		})
	}
}

func TestCodeReuseEndsWhatItGave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
	first := r.redeem(code)
	if got := r.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("second redeem = %s, want invalid_grant", got.Error)
	}
	if r.works(first.Access) || r.refresh(first.Refresh).Error != "invalid_grant" {
		t.Error("the tokens of a code that came back still work")
	}
}

func TestCodeBelongsToItsClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
	res := r.post("/as/token.oauth2", basic("other", "other-secret"), "grant_type", "authorization_code",
		"code", code, "redirect_uri", redirect, "code_verifier", verifier)
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("another client's redeem = %d, want 400", res.StatusCode)
	}
	if got := r.redeem(code); got.Access == "" {
		t.Errorf("redeem after another client tried = %s, want tokens", got.Error)
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
	r.Advance(time.Minute)
	if got := r.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("redeem after a minute = %s, want invalid_grant", got.Error)
	}
}
