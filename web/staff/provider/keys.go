package provider

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	keysLife   = time.Hour        // a key that the provider withdrew is gone after this
	keysPause  = 30 * time.Second // between two reads, whatever tokens come
	minRSABits = 2048
)

// algorithms are the signatures that are accepted, and the keys that fit them.
var algorithms = map[string]func(key any) bool{
	"RS256": isRSA, "RS384": isRSA, "RS512": isRSA, "PS256": isRSA, "PS384": isRSA, "PS512": isRSA,
	"ES256": isEC(elliptic.P256()), "ES384": isEC(elliptic.P384()), "ES512": isEC(elliptic.P521()),
	"EdDSA": func(key any) bool { _, ok := key.(ed25519.PublicKey); return ok },
}

func isRSA(key any) bool {
	k, ok := key.(*rsa.PublicKey)
	return ok && k.N.BitLen() >= minRSABits
}

func isEC(curve elliptic.Curve) func(any) bool {
	return func(key any) bool {
		k, ok := key.(*ecdsa.PublicKey)
		return ok && k.Curve == curve
	}
}

// keySet holds the provider's keys. go-oidc's own trusts a withdrawn key for
// ever, fetches at every bad token, and uses keys that are not for signing.
type keySet struct {
	p *Provider

	mu   sync.Mutex
	list []jose.JSONWebKey
	read time.Time
}

// VerifySignature implements [oidc.KeySet].
func (s *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	var accepted []jose.SignatureAlgorithm
	for alg := range algorithms {
		accepted = append(accepted, jose.SignatureAlgorithm(alg))
	}
	jws, err := jose.ParseSignedCompact(raw, accepted)
	if err != nil {
		return nil, errors.New("not a signed token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	age := s.p.c.Now().Sub(s.read)
	if age < keysLife {
		if payload, ok := s.verify(jws); ok {
			return payload, nil
		}
		if age < keysPause {
			return nil, errors.New("no key fits")
		}
	}
	if err := s.fetch(ctx); err != nil {
		s.p.c.Log.WarnContext(ctx, "keys of staff's identity provider cannot be read", slog.Any("error", err))
		return nil, err
	}
	if payload, ok := s.verify(jws); ok {
		return payload, nil
	}
	return nil, errors.New("no key fits")
}

func (s *keySet) verify(jws *jose.JSONWebSignature) ([]byte, bool) {
	header := jws.Signatures[0].Header
	for _, key := range s.list {
		switch fits := algorithms[header.Algorithm]; {
		case header.KeyID != "" && key.KeyID != header.KeyID:
		case key.Algorithm != "" && key.Algorithm != header.Algorithm:
		case fits == nil || !fits(key.Key):
		default:
			if payload, err := jws.Verify(key.Key); err == nil {
				return bytes.Clone(payload), true
			}
		}
	}
	return nil, false
}

func (s *keySet) fetch(ctx context.Context) error {
	m, err := s.p.discover(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.jwks, nil)
	if err != nil {
		return errors.New("no address of keys")
	}
	res, err := s.p.client.Do(req)
	if err != nil {
		return ErrUnavailable
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, &set) != nil {
		return errors.New("no key set")
	}
	s.list, s.read = nil, s.p.c.Now()
	for _, raw := range set.Keys { // one by one: an odd key spoils nothing but itself
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			s.list = append(s.list, key)
		}
	}
	return nil
}
