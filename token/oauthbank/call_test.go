package oauthbank_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func redemption() token.Redemption {
	return token.Redemption{Code: "code-1", Verifier: verifier, Nonce: nonce, Scopes: []string{"openid", "payments"}}
}

func redeem(t testing.TB, b *oauthbank.Bank) (token.Grant, token.Identity, error) {
	t.Helper()
	return b.Redeem(t.Context(), redemption())
}

func refresh(t testing.TB, b *oauthbank.Bank) (token.Grant, error) {
	t.Helper()
	return b.Refresh(t.Context(), "refresh-0", []string{"openid", "payments"},
		token.Identity{Issuer: issuer, Subject: subject})
}

// wantFault checks the class of a failure and the word for it.
func wantFault(t testing.TB, err error, want error, code string) {
	t.Helper()
	var be *token.BankError
	if !errors.As(err, &be) || !errors.Is(err, want) || be.Code != code {
		t.Errorf("error = %v, want %v with code %q", err, want, code)
	}
}

func asFault(err, want error) (*token.BankError, bool) {
	be, ok := errors.AsType[*token.BankError](err)
	return be, ok && errors.Is(err, want)
}

func contextWithCancel(t testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func reveal(s token.Secret) string { return s.Reveal() }

func slowly(d time.Duration, answer any) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		time.Sleep(d)
		return jsonResponse(200, answer), nil
	}
}
