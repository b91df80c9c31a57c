package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Config says what a bank is like.
type Config struct {
	Issuer     string           // required: scheme and host of the bank, "http://localhost:8082"
	Clients    []Client         // required, at least one
	AccessTTL  time.Duration    // life of an access token; default 5 minutes
	GrantLife  time.Duration    // from approval to the end; default 90 days
	Rotation   Rotation         // default [None]
	RequirePAR bool             // authorization requests must be pushed
	AdminToken string           // bearer token of the admin API; empty: there is none
	Now        func() time.Time // default time.Now; [Bank.Advance] adds to it
	Log        *slog.Logger     // default: nothing is logged
}

// Client is an app that the bank knows. It has a Secret, a JWKS for
// private_key_jwt, or both.
type Client struct {
	ID           string              // required
	Secret       string              // client_secret_basic and client_secret_post
	APIKey       string              // apikey header of the payments API; empty: it may not use it
	Name         string              // shown to customers; default ID
	RedirectURIs []string            // required, compared exactly
	JWKS         *jose.JSONWebKeySet // public keys for private_key_jwt
}

func (c Config) withDefaults() Config {
	clients := make([]Client, len(c.Clients))
	copy(clients, c.Clients)
	for i := range clients {
		if clients[i].Name == "" {
			clients[i].Name = clients[i].ID
		}
	}
	c.Clients = clients
	if c.AccessTTL == 0 {
		c.AccessTTL = 5 * time.Minute
	}
	if c.GrantLife == 0 {
		c.GrantLife = 90 * 24 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) check() error {
	var errs []error
	if u, err := url.Parse(c.Issuer); err != nil || !isOrigin(u) {
		errs = append(errs, fmt.Errorf("sandbox: issuer %q is not scheme://host", c.Issuer))
	}
	if len(c.Clients) == 0 {
		errs = append(errs, errors.New("sandbox: no client"))
	}
	if c.AccessTTL < 0 || c.GrantLife < 0 {
		errs = append(errs, errors.New("sandbox: a lifetime is negative"))
	}
	seen := make(map[string]bool)
	for i, client := range c.Clients {
		if seen[client.ID] {
			errs = append(errs, fmt.Errorf("sandbox: client %q is given twice", client.ID))
		}
		seen[client.ID] = true
		if err := client.check(); err != nil {
			errs = append(errs, fmt.Errorf("sandbox: client %d (%q): %w", i+1, client.ID, err))
		}
	}
	return errors.Join(errs...)
}

func isOrigin(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == ""
}

func (c Client) check() error {
	var errs []error
	if c.ID == "" {
		errs = append(errs, errors.New("no id"))
	}
	if c.Secret == "" && (c.JWKS == nil || len(c.JWKS.Keys) == 0) {
		errs = append(errs, errors.New("neither secret nor keys"))
	}
	if c.JWKS != nil {
		for _, key := range c.JWKS.Keys {
			if !key.Valid() || !key.IsPublic() {
				errs = append(errs, fmt.Errorf("key %q is not a valid public key", key.KeyID))
			}
		}
	}
	if len(c.RedirectURIs) == 0 {
		errs = append(errs, errors.New("no redirect address"))
	}
	for _, s := range c.RedirectURIs {
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Fragment != "" || u.Opaque != "" {
			errs = append(errs, fmt.Errorf("redirect address %q is not absolute or has a fragment", s))
		}
	}
	return errors.Join(errs...)
}
