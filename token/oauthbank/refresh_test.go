package oauthbank_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func TestOIDFRefresh(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(*misbehavingOP)
		want string
	}{
		{"oidcc-client-test-refresh-token", func(*misbehavingOP) {}, ""},
		{"oidcc-client-test-refresh-token-invalid-issuer", claim("iss", issuer+"1"), "id_token_iss"},
		{"oidcc-client-test-refresh-token-invalid-sub", claim("sub", subject+"1"), "id_token_sub"},
		{"another audience", claim("aud", "other"), "id_token_aud"},
		{"an untrusted further audience", claim("aud", []string{clientID, "other"}), "id_token_aud"},
		{"another authorized party", claim("azp", "other"), "id_token_azp"},
		{"no subject", claim("sub", nil), "id_token_sub"},
		{"no nonce, as is usual", claim("nonce", nil), ""},
		{"no ID token", member("id_token", nil), ""},
		{"empty ID token", member("id_token", ""), ""},
		{"ID token is garbage", member("id_token", "a.b.c"), "id_token_malformed"},
		{"ID token is encrypted", member("id_token", "a.b.c.d.e"), "id_token_malformed"},
		{"expired by a clock gone wrong", clock("exp", -time.Hour), ""},
		{"unknown key", func(op *misbehavingOP) {
			op.mint = func(c map[string]any) string { return op.sign(signer{alg: "RS256", kid: "x", key: rsaKeys()[1]}, c) }
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := newOP()
			c.bend(op)
			op.on("/jwks", func(*http.Request) (*http.Response, error) {
				t.Error("keys were fetched between the bank's answer and us")
				return textResponse(500, "text/plain", ""), nil
			})
			g, err := refresh(t, op.bank(t))
			if c.want == "" {
				if err != nil || reveal(g.Refresh) != "refresh-1" {
					t.Errorf("Refresh = %v, %v, want the rotated token", g, err)
				}
				return
			}
			want := token.ErrAnswerRejected
			if c.want == "id_token_malformed" {
				want = token.ErrOutcomeUnknown // it names nobody else
			}
			wantFault(t, err, want, c.want)
			if len(op.requests) != 1 {
				t.Errorf("%d requests, want one and no revocation", len(op.requests))
			}
		})
	}
}

func TestRefreshAsksForNothingNew(t *testing.T) {
	op := newOP()
	if _, err := refresh(t, op.bank(t)); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}}
	if diff := cmp.Diff(want, map[string][]string(op.seen("/token")[0].form)); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
}

func TestRefreshWithoutRotationLeavesRefreshEmpty(t *testing.T) {
	for _, value := range []any{nil, ""} {
		op := newOP()
		op.answer = func(a map[string]any) { a["refresh_token"] = value }
		g, err := refresh(t, op.bank(t))
		if err != nil || g.Refresh != "" {
			t.Errorf("refresh_token %v: Refresh = %v, %v, want none and no error", value, g, err)
		}
	}
}

func TestRefreshOfAnUnidentifiedGrant(t *testing.T) {
	op := newOP()
	if _, err := op.bank(t).Refresh(t.Context(), "refresh-0", nil, token.Identity{}); err != nil {
		t.Error(err)
	}
	_, err := op.bank(t).Refresh(t.Context(), "", nil, token.Identity{})
	wantFault(t, err, token.ErrNotDone, "refresh_token_missing")
}

func TestRefreshKeepsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on("/token", hang)
		start := time.Now()
		_, err := refresh(t, op.bank(t, func(c *oauthbank.Config) { c.Deadline = 7 * time.Second }))
		wantFault(t, err, token.ErrOutcomeUnknown, "timeout")
		if waited := time.Since(start); waited != 7*time.Second {
			t.Errorf("waited %s, want 7 s", waited)
		}
	})
}

func TestRefreshHonoursItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on("/token", hang)
		ctx, cancel := contextWithCancel(t)
		go func() {
			time.Sleep(time.Second)
			cancel()
		}()
		_, err := op.bank(t).Refresh(ctx, "refresh-0", nil, token.Identity{})
		wantFault(t, err, token.ErrOutcomeUnknown, "cancelled")
		_, err = op.bank(t).Refresh(ctx, "refresh-0", nil, token.Identity{})
		wantFault(t, err, token.ErrNotDone, "deadline")
		if n := len(op.seen("/token")); n != 1 {
			t.Errorf("token requests = %d, want none on a dead context", n)
		}
	})
}
