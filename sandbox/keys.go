package sandbox

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keyring holds the bank's signing keys, newest first.
type keyring struct {
	mu   sync.Mutex
	keys []jose.JSONWebKey
}

// sign returns payload as a compact JWT of the given type.
func (k *keyring) sign(typ string, payload any) (string, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: k.current()}, opts)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (k *keyring) current() jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ensure()
	return k.keys[0]
}

// rotate puts a new key in front and keeps the one before for those who still
// hold what it signed.
func (k *keyring) rotate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ensure()
	k.keys = []jose.JSONWebKey{name(newKey()), k.keys[0]}
}

func (k *keyring) ensure() {
	if len(k.keys) == 0 {
		k.keys = []jose.JSONWebKey{name(firstKey())}
	}
}

func (k *keyring) public() jose.JSONWebKeySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ensure()
	var set jose.JSONWebKeySet
	for _, key := range k.keys {
		set.Keys = append(set.Keys, key.Public())
	}
	return set
}

// firstKey makes one key for all banks of the process, when one first signs:
// making a key costs more than most tests that need a bank. Each bank gives it
// an id of its own, so one bank's tokens do not verify by another's JWKS.
var firstKey = sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("sandbox: no randomness: " + err.Error())
	}
	return key
}

func name(key *rsa.PrivateKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
}

func (b *Bank) jwks(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, b.keys.public())
}
