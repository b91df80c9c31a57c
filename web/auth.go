package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// keyPrefix lets secret scanners find keys that were left lying about.
const keyPrefix = "ck_"

// longestKey bounds what is hashed for a caller that nobody knows.
const longestKey = 256

// NewAPIKey makes a key for an app, and its hash, which is all that is kept.
func NewAPIKey() (key token.Secret, hash string) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	text := keyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(text))
	return token.Secret(text), hex.EncodeToString(sum[:])
}

// keyring finds the app by the hash of its key. Comparing hashes of a secret
// tells nothing about the secret, so that a map will do.
type keyring map[[sha256.Size]byte]consent.App

func newKeyring(apps []AppKeys) (keyring, error) {
	keys := make(keyring)
	var errs []error
	for _, a := range apps {
		for i, text := range a.KeyHashes {
			raw, err := hex.DecodeString(text)
			if err != nil || len(raw) != sha256.Size {
				errs = append(errs, fmt.Errorf("web: app %q: key hash %d is not a SHA-256 in hex", a.App.ID, i+1))
				continue
			}
			hash := [sha256.Size]byte(raw)
			if other, taken := keys[hash]; taken {
				errs = append(errs, fmt.Errorf("web: apps %q and %q have the same key", other.ID, a.App.ID))
			}
			keys[hash] = a.App
		}
	}
	return keys, errors.Join(errs...)
}

// errUnauthorized: no API key, or none that we know.
var errUnauthorized = errors.New("web: no valid API key")

// app is who sent an Authorization header (RFC 6750 section 2.1).
func (k keyring) app(authorization string) (consent.App, error) {
	scheme, key, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(key, keyPrefix) || len(key) > longestKey {
		return consent.App{}, errUnauthorized
	}
	app, known := k[sha256.Sum256([]byte(key))]
	if !known {
		return consent.App{}, errUnauthorized
	}
	return app, nil
}

// appHandler answers a request of an app.
type appHandler func(c *call, app consent.App) error

// forApp is the only way to a route below /v1.
func (s *server) forApp(h appHandler) echo.HandlerFunc {
	return on(func(c *call) error {
		app, err := s.keys.app(c.Request().Header.Get("Authorization"))
		if err != nil {
			c.Response().Header().Set("WWW-Authenticate", `Bearer realm="consentd"`)
			return err
		}
		c.app = app.ID
		return h(c, app)
	})
}
