package jwks_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/internal/jwks"
)

func written(t *testing.T, key jose.JSONWebKey) string {
	t.Helper()
	text, err := key.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func signed(t *testing.T, alg jose.SignatureAlgorithm, key any, id string) *jose.JSONWebSignature {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign([]byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(text, jwks.Algorithms())
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func newEC(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSetTakesWhatCanBeUsed(t *testing.T) {
	t.Parallel()
	private := newEC(t, elliptic.P256())
	public := written(t, jose.JSONWebKey{Key: private.Public(), KeyID: "a"})
	with := func(member string) string { return strings.TrimSuffix(public, "}") + "," + member + "}" }
	for name, test := range map[string]struct {
		key  string
		want int
	}{
		"a public key":              {public, 1},
		"for signatures":            {with(`"use":"sig"`), 1},
		"use is null":               {with(`"use":null`), 1},
		"for verifying":             {with(`"key_ops":["verify"]`), 1},
		"with a certificate":        {with(`"x5c":["nonsense"],"x5u":"https://evil.test/"`), 1},
		"said twice, the same":      {with(`"kid":"a"`), 1},
		"for encryption":            {with(`"use":"enc"`), 0},
		"use in other letters":      {with(`"USE":"enc"`), 1},
		"for signing alone":         {with(`"key_ops":["sign"]`), 0},
		"contradicts itself":        {with(`"use":"sig","use":"enc"`), 0},
		"a private key":             {written(t, jose.JSONWebKey{Key: private, KeyID: "a"}), 0},
		"a symmetric key":           {`{"kty":"oct","k":"c2VjcmV0"}`, 0},
		"of a kind nobody knows":    {`{"kty":"quantum","kid":"a"}`, 0},
		"no object":                 {`"a"`, 0},
		"a point beside the curve":  {`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`, 0},
		"an object that never ends": {`{"kty":`, 0},
	} {
		if got := jwks.Of([]json.RawMessage{json.RawMessage(test.key)}); len(got) != test.want {
			t.Errorf("%s: %d keys, want %d", name, len(got), test.want)
		}
	}
}

func TestSetVerifies(t *testing.T) {
	t.Parallel()
	ec, other := newEC(t, elliptic.P256()), newEC(t, elliptic.P256())
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	set := jwks.Set{{Key: ec.Public(), KeyID: "a"}, {Key: edPublic, KeyID: "a"}, {Key: weak.Public(), KeyID: "w"},
		{Key: newEC(t, elliptic.P384()).Public(), KeyID: "c", Algorithm: "ES384"}}
	for name, test := range map[string]struct {
		jws  *jose.JSONWebSignature
		want bool
	}{
		"by its id":                    {signed(t, jose.ES256, ec, "a"), true},
		"without an id":                {signed(t, jose.ES256, ec, ""), true},
		"an id that two keys share":    {signed(t, jose.EdDSA, ed, "a"), true},
		"another id":                   {signed(t, jose.ES256, ec, "b"), false},
		"another key":                  {signed(t, jose.ES256, other, "a"), false},
		"a key that is for another":    {signed(t, jose.ES256, ec, "c"), false},
		"an RSA key that is too short": {signed(t, jose.RS256, weak, "w"), false},
	} {
		payload, ok := set.Verify(test.jws)
		if ok != test.want || ok && string(payload) != "payload" {
			t.Errorf("%s: verified = %t, want %t", name, ok, test.want)
		}
	}
	if jwks.Known("none") || jwks.Known("HS256") || !jwks.Known("PS256") {
		t.Error("what signatures count is another")
	}
}
