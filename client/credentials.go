package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Credentials gives what follows "Bearer" in Authorization.
type Credentials func(context.Context) (Secret, error)

// credentialsOf finds the one way in which c signs in.
func credentialsOf(c Config) (Credentials, error) {
	var ways []Credentials
	if c.Key != "" {
		ways = append(ways, func(context.Context) (Secret, error) { return c.Key, nil })
	}
	if c.TokenFile != "" {
		ways = append(ways, fromFile(c.TokenFile))
	}
	if c.Credentials != nil {
		ways = append(ways, c.Credentials)
	}
	if len(ways) != 1 {
		return nil, fmt.Errorf("client: exactly one of Key, TokenFile and Credentials is required, and %d are set", len(ways))
	}
	if !isCredential(c.Key) && c.Key != "" {
		return nil, errors.New("client: Key holds letters that no key has (a line break?)")
	}
	return ways[0], nil
}

// fromFile reads the file each time: who keeps it there replaces it long
// before what is in it ends.
func fromFile(path string) Credentials {
	return func(context.Context) (Secret, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		return Secret(strings.TrimSpace(string(text))), nil
	}
}

var errCredentials = errors.New("client: the credentials are empty, or hold letters that none have")

// authorization is the header's value for one call.
func (c *Client) authorization(ctx context.Context) (string, error) {
	secret, err := c.credentials(ctx)
	if err != nil {
		return "", fmt.Errorf("client: read credentials: %w", err)
	}
	if !isCredential(secret) {
		return "", errCredentials
	}
	return "Bearer " + secret.Reveal(), nil
}

// isCredential keeps out what would break a header apart.
func isCredential(s Secret) bool {
	return s != "" && !strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' })
}
