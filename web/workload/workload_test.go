package workload_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/web/workload"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got, err := p.issuers().Verify(t.Context(), p.token(nil))
	if err != nil || got.Issuer != "cluster" || got.Subject != shop {
		t.Fatalf("Verify = %+v, %v", got, err)
	}
	for claim, values := range map[string]map[string]bool{
		"team": {"payments": true, "pay": false}, "roles": {"a": true, "b": true, "c": false}, "n": {"1": false}, "none": {"": false},
	} {
		for value, want := range values {
			if got.Has(claim, value) != want {
				t.Errorf("Has(%s, %s) = %t", claim, value, !want)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hour := int64(3600)
	signed := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "1"}}
	for name, raw := range map[string]string{
		"nothing":               "",
		"not a token":           "a.b.c",
		"cut":                   strings.TrimSuffix(p.token(nil), p.token(nil)[len(p.token(nil))-4:]),
		"too long":              p.token(map[string]any{"x": strings.Repeat("a", 20<<10)}),
		"another issuer":        p.token(map[string]any{"iss": "https://other.test"}),
		"issuer with a slash":   p.token(map[string]any{"iss": p.url + "/"}),
		"another audience":      p.token(map[string]any{"aud": "https://other.test"}),
		"no audience":           p.token(map[string]any{"aud": nil}),
		"no subject":            p.token(map[string]any{"sub": ""}),
		"expired":               p.token(map[string]any{"iat": p.now.Unix() - hour, "exp": p.now.Unix() - 1}),
		"no expiry":             p.token(map[string]any{"exp": nil}),
		"no time of issue":      p.token(map[string]any{"iat": nil}),
		"issued in the future":  p.token(map[string]any{"iat": p.now.Unix() + 120}),
		"too long a life":       p.token(map[string]any{"exp": p.now.Unix() + hour + 1}),
		"not valid yet":         p.token(map[string]any{"nbf": p.now.Unix() + hour/2}),
		"another's signature":   p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: other, KeyID: "1"}}, p.claims(), nil),
		"a key of its own":      p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: other}, p.claims(), map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: other.Public()}}),
		"unknown key":           p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "2"}}, p.claims(), nil),
		"another algorithm":     p.sign(jose.SigningKey{Algorithm: jose.PS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "1"}}, p.claims(), nil),
		"a shared secret":       p.sign(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, p.claims(), nil),
		"no signature":          "eyJhbGciOiJub25lIn0." + strings.Split(p.token(nil), ".")[1] + ".",
		"another serialization": full(t, p.sign(signed, p.claims(), nil)),
	} {
		if _, err := p.issuers().Verify(t.Context(), raw); !errors.Is(err, workload.ErrInvalid) || strings.Contains(err.Error(), "other.test") {
			t.Errorf("%s: Verify = %v", name, err)
		}
	}
	if _, err := p.issuers().Verify(t.Context(), p.token(map[string]any{"exp": p.now.Unix() + hour})); err != nil {
		t.Errorf("a life of an hour: %v", err)
	}
}

func full(t *testing.T, compact string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return jws.FullSerialize()
}

func TestVerifyOtherAlgorithms(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.publishes(jose.JSONWebKey{Key: ec.Public(), KeyID: "ec"}, jose.JSONWebKey{Key: ed.Public(), KeyID: "ed"},
		jose.JSONWebKey{Key: p.rsa.Public(), KeyID: "enc", Use: "enc"})
	s := p.issuers(func(i *workload.Issuer) { i.JWKSURL = p.url + "/keys" })
	for id, key := range map[string]jose.SigningKey{
		"ec": {Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: ec, KeyID: "ec"}}, "ed": {Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: ed, KeyID: "ed"}},
		"no id": {Algorithm: jose.ES256, Key: ec},
	} {
		if _, err := s.Verify(t.Context(), p.sign(key, p.claims(), nil)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	enc := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "enc"}}, p.claims(), nil)
	if _, err := s.Verify(t.Context(), enc); !errors.Is(err, workload.ErrInvalid) {
		t.Errorf("a key for encryption: %v", err)
	}
}

func TestNewReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	i := workload.Issuer{ID: "a", Issuer: "https://a.test", Audience: "x"}
	if _, err := workload.New(workload.Config{Issuers: []workload.Issuer{i, i}}); err == nil {
		t.Error("one issuer twice is accepted")
	}
	if _, err := workload.New(workload.Config{Issuers: []workload.Issuer{{ID: "a"}}}); err == nil {
		t.Error("an issuer without an issuer is accepted")
	}
}
