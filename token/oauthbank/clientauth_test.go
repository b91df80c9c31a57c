package oauthbank_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func TestClientSecretBasicEncodesBothHalves(t *testing.T) {
	op := newOP()
	_, err := refresh(t, op.bank(t, func(c *oauthbank.Config) {
		c.ClientID = "https://consentd.example/client"
		c.ClientSecret = "a:b+c d%é"
		op.claims = func(claims map[string]any) { claims["aud"] = c.ClientID }
	}))
	if err != nil {
		t.Fatal(err)
	}
	seen := op.seen("/token")[0]
	want := "Basic " + base64.StdEncoding.EncodeToString(
		[]byte("https%3A%2F%2Fconsentd.example%2Fclient:a%3Ab%2Bc+d%25%C3%A9"))
	if got := seen.header.Get("Authorization"); got != want {
		t.Errorf("Authorization = %s, want %s", got, want)
	}
	if seen.form.Has("client_id") || seen.form.Has("client_secret") || seen.url != "https://bank.example/token" {
		t.Error("credentials are elsewhere too")
	}
}

func TestClientSecretPost(t *testing.T) {
	op := newOP()
	b := op.bank(t, func(c *oauthbank.Config) { c.ClientAuth = oauthbank.ClientSecretPost })
	if _, _, err := redeem(t, b); err != nil {
		t.Fatal(err)
	}
	seen := op.seen("/token")[0]
	if seen.form.Get("client_id") != clientID || seen.form.Get("client_secret") != clientSecret {
		t.Error("credentials are not in the form")
	}
	if seen.header.Get("Authorization") != "" || seen.url != "https://bank.example/token" {
		t.Error("credentials are elsewhere too")
	}
}

func TestPrivateKeyJWT(t *testing.T) {
	for alg, key := range map[jose.SignatureAlgorithm]crypto.Signer{jose.ES256: ecKey(), jose.PS256: rsaKeys()[0]} {
		t.Run(string(alg), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op := newOP()
				b := op.bank(t, func(c *oauthbank.Config) {
					c.ClientAuth, c.ClientSecret = oauthbank.PrivateKeyJWT, ""
					c.SigningKey, c.SigningKeyID = key, "our-key-1"
					c.RequirePAR = true
				})
				_, err1 := refresh(t, b)
				_, err2 := refresh(t, b)
				_, err3 := authorize(t, b)
				_, err4 := b.Revoke(t.Context(), token.Grant{Refresh: "refresh-1"})
				if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
					t.Fatal(err1, err2, err3, err4)
				}
				used := map[string]bool{}
				for _, r := range op.requests {
					jti := checkAssertion(t, r, alg, key.Public())
					if used[jti] {
						t.Error("jti used twice")
					}
					used[jti] = true
				}
				if len(used) != 4 {
					t.Errorf("%d assertions, want 4", len(used))
				}
			})
		})
	}
}

func checkAssertion(t *testing.T, r request, alg jose.SignatureAlgorithm, public any) string {
	t.Helper()
	if r.form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
		r.form.Get("client_id") != clientID || r.form.Has("client_secret") || r.header.Get("Authorization") != "" {
		t.Errorf("%s: not authenticated by assertion alone", r.path)
	}
	jws, err := jose.ParseSignedCompact(r.form.Get("client_assertion"), []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Fatal(err)
	}
	if kid := jws.Signatures[0].Header.KeyID; kid != "our-key-1" {
		t.Errorf("kid = %q", kid)
	}
	payload, err := jws.Verify(public)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	jti, _ := claims["jti"].(string)
	if len(jti) < 26 {
		t.Errorf("jti %q is short", jti)
	}
	delete(claims, "jti")
	now := float64(time.Now().Unix())
	want := map[string]any{"iss": clientID, "sub": clientID, "aud": issuer, "iat": now, "exp": now + 60}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	return jti
}

func TestPrivateKeyJWTThatCannotSignSendsNothing(t *testing.T) {
	op := newOP()
	_, err := refresh(t, op.bank(t, func(c *oauthbank.Config) {
		c.ClientAuth, c.SigningKey = oauthbank.PrivateKeyJWT, lockedKey{ecKey()}
	}))
	wantFault(t, err, token.ErrNotDone, "client_assertion")
	if len(op.requests) != 0 {
		t.Error("a request was made")
	}
}
