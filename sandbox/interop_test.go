package sandbox_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// TestOtherPeoplesClients walks the bank with go-oidc and x/oauth2, which read
// the specifications without asking us.
func TestOtherPeoplesClients(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Strict()))
	ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: r.Bank})
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		t.Fatal(err)
	}
	app := oauth2.Config{
		ClientID: "shop", ClientSecret: "s+cr/t", Endpoint: provider.Endpoint(), RedirectURL: redirect,
		Scopes: []string{"openid", "customer", "payments"},
	}
	proof := oauth2.GenerateVerifier()
	back := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, app.AuthCodeURL("st", oauth2.S256ChallengeOption(proof), oidc.Nonce("n-1")))
	got, err := app.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(proof))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := got.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: "shop"}).Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := id.VerifyAccessToken(got.AccessToken); err != nil || id.Nonce != "n-1" {
		t.Errorf("at_hash: %v, nonce %q", err, id.Nonce)
	}
	got.Expiry = time.Now().Add(-time.Minute)
	again, err := app.TokenSource(ctx, got).Token()
	if err != nil || again.RefreshToken == got.RefreshToken {
		t.Errorf("refresh = %v, want a new refresh token", err)
	}
	if u, err := url.Parse(back.Get("iss")); err != nil || u.String() != issuer {
		t.Errorf("iss = %v, %v", u, err)
	}
}
