package oauthbank_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

// Every secret of these walks contains this word, and so does everything
// that the bank says about them.
const canary = "CaNaRy"

func TestSecretsReachNoErrorAndNoLog(t *testing.T) {
	secretive := func(c *oauthbank.Config) { c.ClientSecret = canary + "-client-secret" }
	r := token.Redemption{
		Code: canary + "-code", Verifier: canary + verifier, Nonce: canary + "-nonce", Scopes: []string{"openid", canary},
	}
	walk := func(b *oauthbank.Bank) []error {
		_, err1 := b.AuthorizationURL(t.Context(), token.AuthorizationRequest{
			State: canary + "-state", Nonce: r.Nonce, Verifier: r.Verifier, Scopes: r.Scopes})
		_, _, err2 := b.Redeem(t.Context(), r)
		_, err3 := b.Refresh(t.Context(), canary+"-refresh", r.Scopes, token.Identity{Issuer: issuer, Subject: canary})
		_, err4 := b.Revoke(t.Context(), token.Grant{Access: canary + "-access", Refresh: canary + "-refresh"})
		return []error{err1, err2, err3, err4, b.CheckIssuer(canary)}
	}
	echo := func(status int, format string) func(*http.Request) (*http.Response, error) {
		return func(req *http.Request) (*http.Response, error) {
			resp := textResponse(status, "application/json", fmt.Sprintf(format, canary))
			resp.Header.Set("Location", "https://bank.example/"+canary)
			resp.Header.Set("X-"+canary, canary)
			return resp, nil
		}
	}
	for name, serve := range map[string]func(*http.Request) (*http.Response, error){
		"echo of the token as code": echo(400, `{"error":%q}`),
		"description":               echo(400, `{"error":"invalid_grant","error_description":%q,"error_uri":"x"}`),
		"code with a new line":      echo(400, `{"error":"a\n%s"}`),
		"html":                      echo(500, `<h1>%s</h1>`),
		"redirect":                  echo(302, `%s`),
		"rejected answer":           echo(200, `{"access_token":"%[1]s a","refresh_token":"%[1]s","token_type":"%[1]s","id_token":"%[1]s","scope":"%[1]s"}`),
		"unreadable":                echo(200, `{"access_token":"%s`),
		"transport error":           func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("dial %s", canary) },
	} {
		t.Run(name, func(t *testing.T) {
			op := newOP()
			var log *syncBuffer
			b := op.bank(t, secretive, func(c *oauthbank.Config) { log = logged(c); c.RequirePAR = true; c.GrantEndField = "scope" })
			for _, path := range []string{"/token", "/revoke", "/par"} {
				op.on(path, serve)
			}
			for _, err := range walk(b) {
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, canary) {
					t.Errorf("error shows a secret: %s", text)
				}
			}
			if strings.Contains(log.String(), canary) {
				t.Errorf("log shows a secret: %s", log)
			}
		})
	}
}

func TestSecretsAreNotTakenForCodes(t *testing.T) {
	for _, code := range []string{"refresh-0", "refresh-0-and-more", "sh-0", clientSecret, "a b", "a\nb", strings.Repeat("a", 41), "é"} {
		op := newOP()
		body := must(json.Marshal(map[string]string{"error": code}))
		op.reply("/token", 400, "application/json", string(body))
		_, err := refresh(t, op.bank(t))
		wantFault(t, err, token.ErrNotDone, "unreadable_code")
	}
}

func TestSecretsStayOutOfTheLogOfASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		var log *syncBuffer
		b := op.bank(t, withDiscovery, func(c *oauthbank.Config) { log = logged(c); c.GrantEndField = "scope" })
		op.answer = func(a map[string]any) { a["scope"] = "openid payments accounts" }
		_, _, err := redeem(t, b)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"access-1", "refresh-1", "code-1", nonce, verifier, clientSecret, subject, "0101809999", "accounts"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("log shows %s: %s", secret, log)
			}
		}
	})
}

func TestSecretsNeverInAURL(t *testing.T) {
	op := newOP()
	b := op.bank(t, func(c *oauthbank.Config) { c.ClientAuth = oauthbank.ClientSecretPost })
	_, _, _ = redeem(t, b)
	_, _ = refresh(t, b)
	_, _ = b.Revoke(t.Context(), token.Grant{Refresh: "refresh-1"})
	for _, r := range op.requests {
		if strings.Contains(r.url, "?") {
			t.Errorf("%s has a query", r.path)
		}
	}
}

func TestIdentityTakesOnlyPlainClaims(t *testing.T) {
	for _, value := range []any{7, nil, []string{"0101809999"}, "a\nb", strings.Repeat("1", 65), map[string]any{}} {
		op := newOP()
		op.claims = func(c map[string]any) { c["kennitala"] = value; c["name"] = value }
		_, who, err := redeem(t, op.bank(t))
		if err != nil || who.NationalID != "" {
			t.Errorf("claim %v: %v, %v, want no national id", value, reveal(who.NationalID), err)
		}
	}
	op := newOP()
	op.claims = func(c map[string]any) { c["kennitala"] = "010180-9999" }
	if _, who, err := redeem(t, op.bank(t)); err != nil || who.NationalID != "0101809999" {
		t.Errorf("a hyphen in the claim: %v, %v, want the digits", reveal(who.NationalID), err)
	}
	if _, who, err := redeem(t, op.bank(t, func(c *oauthbank.Config) { c.NationalIDClaim = "" })); err != nil || who.NationalID != "" {
		t.Errorf("without a claim configured: %v, %v", reveal(who.NationalID), err)
	}
}

// toolhive #6194: an exchange that succeeded, then a key fetch that did not.
func TestRotatedTokenSurvivesAKeyOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		b := op.bank(t, withDiscovery)
		if _, _, err := redeem(t, b); err != nil {
			t.Fatal(err)
		}
		op.on("/jwks", hang)
		op.on(documentPath, hang)
		time.Sleep(25 * time.Hour)
		start := time.Now()
		g, err := refresh(t, b)
		if err != nil || reveal(g.Refresh) != "refresh-1" {
			t.Errorf("Refresh = %v, want the rotated token", err)
		}
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("waited %s for a document that was not needed", waited)
		}
	})
}

func TestRefreshAfterRefreshUsesTheRotatedToken(t *testing.T) {
	op := newOP()
	current, uses := "refresh-0", 0
	op.on("/token", func(r *http.Request) (*http.Response, error) {
		seen := op.seen("/token")
		if got := seen[len(seen)-1].form.Get("refresh_token"); got != current {
			return textResponse(400, "application/json", `{"error":"invalid_grant"}`), nil
		}
		uses++
		current = fmt.Sprintf("refresh-%d", uses)
		body := must(json.Marshal(map[string]any{"access_token": "a", "refresh_token": current, "token_type": "Bearer"}))
		return textResponse(200, "application/json", string(body)), nil
	})
	b := op.bank(t)
	next := token.Secret("refresh-0")
	for range 3 {
		g, err := b.Refresh(t.Context(), next, nil, token.Identity{})
		if err != nil {
			t.Fatal(err)
		}
		next = g.Refresh
	}
	_, err := b.Refresh(t.Context(), "refresh-1", nil, token.Identity{})
	wantFault(t, err, token.ErrRefused, "invalid_grant")
}
