package oauthbank_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

const documentPath = "/oidc/.well-known/openid-configuration"

func trip() token.AuthorizationRequest {
	return token.AuthorizationRequest{State: "state-1", Nonce: nonce, Verifier: verifier, Scopes: []string{"openid", "payments"}}
}

func authorize(t testing.TB, b *oauthbank.Bank) (string, error) {
	t.Helper()
	return b.AuthorizationURL(t.Context(), trip())
}

func TestOIDFConfig(t *testing.T) {
	t.Run("oidcc-client-test-discovery-openid-config", func(t *testing.T) {
		op := newOP()
		b := op.bank(t, withDiscovery)
		if len(op.requests) != 0 {
			t.Error("New talked to the bank")
		}
		if _, _, err := redeem(t, b); err != nil {
			t.Fatal(err)
		}
		if n := len(op.seen(documentPath)); n != 1 {
			t.Errorf("document read %d times, want once", n)
		}
	})
	t.Run("oidcc-client-test-discovery-jwks-uri-keys", func(t *testing.T) {
		op := newOP()
		op.metadata = func(m map[string]any) { m["jwks_uri"] = "https://bank.example/run-17/jwks" }
		op.on("/run-17/jwks", func(*http.Request) (*http.Response, error) { return jsonResponse(200, op.published()), nil })
		if _, _, err := redeem(t, op.bank(t, withDiscovery)); err != nil {
			t.Fatal(err)
		}
	})
	for _, other := range []string{issuer + "INVALID", issuer + "/", "", strings.ToUpper(issuer)} {
		t.Run("oidcc-client-test-discovery-issuer-mismatch "+other, func(t *testing.T) {
			op := newOP()
			op.metadata = func(m map[string]any) { m["issuer"] = other }
			b := op.bank(t, withDiscovery)
			_, err := authorize(t, b)
			wantFault(t, err, token.ErrMisconfigured, "metadata_issuer")
			_, _, err = redeem(t, b)
			wantFault(t, err, token.ErrMisconfigured, "metadata_issuer")
			if n := len(op.seen("/token")); n != 0 {
				t.Errorf("token requests = %d, want none", n)
			}
		})
	}
	t.Run("oidcc-client-test-signing-key-rotation", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			op := newOP()
			b := op.bank(t, withDiscovery)
			if _, _, err := redeem(t, b); err != nil {
				t.Fatal(err)
			}
			op.keys = []signer{{alg: "RS256", kid: "k2", key: rsaKeys()[1]}}
			if _, _, err := redeem(t, b); err != nil {
				t.Errorf("after rotation: %v", err)
			}
		})
	})
	t.Run("oidcc-client-test-signing-key-rotation-just-before-signing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			op := newOP()
			op.mint = func(c map[string]any) string {
				op.keys = []signer{{alg: "RS256", kid: "k1", key: rsaKeys()[1]}}
				return op.sign(op.keys[0], c)
			}
			if _, _, err := redeem(t, op.bank(t, withDiscovery)); err != nil {
				t.Errorf("after rotation: %v", err)
			}
		})
	})
}

func TestDiscoveryRefusesDangerousEndpoints(t *testing.T) {
	for name, edit := range map[string]func(m map[string]any){
		"plain http":         func(m map[string]any) { m["token_endpoint"] = "http://bank.example/token" },
		"user info":          func(m map[string]any) { m["token_endpoint"] = "https://u:p@bank.example/token" },
		"fragment":           func(m map[string]any) { m["token_endpoint"] = "https://bank.example/token#x" },
		"empty fragment":     func(m map[string]any) { m["token_endpoint"] = "https://bank.example/token#" },
		"metadata service":   func(m map[string]any) { m["token_endpoint"] = "https://169.254.169.254/token" },
		"other host":         func(m map[string]any) { m["token_endpoint"] = "https://evil.example/token" },
		"suffix of our host": func(m map[string]any) { m["token_endpoint"] = "https://evilbank.example/token" },
		"sub-domain":         func(m map[string]any) { m["token_endpoint"] = "https://x.bank.example/token" },
		"other port":         func(m map[string]any) { m["token_endpoint"] = "https://bank.example:8443/token" },
		"no string":          func(m map[string]any) { m["token_endpoint"] = []string{"https://bank.example/token"} },
	} {
		t.Run(name, func(t *testing.T) {
			op := newOP()
			op.metadata = edit
			_, err := op.bank(t, withDiscovery).Refresh(t.Context(), "refresh-0", nil, token.Identity{})
			wantFault(t, err, token.ErrMisconfigured, "metadata_token_endpoint")
			if n := len(op.requests); n != 1 {
				t.Errorf("%d requests, want only the document's", n)
			}
		})
	}
}

func TestDiscoveryFollowsReviewedHosts(t *testing.T) {
	op := newOP()
	op.metadata = func(m map[string]any) { m["jwks_uri"] = "https://KEYS.example:443/jwks" }
	for name, allow := range map[string]func(*oauthbank.Config){
		"host of an endpoint": func(c *oauthbank.Config) { c.Endpoints.JWKS = "https://keys.example/configured" },
		"allowed host":        func(c *oauthbank.Config) { c.AllowedHosts = []string{"keys.example"} },
	} {
		if _, _, err := redeem(t, op.bank(t, withDiscovery, allow)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDiscoveryFallsBackToReviewedEndpoints(t *testing.T) {
	op := newOP()
	op.metadata = func(m map[string]any) { delete(m, "revocation_endpoint") }
	g := token.Grant{Refresh: "refresh-1"}
	if got, err := op.bank(t, withDiscovery).Revoke(t.Context(), g); got != token.RevocationUnsupported || err != nil {
		t.Errorf("Revoke = %v, %v, want unsupported", got, err)
	}
	configured := func(c *oauthbank.Config) { c.Endpoints.Revocation = "https://bank.example/revoke" }
	if got, err := op.bank(t, withDiscovery, configured).Revoke(t.Context(), g); got != token.RevocationConfirmed || err != nil {
		t.Errorf("Revoke = %v, %v, want confirmed", got, err)
	}
}

func TestDiscoveryUsesBothPathRules(t *testing.T) {
	op := newOP()
	op.reply(documentPath, 404, "text/html", "no")
	op.on("/.well-known/oauth-authorization-server/oidc", func(*http.Request) (*http.Response, error) {
		return jsonResponse(200, op.discovery()), nil
	})
	if _, err := authorize(t, op.bank(t, withDiscovery)); err != nil {
		t.Error(err)
	}
	exact := newOP()
	exact.on("/x/.well-known/custom", func(*http.Request) (*http.Response, error) {
		return jsonResponse(200, exact.discovery()), nil
	})
	_, err := authorize(t, exact.bank(t, withDiscovery, func(c *oauthbank.Config) {
		c.DiscoveryURL = "https://bank.example/x/.well-known/custom"
	}))
	if err != nil {
		t.Error(err)
	}
}

func TestDiscoveryIsReadDailyAndAtMostOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.reply(documentPath, 503, "text/html", "down")
		reads := func() int { return len(op.seen(documentPath)) }
		b := op.bank(t, withDiscovery)
		for range 20 {
			_, err := authorize(t, b)
			wantFault(t, err, token.ErrNotDone, "document_unavailable")
		}
		if reads() != 1 {
			t.Fatalf("reads = %d while down, want 1", reads())
		}
		time.Sleep(time.Minute)
		op.on(documentPath, nil)
		for range 20 {
			if _, err := authorize(t, b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if reads() != 2 {
			t.Errorf("reads = %d in 20 h, want 2", reads())
		}
		time.Sleep(4 * time.Hour)
		op.reply(documentPath, 200, "application/json", `{"issuer":"https://evil.example"}`)
		for range 20 {
			if _, err := authorize(t, b); err != nil {
				t.Errorf("the old copy was dropped: %v", err)
			}
		}
		if reads() != 3 {
			t.Errorf("reads = %d after 24 h, want 3", reads())
		}
	})
}

// The demo's clock can be put back.
func TestDiscoverySurvivesAClockPutBack(t *testing.T) {
	op := newOP()
	now := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	b := op.bank(t, withDiscovery, func(c *oauthbank.Config) { c.Now = func() time.Time { return now } })
	op.reply(documentPath, 503, "text/html", "down")
	_, err := authorize(t, b)
	wantFault(t, err, token.ErrNotDone, "document_unavailable")
	op.on(documentPath, nil)
	now = now.AddDate(0, 0, -91)
	if _, err := authorize(t, b); err != nil {
		t.Errorf("after the clock was put back: %v", err)
	}
}

func TestDiscoverySharesOneReadAndNoContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on(documentPath, func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(3 * time.Second):
				return jsonResponse(200, op.discovery()), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		b := op.bank(t, withDiscovery)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := b.AuthorizationURL(hasty, trip())
			wantFault(t, err, token.ErrNotDone, "timeout")
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() {
				if _, err := authorize(t, b); err != nil {
					t.Errorf("AuthorizationURL: %v", err)
				}
			})
		}
		wg.Wait()
		if n := len(op.seen(documentPath)); n != 1 {
			t.Errorf("reads = %d, want 1", n)
		}
	})
}

func TestDiscoveryHungEndpointHoldsNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on(documentPath, hang)
		start := time.Now()
		_, err := authorize(t, op.bank(t, withDiscovery))
		wantFault(t, err, token.ErrNotDone, "timeout")
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("waited %s, want 5 s", waited)
		}
	})
}

func TestDiscoveryReportsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		var log *syncBuffer
		b := op.bank(t, withDiscovery, func(c *oauthbank.Config) { log = logged(c) })
		_, _ = authorize(t, b)
		time.Sleep(25 * time.Hour)
		op.metadata = func(m map[string]any) { m["token_endpoint"] = "https://bank.example/token2" }
		_, _ = authorize(t, b)
		if !strings.Contains(log.String(), "event=metadata_changed") || !strings.Contains(log.String(), "token_moved=true") {
			t.Errorf("log = %s, want the change", log)
		}
		time.Sleep(25 * time.Hour)
		op.metadata = func(m map[string]any) { m["token_endpoint"] = "https://evil.example/token" }
		_, err := refresh(t, b)
		if err == nil || len(op.seen("/token2")) != 1 {
			t.Errorf("Refresh = %v with %d requests to the old endpoint, want one", err, len(op.seen("/token2")))
		}
		if !strings.Contains(log.String(), "event=metadata_refused") {
			t.Errorf("log = %s, want the refusal", log)
		}
	})
}

func TestDiscoveryBoundsTheDocument(t *testing.T) {
	op := newOP()
	op.metadata = func(m map[string]any) { m["padding"] = strings.Repeat("x", 300<<10) }
	_, err := authorize(t, op.bank(t, withDiscovery))
	wantFault(t, err, token.ErrNotDone, "document_unavailable")
	op = newOP()
	op.reply(documentPath, 302, "text/html", "", "Location", "https://bank.example/elsewhere")
	_, err = authorize(t, op.bank(t, withDiscovery))
	wantFault(t, err, token.ErrNotDone, "document_unavailable")
	if len(op.seen("/elsewhere")) != 0 {
		t.Error("a redirect was followed")
	}
}

func TestCheckIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.metadata = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
		silent := op.bank(t)
		fapi := op.bank(t, func(c *oauthbank.Config) { c.RequireIssParameter = true })
		advertised := op.bank(t, withDiscovery)
		for _, b := range []*oauthbank.Bank{silent, fapi, advertised} {
			if err := b.CheckIssuer(issuer); err != nil {
				t.Errorf("own issuer: %v", err)
			}
			// fapi2-security-profile-final-client-test-invalid-authorization-response-iss
			wantFault(t, b.CheckIssuer(issuer+"1"), token.ErrAnswerRejected, "iss_mismatch")
			wantFault(t, b.CheckIssuer(issuer+"/"), token.ErrAnswerRejected, "iss_mismatch")
		}
		if err := silent.CheckIssuer(""); err != nil {
			t.Errorf("absent iss at a bank that need not send it: %v", err)
		}
		// fapi2-security-profile-final-client-test-remove-authorization-response-iss
		wantFault(t, fapi.CheckIssuer(""), token.ErrAnswerRejected, "iss_missing")
		wantFault(t, advertised.CheckIssuer(""), token.ErrAnswerRejected, "iss_missing")
		op.on(documentPath, hang)
		wantFault(t, op.bank(t, withDiscovery).CheckIssuer(""), token.ErrNotDone, "timeout")
	})
}

func FuzzDiscoveryDocument(f *testing.F) {
	op := newOP()
	f.Add(must(json.Marshal(op.discovery())))
	f.Add([]byte(`{"issuer":"https://bank.example/oidc","token_endpoint":"https://bank.example\u0000/","authorization_endpoint":""}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		op := newOP()
		op.reply(documentPath, 200, "application/json", string(document))
		b := op.bank(t, withDiscovery)
		_, _ = refresh(t, b)
		for _, r := range op.requests {
			u := must(url.Parse(r.url))
			if u.Scheme != "https" || !strings.EqualFold(strings.TrimSuffix(u.Hostname(), "."), "bank.example") {
				t.Errorf("request to %s", r.url)
			}
		}
	})
}
