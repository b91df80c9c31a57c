// Package jwks reads the keys that others publish (RFC 7517) and checks
// signatures with them: those of banks, of staff's identity provider, of the
// platforms on which apps run.
//
// An odd key spoils nothing but itself. Only public keys for signatures count,
// with the algorithm that fits them; certificates and addresses beside a key,
// and keys that a token brings along, are no source of keys. When keys are read
// is for each caller to say.
package jwks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// MinRSABits is the length of the shortest RSA key that counts.
const MinRSABits = 2048

// algorithms are the signatures that count and the keys that fit each (RFC
// 7518 section 3.1, RFC 8037 section 3.1).
var algorithms = map[string]func(key any) bool{
	"RS256": isRSA, "RS384": isRSA, "RS512": isRSA,
	"PS256": isRSA, "PS384": isRSA, "PS512": isRSA,
	"ES256": isEC(elliptic.P256()), "ES384": isEC(elliptic.P384()), "ES512": isEC(elliptic.P521()),
	"EdDSA": func(key any) bool { _, ok := key.(ed25519.PublicKey); return ok },
}

func isRSA(key any) bool {
	k, ok := key.(*rsa.PublicKey)
	return ok && k.N.BitLen() >= MinRSABits
}

func isEC(curve elliptic.Curve) func(any) bool {
	return func(key any) bool {
		k, ok := key.(*ecdsa.PublicKey)
		return ok && k.Curve == curve
	}
}

// Known reports whether a signature of this name can count at all.
func Known(algorithm string) bool { return algorithms[algorithm] != nil }

// Algorithms are all that can count.
func Algorithms() (all []jose.SignatureAlgorithm) {
	for name := range algorithms {
		all = append(all, jose.SignatureAlgorithm(name))
	}
	return all
}

// Set holds keys that can be used.
type Set []jose.JSONWebKey

// Of takes the keys of a key set that can be used, one by one.
func Of(keys []json.RawMessage) Set {
	set := Set{}
	for _, text := range keys {
		if key, err := read(text); err == nil {
			set = append(set, key)
		}
	}
	return set
}

// read accepts a public signature key. Only the members that make it up are
// looked at.
func read(text []byte) (jose.JSONWebKey, error) {
	all, err := members(text)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if all[private] != nil {
			return jose.JSONWebKey{}, errors.New("private key")
		}
	}
	if use := all["use"]; use != nil && string(use) != `""` && string(use) != `"sig"` {
		return jose.JSONWebKey{}, errors.New("not for signatures")
	}
	var operations []string
	if json.Unmarshal(all["key_ops"], &operations) == nil && !slices.Contains(operations, "verify") {
		return jose.JSONWebKey{}, errors.New("not for verifying")
	}
	public := map[string]json.RawMessage{}
	for _, name := range []string{"kty", "n", "e", "crv", "x", "y", "kid", "alg"} {
		if all[name] != nil {
			public[name] = all[name]
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

// members reads an object by the exact names of its members, without those
// that are null. One that contradicts itself is an error.
func members(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("no object")
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		key, _ := name.(string)
		if old, twice := all[key]; twice && !bytes.Equal(old, value) {
			return nil, errors.New("contradicts itself")
		}
		if string(value) != "null" {
			all[key] = value
		}
	}
	return all, nil
}

// Verify returns the payload that one of the keys has signed. Every key that
// fits is tried: a key id may be absent, or shared by keys of other kinds.
func (s Set) Verify(jws *jose.JSONWebSignature) ([]byte, bool) {
	header := jws.Signatures[0].Header
	fits := algorithms[header.Algorithm]
	for _, key := range s {
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
