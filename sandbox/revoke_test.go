package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/consentd/consentd/sandbox"
	"github.com/google/go-cmp/cmp"
)

func TestRevokeByEitherTokenEndsTheGrant(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"refresh_token", "access_token", "used refresh_token"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rotation(sandbox.Strict()))
			first := r.grant("JONGUNARS")
			second := r.refresh(first.Refresh)
			token := map[string]string{
				"refresh_token": second.Refresh, "access_token": second.Access, "used refresh_token": first.Refresh,
			}[kind]
			// The hint is wrong half of the time: it must not matter.
			res := r.post("/as/revoke_token.oauth2", basic("shop", "s+cr/t"), "token", token, "token_type_hint", "refresh_token")
			if res.StatusCode != http.StatusOK {
				t.Fatalf("revoke = %s, want 200", res.Status)
			}
			if r.works(first.Access) || r.works(second.Access) || r.refresh(second.Refresh).Error != "invalid_grant" {
				t.Error("a token of a revoked grant still works")
			}
			again := r.post("/as/revoke_token.oauth2", basic("shop", "s+cr/t"), "token", token)
			if again.StatusCode != http.StatusOK {
				t.Errorf("revoke again = %s, want 200", again.Status)
			}
		})
	}
}

func TestRevokeRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.grant("JONGUNARS")
	for name, res := range map[string]*http.Response{
		"another client": r.post("/as/revoke_token.oauth2", basic("other", "other-secret"), "token", got.Refresh),
		"no token":       r.post("/as/revoke_token.oauth2", basic("shop", "s+cr/t")),
		"wrong secret":   r.post("/as/revoke_token.oauth2", basic("shop", "wrong"), "token", got.Refresh),
	} {
		if res.StatusCode < 400 || res.StatusCode > 401 {
			t.Errorf("%s: revoke = %s, want 400 or 401", name, res.Status)
		}
	}
	if !r.works(got.Access) {
		t.Error("a refused revocation ended the grant")
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Strict()))
	first := r.grant("JONGUNARS", "profile")
	var got map[string]any
	r.decode(r.post("/as/introspect.oauth2", basic("shop", "s+cr/t"), "token", first.Access), &got)
	if got["exp"] == nil || got["iat"] == nil {
		t.Errorf("introspection = %v, want exp and iat", got)
	}
	delete(got, "exp")
	delete(got, "iat")
	want := map[string]any{
		"active": true, "scope": "openid customer payments", "client_id": "shop", "username": "JONGUNARS",
		"sub": "JONGUNARS", "iss": issuer, "aud": issuer, "token_type": "Bearer",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("introspection (-want +got):\n%s", diff)
	}
	if !r.active(first.Refresh) {
		t.Error("the refresh token is inactive")
	}
	r.refresh(first.Refresh)
	if r.active(first.Refresh) {
		t.Error("a used refresh token is active")
	}
	if !r.active(first.Access) {
		t.Error("asking about a used refresh token ended the grant")
	}
	foreign := r.post("/as/introspect.oauth2", basic("other", "other-secret"), "token", first.Access)
	var inactive map[string]any
	if r.decode(foreign, &inactive); !cmp.Equal(inactive, map[string]any{"active": false}) {
		t.Errorf("another client's introspection = %v, want inactive and nothing else", inactive)
	}
	if r.active("nonsense") {
		t.Error("an unknown token is active")
	}
}
