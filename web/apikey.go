package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/consentd/consentd/token"
)

// An API key is ck_, its id, _, and its secret. The id is public: the first
// eight hex digits of the secret's SHA-256, which is the hash in the
// configuration. So a key that was left lying about tells which hash to
// remove. Keys from before there were ids are ck_ and a secret; their hash is
// that of the whole key.
const (
	keyPrefix   = "ck_" // lets secret scanners find keys
	keyIDLength = 8
	longestKey  = 256 // bounds what is hashed for a caller that nobody knows
)

// keyHash is what is kept of an API key.
type keyHash [sha256.Size]byte

// id is the public name of the key.
func (h keyHash) id() string { return hex.EncodeToString(h[:])[:keyIDLength] }

// NewAPIKey makes a key for an app, and its hash, which is all that is kept.
func NewAPIKey() (key token.Secret, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	secret := base64.RawURLEncoding.EncodeToString(b[:])
	sum := keyHash(sha256.Sum256([]byte(secret)))
	return token.Secret(keyPrefix + sum.id() + "_" + secret), hex.EncodeToString(sum[:])
}

// keyring finds the caller by the hash of its key. Comparing hashes of a
// secret tells nothing about the secret, so that a map will do.
type keyring map[keyHash]caller

func newKeyring(clients []*client) (keyring, error) {
	keys := make(keyring)
	var errs []error
	for _, c := range clients {
		for i, text := range c.KeyHashes {
			raw, err := hex.DecodeString(text)
			if err != nil || len(raw) != sha256.Size {
				errs = append(errs, fmt.Errorf("web: app %q: key hash %d is not a SHA-256 in hex", c.App.ID, i+1))
				continue
			}
			hash := keyHash(raw)
			if other, taken := keys[hash]; taken {
				errs = append(errs, fmt.Errorf("web: apps %q and %q have the same key", other.App.ID, c.App.ID))
			}
			keys[hash] = c.caller(apiKey, hash.id())
		}
	}
	return keys, errors.Join(errs...)
}

// caller is who has that key.
func (k keyring) caller(key string) (caller, bool) {
	if !strings.HasPrefix(key, keyPrefix) || len(key) > longestKey {
		return caller{}, false
	}
	if secret, ok := secretOf(key); ok {
		hash := keyHash(sha256.Sum256([]byte(secret)))
		if who, known := k[hash]; known && key[len(keyPrefix):][:keyIDLength] == hash.id() {
			return who, true
		}
	}
	who, known := k[sha256.Sum256([]byte(key))]
	return who, known
}

// secretOf is what stands behind the id of a key.
func secretOf(key string) (string, bool) {
	rest := key[len(keyPrefix):]
	if len(rest) != keyIDLength+1+secretLength || rest[keyIDLength] != '_' {
		return "", false
	}
	return rest[keyIDLength+1:], true
}

// KeyName is what an API key is called in public, and what [Uses] call it, by
// its hash.
func KeyName(hash [sha256.Size]byte) (id, credentialName string) {
	id = keyHash(hash).id()
	return id, credential{kind: apiKey, id: id}.String()
}
