package oauthbank_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func TestRedeemReturnsGrantAndIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		g, who, err := redeem(t, op.bank(t))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		want := token.Grant{
			Access: "access-1", Refresh: "refresh-1", TokenType: "Bearer",
			Scopes: []string{"openid", "payments"}, IssuedAt: now, AccessExpiry: now.Add(10 * time.Minute),
		}
		if !cmp.Equal(g, want) {
			t.Errorf("grant differs from what the bank gave: %+v", g)
		}
		if who != (token.Identity{Issuer: issuer, Subject: subject, NationalID: "0101809999", Name: "Jón Gunnarsson"}) {
			t.Error("identity differs from the ID token")
		}
		form := op.seen("/token")[0].form
		for name, want := range map[string]string{
			"grant_type": "authorization_code", "code": "code-1", "redirect_uri": redirectURI, "code_verifier": verifier,
		} {
			if form.Get(name) != want {
				t.Errorf("form %s = %q, want %q", name, form.Get(name), want)
			}
		}
	})
}

func TestRedeemSendsNoVerifierWithoutChallenge(t *testing.T) {
	op := newOP()
	if _, _, err := redeem(t, op.bank(t, func(c *oauthbank.Config) { c.PKCE = false })); err != nil {
		t.Fatal(err)
	}
	if op.seen("/token")[0].form.Has("code_verifier") {
		t.Error("code_verifier sent to a bank without PKCE")
	}
}

func TestRedeemWithoutOpenIDIgnoresAnyIDToken(t *testing.T) {
	op := newOP()
	op.claims = func(c map[string]any) { c["iss"] = "https://other.example" }
	r := redemption()
	r.Scopes, r.Nonce = []string{"payments"}, ""
	_, who, err := op.bank(t).Redeem(t.Context(), r)
	if err != nil || who != (token.Identity{}) || len(op.seen("/jwks")) != 0 {
		t.Errorf("Redeem = %v, %v with %d key requests, want no identity and none", who, err, len(op.seen("/jwks")))
	}
}

func TestRedeemRefusesToRunUnprotected(t *testing.T) {
	for code, edit := range map[string]func(*token.Redemption){
		"code_missing":       func(r *token.Redemption) { r.Code = "" },
		"nonce_missing":      func(r *token.Redemption) { r.Nonce = "" },
		"verifier_too_short": func(r *token.Redemption) { r.Verifier = "short" },
	} {
		op := newOP()
		op.claims = func(c map[string]any) { c["nonce"] = "" }
		r := redemption()
		edit(&r)
		_, _, err := op.bank(t).Redeem(t.Context(), r)
		wantFault(t, err, token.ErrNotDone, code)
		if len(op.requests) != 0 {
			t.Errorf("%s: %d requests, want none", code, len(op.requests))
		}
	}
}

func TestRedeemSpendsNoCodeWhileKeysAreOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on("/jwks", hang)
		_, _, err := redeem(t, op.bank(t))
		wantFault(t, err, token.ErrNotDone, "timeout")
		if len(op.seen("/token")) != 0 {
			t.Error("the code was sent although its ID token could not be checked")
		}
	})
}

func TestRedeemRevokesEvenWhenTheClientLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.claims = func(c map[string]any) { c["nonce"] = "other" }
		ctx, leave := contextWithCancel(t)
		op.on("/revoke", func(r *http.Request) (*http.Response, error) {
			leave()
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			return textResponse(200, "text/plain", ""), nil
		})
		var log *syncBuffer
		_, _, err := op.bank(t, func(c *oauthbank.Config) { log = logged(c) }).Redeem(ctx, redemption())
		wantFault(t, err, token.ErrAnswerRejected, "id_token_nonce")
		if !strings.Contains(log.String(), "revocation=confirmed") {
			t.Errorf("log = %s, want a confirmed revocation", log)
		}
	})
}

func TestRedeemSurvivesAHungRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.claims = func(c map[string]any) { c["nonce"] = "other" }
		op.on("/revoke", hang)
		start := time.Now()
		_, _, err := redeem(t, op.bank(t))
		wantFault(t, err, token.ErrAnswerRejected, "id_token_nonce")
		if waited := time.Since(start); waited > 10*time.Second {
			t.Errorf("waited %s, want 10 s at most", waited)
		}
	})
}
