package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

const (
	secretPrefix = "whsec_"
	minKey       = 24 // the scheme's limits, in bytes
	maxKey       = 64
	newKey       = 32
)

// ErrSecret is returned for a text that is not a webhook secret.
var ErrSecret = errors.New(`webhook: secret is not "whsec_" and the base64 of 24 to 64 bytes`)

// NewSecret makes a random secret.
func NewSecret() token.Secret {
	key := make([]byte, newKey)
	_, _ = rand.Read(key) // never fails
	return token.Secret(secretPrefix + base64.StdEncoding.EncodeToString(key))
}

// ParseSecret checks a secret that was configured. Its only error is
// [ErrSecret], which does not show the text.
func ParseSecret(text string) (token.Secret, error) {
	secret := token.Secret(strings.TrimSpace(text))
	if _, err := keyOf(secret); err != nil {
		return "", err
	}
	return secret, nil
}

func keyOf(secret token.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(secret.Reveal(), secretPrefix)
	if !ok || strings.ContainsAny(text, "\r\n") { // which base64 would skip
		return nil, ErrSecret
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, ErrSecret
	}
	return key, nil
}

// sign lists a signature for every secret, so that an app may go from one
// to the next without missing an event.
func sign(secrets []token.Secret, id string, at time.Time, body []byte) (string, error) {
	if len(secrets) == 0 {
		return "", ErrSecret
	}
	list := make([]string, len(secrets))
	for i, secret := range secrets {
		key, err := keyOf(secret)
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		list[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(list, " "), nil
}
