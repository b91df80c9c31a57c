package sandbox_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/consentd/consentd/sandbox"
)

// verify opens a JWT with the keys that the bank publishes.
func (r *rig) verify(token string) map[string]any {
	r.t.Helper()
	var set jose.JSONWebKeySet
	r.decode(r.do(r.request(http.MethodGet, "/pf/JWKS", "")), &set)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		r.t.Fatal(err)
	}
	claims := make(map[string]any)
	if err := parsed.Claims(&set, &claims); err != nil {
		r.t.Fatalf("token does not verify by the JWKS: %v", err)
	}
	return claims
}

func TestRefreshedIDTokenKeepsAuthTimeAndDropsNonce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS")
	r.Advance(time.Hour)
	before, after := r.verify(first.ID), r.verify(r.refresh(first.Refresh).ID)
	if after["auth_time"] != before["auth_time"] || after["nonce"] != nil || after["iat"] == before["iat"] {
		t.Errorf("ID tokens = %v, then %v", before, after)
	}
}

func TestGrantEndsNinetyDaysAfterApproval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rotation(sandbox.Strict()))
		got := r.grant("JONGUNARS")
		for range 89 {
			time.Sleep(day)
			got = r.refresh(got.Refresh)
			if got.Error != "" {
				t.Fatalf("refresh = %s", got.Error)
			}
		}
		time.Sleep(day - time.Minute)
		got = r.refresh(got.Refresh)
		if got.ExpiresIn != 60 {
			t.Errorf("expires_in a minute before the end = %d, want 60", got.ExpiresIn)
		}
		time.Sleep(time.Minute)
		if r.works(got.Access) {
			t.Error("the access token outlives the grant")
		}
		if got := r.refresh(got.Refresh); got.Error != "invalid_grant" {
			t.Errorf("refresh after 90 days = %q, want invalid_grant", got.Error)
		}
	})
}

func TestRefreshScope(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS", "profile")
	if got := r.refresh(first.Refresh, "scope", "openid customer"); got.Scope != "openid customer" || r.works(got.Access) {
		t.Errorf("narrowed refresh has scope %q, want openid customer and no payments", got.Scope)
	}
	if got := r.refresh(first.Refresh, "scope", "openid profile"); got.Error != "invalid_scope" {
		t.Errorf("widened refresh = %q, want invalid_scope", got.Error)
	}
	if got := r.refresh(first.Refresh); got.Scope != "openid customer payments" {
		t.Errorf("refresh has scope %q, want that of the grant", got.Scope)
	}
}

func TestAccessTokenExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.AccessTTL = time.Minute })
	got := r.grant("JONGUNARS")
	r.Advance(59 * time.Second)
	if !r.works(got.Access) {
		t.Error("the access token ended early")
	}
	r.Advance(time.Second)
	if r.works(got.Access) || r.active(got.Access) {
		t.Error("the access token outlives its minute")
	}
}

func TestTokenAnswersAreNotCached(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	res := r.post("/as/token.oauth2", basic("shop", "s+cr/t"))
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
	if got := r.do(r.request(http.MethodGet, "/as/token.oauth2", "")).StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("GET of the token endpoint = %d, want 405", got)
	}
	if !json.Valid([]byte(r.text(res))) {
		t.Error("a refusal is not JSON")
	}
}

func TestShortAccessTokensLeaveTheIDTokenItsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.AccessTTL = time.Second })
	id := r.verify(r.grant("JONGUNARS").ID)
	if life := id["exp"].(float64) - id["iat"].(float64); life != 300 {
		t.Errorf("ID token lives %v s, want 300", life)
	}
}
