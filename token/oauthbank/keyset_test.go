package oauthbank_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func TestKeysThatAreNeverTried(t *testing.T) {
	bend := func(edit func(jwk map[string]any)) func(*misbehavingOP) {
		return func(op *misbehavingOP) { op.keys[0].edit = edit }
	}
	runOIDF(t, []oidfCase{
		{name: "use enc", want: "id_token_signature", bend: bend(func(k map[string]any) { k["use"] = "enc" })},
		{name: "use absent", bend: bend(func(k map[string]any) { delete(k, "use") })},
		{name: "key_ops sign only", want: "id_token_signature", bend: bend(func(k map[string]any) { k["key_ops"] = []string{"sign"} })},
		{name: "key_ops verify", bend: bend(func(k map[string]any) { k["key_ops"] = []string{"verify"} })},
		{name: "alg of another signature", want: "id_token_signature", bend: bend(func(k map[string]any) { k["alg"] = "PS256" })},
		{name: "alg absent", bend: bend(func(k map[string]any) { delete(k, "alg") })},
		{name: "private member", want: "id_token_signature", bend: bend(func(k map[string]any) { k["d"] = "AQAB" })},
		{name: "numeric kid", want: "id_token_signature", bend: bend(func(k map[string]any) { k["kid"] = 7 })},
		{name: "garbage certificate beside the key", bend: bend(func(k map[string]any) { k["x5c"] = []string{"garbage"} })},
		{name: "url beside the key", bend: bend(func(k map[string]any) { k["x5u"] = ":not a url" })},
		{name: "RSA with 1024 bits", want: "id_token_signature", bend: func(op *misbehavingOP) { op.keys[0].key = weakRSAKey() }},
		{name: "P-384 for ES256", config: algs("ES256", "ES384"), want: "id_token_signature", bend: func(op *misbehavingOP) {
			real := signer{alg: "ES256", kid: "k1", key: ecKey()}
			op.keys = []signer{{alg: "", kid: "k1", key: ec384Key()}}
			op.mint = func(c map[string]any) string { return op.sign(real, c) }
		}},
		{name: "good key under another kid", want: "id_token_signature", bend: func(op *misbehavingOP) {
			other := signer{alg: "RS256", kid: "k2", key: rsaKeys()[0]}
			op.mint = func(c map[string]any) string { return op.sign(other, c) }
		}},
		{name: "named by the token: jku", want: "id_token_signature", bend: namedByToken("jku", "https://bank.example/evil-jwks")},
		{name: "named by the token: x5u", want: "id_token_signature", bend: namedByToken("x5u", "https://bank.example/evil-jwks")},
		{name: "named by the token: jwk", want: "id_token_signature",
			bend: namedByToken("jwk", jwkOf(signer{alg: "RS256", kid: "k1", key: rsaKeys()[1]}))},
	})
}

// namedByToken signs with a key that the bank does not publish and that the
// token itself points to.
func namedByToken(name string, value any) func(*misbehavingOP) {
	return func(op *misbehavingOP) {
		op.jwsHeader = map[string]any{name: value}
		evil := signer{alg: "RS256", kid: "k1", key: rsaKeys()[1]}
		op.mint = func(c map[string]any) string { return op.sign(evil, c) }
	}
}

func TestKeysAreSkippedOneByOne(t *testing.T) {
	runOIDF(t, []oidfCase{{name: "odd neighbours", bend: func(op *misbehavingOP) {
		op.jwks = func() any {
			return map[string]any{"keys": []any{
				"text", 7, nil, map[string]any{},
				map[string]any{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
				map[string]any{"kty": "RSA", "e": "AQAB", "kid": "k1"},
				map[string]any{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"},
				map[string]any{"kty": "OKP", "crv": "X25519", "x": "AA", "kid": "k1"},
				map[string]any{"kty": "new", "kid": "k1"},
				jwkOf(op.keys[0]),
			}}
		}
	}}})
}

func TestKeysJunkTokensCostOneReadPerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		good := op.keys[0]
		unknown := signer{alg: "RS256", kid: "unknown", key: rsaKeys()[1]}
		op.mint = func(c map[string]any) string { return op.sign(unknown, c) }
		b := op.bank(t)
		for range 50 {
			_, _, err := redeem(t, b)
			wantFault(t, err, token.ErrAnswerRejected, "id_token_signature")
		}
		if n := len(op.seen("/jwks")); n != 2 {
			t.Errorf("key reads = %d for 50 junk tokens, want the first and one more", n)
		}
		time.Sleep(30 * time.Second)
		for range 50 {
			_, _, _ = redeem(t, b)
		}
		if n := len(op.seen("/jwks")); n != 3 {
			t.Errorf("key reads = %d after the interval, want 3", n)
		}
		op.mint = func(c map[string]any) string { return op.sign(good, c) }
		if _, _, err := redeem(t, b); err != nil {
			t.Errorf("good token amid junk: %v", err)
		}
	})
}

func TestKeysRotationUnderLoadRejectsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		b := op.bank(t)
		if _, _, err := redeem(t, b); err != nil {
			t.Fatal(err)
		}
		op.keys = []signer{{alg: "RS256", kid: "k2", key: rsaKeys()[1]}}
		op.on("/jwks", func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return jsonResponse(200, jwksOf(op.keys...)), nil
		})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, _, err := redeem(t, b); err != nil {
					t.Errorf("Redeem: %v", err)
				}
			})
		}
		wg.Wait()
		if n := len(op.seen("/jwks")); n != 2 {
			t.Errorf("key reads = %d, want 2", n)
		}
	})
}

func TestKeysRemovedByTheBankAreForgotten(t *testing.T) {
	for _, c := range []struct {
		name, cacheControl string
		fresh              time.Duration
	}{
		{"no Cache-Control", "", time.Hour},
		{"longer than an hour", "public, max-age=86400", time.Hour},
		{"shorter", "max-age=300, public", 5 * time.Minute},
		{"none at all", "no-store", 30 * time.Second},
		{"nonsense", `max-age="many"`, time.Hour},
		{"negative", "max-age=-5", 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := newOP()
				op.jwksHeader = http.Header{"Cache-Control": {c.cacheControl}}
				b := op.bank(t)
				if _, _, err := redeem(t, b); err != nil {
					t.Fatal(err)
				}
				op.jwks = func() any { return jwksOf(signer{alg: "RS256", kid: "k2", key: rsaKeys()[1]}) }
				time.Sleep(c.fresh - time.Second)
				if _, _, err := redeem(t, b); err != nil {
					t.Errorf("while fresh: %v", err)
				}
				time.Sleep(time.Second)
				_, _, err := redeem(t, b)
				wantFault(t, err, token.ErrAnswerRejected, "id_token_signature")
			})
		})
	}
}

func TestKeysEndpointDownAfterExpiryFailsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		b := op.bank(t)
		if _, _, err := redeem(t, b); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		op.reply("/jwks", 500, "text/plain", "oops")
		for range 5 {
			_, _, err := redeem(t, b)
			wantFault(t, err, token.ErrNotDone, "document_unavailable")
		}
		if n := len(op.seen("/jwks")); n != 2 {
			t.Errorf("key reads = %d, want 2", n)
		}
		if n := len(op.seen("/token")); n != 1 {
			t.Errorf("token requests = %d, want that of the first login only", n)
		}
	})
}

func TestKeysHungEndpointBlocksNobodyForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.on("/jwks", hang)
		b := op.bank(t)
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, _, err := redeem(t, b)
				wantFault(t, err, token.ErrNotDone, "timeout")
			})
		}
		wg.Wait()
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("waited %s, want 5 s for all together", waited)
		}
		op.on("/jwks", nil)
		time.Sleep(30 * time.Second)
		if _, _, err := redeem(t, b); err != nil {
			t.Errorf("after it recovered: %v", err)
		}
	})
}

func TestKeysHungDuringVerificationRejectsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.mint = func(c map[string]any) string {
			op.on("/jwks", hang)
			return op.sign(signer{alg: "RS256", kid: "k2", key: rsaKeys()[1]}, c)
		}
		_, _, err := redeem(t, op.bank(t))
		wantFault(t, err, token.ErrAnswerRejected, "jwks_unavailable")
		if len(op.seen("/revoke")) != 1 {
			t.Error("the tokens were not revoked")
		}
	})
}

func TestKeysFollowAMovedAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		op.jwksHeader = http.Header{}
		b := op.bank(t, withDiscovery)
		if _, _, err := redeem(t, b); err != nil {
			t.Fatal(err)
		}
		// The document ages at 24 h, the keys were read again at 23:30.
		time.Sleep(23*time.Hour + 30*time.Minute)
		_, _, _ = redeem(t, b)
		op.metadata = func(m map[string]any) { m["jwks_uri"] = "https://bank.example/jwks2" }
		op.on("/jwks2", func(*http.Request) (*http.Response, error) { return jsonResponse(200, op.published()), nil })
		time.Sleep(30 * time.Minute)
		if _, _, err := redeem(t, b); err != nil || len(op.seen("/jwks2")) != 1 {
			t.Errorf("Redeem = %v with %d reads of the new address, want one", err, len(op.seen("/jwks2")))
		}
	})
}

func TestKeysUnreadableSet(t *testing.T) {
	for _, body := range []string{"", "[]", "<html>", `{"keys":{}}`, `{"keys":7}`, `{}`} {
		op := newOP()
		op.reply("/jwks", 200, "application/json", body)
		_, _, err := redeem(t, op.bank(t))
		wantFault(t, err, token.ErrNotDone, "jwks_unreadable")
	}
	op := newOP()
	_, _, err := redeem(t, op.bank(t, func(c *oauthbank.Config) { c.Endpoints.JWKS = "" }))
	wantFault(t, err, token.ErrMisconfigured, "no_jwks")
	_, err = authorize(t, op.bank(t, func(c *oauthbank.Config) { c.Endpoints.JWKS = "" }))
	wantFault(t, err, token.ErrMisconfigured, "no_jwks")
}
