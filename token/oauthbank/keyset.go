package oauthbank

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/token"
)

const (
	keysFresh  = time.Hour
	keysPause  = 30 * time.Second
	minRSABits = 2048
)

// algorithms are the signatures that a bank may use and the keys that fit
// each (RFC 7518 section 3.1, RFC 8037 section 3.1).
var algorithms = map[string]func(key any) bool{
	"RS256": isRSA, "RS384": isRSA, "RS512": isRSA,
	"PS256": isRSA, "PS384": isRSA, "PS512": isRSA,
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

// keySet holds the keys with which the bank signs ID tokens. A key that the
// bank withdraws is gone after an hour at most; a token that no key fits
// causes one extra read, of which there is at most one in keysPause.
//
// Where go-oidc's own set would fail whole over one odd key, read the keys
// again for every bad token and use keys that are not for signing, this one
// does not.
type keySet struct {
	bank *Bank
	doc  remote[keys]
}

type keys struct {
	url  string
	list []jose.JSONWebKey
}

func newKeySet(b *Bank) *keySet {
	s := &keySet{bank: b}
	s.doc = remote[keys]{read: s.read, now: b.cfg.Now, pause: keysPause}
	return s
}

// ready fails while no fresh keys are to be had. Asked before a code is
// spent, it keeps a bank's broken key endpoint from costing a finished login.
func (s *keySet) ready(ctx context.Context) (*keys, error) {
	m, err := s.bank.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if m.JWKS == "" {
		return nil, refused("no_jwks")
	}
	known, err := s.doc.get(ctx)
	if err == nil && known.url != m.JWKS {
		known, err = s.doc.renew(ctx, known)
	}
	if err != nil {
		return nil, err
	}
	return known, nil
}

func (s *keySet) read(ctx context.Context) (keys, time.Duration, error) {
	m, err := s.bank.endpoints(ctx)
	if err != nil {
		return keys{}, 0, err
	}
	r, err := s.bank.fetch(ctx, m.JWKS)
	if err != nil {
		return keys{}, 0, err
	}
	body, err := parseObject(r.body)
	var raw []json.RawMessage
	if err == nil {
		err = json.Unmarshal(body.members["keys"], &raw)
	}
	if err != nil {
		return keys{}, 0, &fault{err: token.ErrNotDone, code: "jwks_unreadable"}
	}
	set := keys{url: m.JWKS}
	for _, text := range raw {
		if key, err := readKey(text); err == nil {
			set.list = append(set.list, key)
		}
	}
	return set, freshness(r.header), nil
}

// readKey accepts a public signature key. Only the members that make it up
// are looked at: a certificate or URL beside them is no source of keys.
func readKey(text []byte) (jose.JSONWebKey, error) {
	o, err := parseObject(text)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if o.has(private) {
			return jose.JSONWebKey{}, errors.New("private key")
		}
	}
	if use, ok := o.text("use"); !ok || use != "" && use != "sig" {
		return jose.JSONWebKey{}, errors.New("not for signatures")
	}
	if operations, ok := o.texts("key_ops"); ok && !slices.Contains(operations, "verify") {
		return jose.JSONWebKey{}, errors.New("not for verifying")
	}
	public := map[string]json.RawMessage{}
	for _, name := range []string{"kty", "n", "e", "crv", "x", "y", "kid", "alg"} {
		if o.has(name) {
			public[name] = o.members[name]
		}
	}
	var key jose.JSONWebKey
	clean, err := json.Marshal(public)
	if err == nil {
		err = key.UnmarshalJSON(clean)
	}
	if err != nil || !key.Valid() || !key.IsPublic() {
		return jose.JSONWebKey{}, errors.New("unusable key")
	}
	return key, nil
}

// freshness is what Cache-Control allows (RFC 9111 section 5.2.2), between
// keysPause and keysFresh.
func freshness(h http.Header) time.Duration {
	fresh := keysFresh
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			fresh = 0
		case "max-age":
			if seconds, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil {
				fresh = min(fresh, time.Duration(min(max(seconds, 0), 3600))*time.Second)
			}
		}
	}
	return max(fresh, keysPause)
}

// verify returns the payload that a key of the bank signed.
func (s *keySet) verify(ctx context.Context, raw string) ([]byte, error) {
	var accepted []jose.SignatureAlgorithm
	for _, alg := range s.bank.cfg.IDTokenAlgs {
		accepted = append(accepted, jose.SignatureAlgorithm(alg))
	}
	jws, err := jose.ParseSignedCompact(raw, accepted)
	if err != nil {
		return nil, rejected("id_token_malformed")
	}
	known, err := s.ready(ctx)
	if err != nil {
		return nil, rejected("jwks_unavailable")
	}
	if payload, ok := known.verify(jws); ok {
		return payload, nil
	}
	newer, err := s.doc.renew(ctx, known)
	if f, ok := errors.AsType[*fault](err); err != nil && !(ok && f.code == readLately) {
		return nil, rejected("jwks_unavailable")
	}
	if payload, ok := newer.verify(jws); ok {
		return payload, nil
	}
	return nil, rejected("id_token_signature")
}

// verify tries every key that fits: a key id may be absent, or shared by keys
// of other kinds. Keys named by the token itself are not looked at.
func (k *keys) verify(jws *jose.JSONWebSignature) ([]byte, bool) {
	header := jws.Signatures[0].Header
	fits := algorithms[header.Algorithm]
	for _, key := range k.list {
		switch {
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

func rejected(code string) error { return &fault{err: token.ErrAnswerRejected, code: code} }
