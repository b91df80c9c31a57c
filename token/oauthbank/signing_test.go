package oauthbank_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// signer is one key of the bank.
type signer struct {
	alg  string
	kid  string
	key  crypto.Signer
	edit func(jwk map[string]any) // how the bank publishes it
}

var (
	rsaKeys = sync.OnceValue(func() []*rsa.PrivateKey {
		keys := make([]*rsa.PrivateKey, 2)
		for i := range keys {
			keys[i] = must(rsa.GenerateKey(rand.Reader, 2048))
		}
		return keys
	})
	weakRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	ec384Key   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	edKey      = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func (op *misbehavingOP) sign(k signer, claims map[string]any) string {
	return op.signText(k, string(must(json.Marshal(claims))))
}

func (op *misbehavingOP) signRaw(payload string) string { return op.signText(op.keys[0], payload) }

func (op *misbehavingOP) signText(k signer, payload string) string {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if k.kid != "" {
		options = options.WithHeader("kid", k.kid)
	}
	for name, value := range op.jwsHeader {
		options = options.WithHeader(jose.HeaderKey(name), value)
	}
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: k.key}, options))
	return must(must(s.Sign([]byte(payload))).CompactSerialize())
}

func (op *misbehavingOP) published() any {
	if op.jwks != nil {
		return op.jwks()
	}
	return jwksOf(op.keys...)
}

func jwksOf(keys ...signer) any {
	var list []any
	for _, k := range keys {
		list = append(list, jwkOf(k))
	}
	return map[string]any{"keys": list}
}

func jwkOf(k signer) map[string]any {
	text := must(json.Marshal(jose.JSONWebKey{Key: k.key.Public(), KeyID: k.kid, Algorithm: k.alg, Use: "sig"}))
	var jwk map[string]any
	if err := json.Unmarshal(text, &jwk); err != nil {
		panic(err)
	}
	if k.edit != nil {
		k.edit(jwk)
	}
	return jwk
}

// lockedKey is a key in a store that does not answer.
type lockedKey struct{ crypto.Signer }

func (lockedKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("key store unavailable")
}
