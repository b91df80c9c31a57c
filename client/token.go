package client

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// TokenRequest is what a token must be good for; the zero one asks nothing.
type TokenRequest struct {
	MinTTL time.Duration // that the token must still live; rounded up to seconds
	// NeededUntil is how long the consent must still live: ask before you plan a
	// payment for later. If it ends before, the error is ErrRenewalRequired.
	NeededUntil time.Time
	Scopes      []string // that the token must have
}

// Token is an access token as it was handed out. It prints without its
// secrets. Use it once and forget it, or let a [TokenSource] keep it.
type Token struct {
	Access     Secret    `json:"access_token"`
	Type       string    `json:"token_type"`
	ExpiresAt  time.Time `json:"expires_at"`
	ExpiresIn  int       `json:"expires_in"` // seconds; does not depend on your clock
	Scopes     []string  `json:"scopes"`
	NationalID Secret    `json:"national_id"` // who granted; empty: the bank did not say
	Consent    struct {
		ID       string    `json:"id"`
		EndsAt   time.Time `json:"ends_at"`
		DaysLeft int       `json:"days_left"`
	} `json:"consent"`
}

// LogValue is what a log may know.
func (t Token) LogValue() slog.Value {
	return slog.GroupValue(slog.String("consent", t.Consent.ID), slog.Time("expires_at", t.ExpiresAt), slog.Time("consent_ends_at", t.Consent.EndsAt))
}

// wireTokenRequest is a request on its way.
type wireTokenRequest struct {
	MinTTL      int64     `json:"min_ttl,omitempty"`
	NeededUntil time.Time `json:"needed_until,omitzero"`
	Scopes      []string  `json:"scopes,omitempty"`
}

// Token gets an access token. It may take up to 25 seconds when the token has
// to be refreshed at the bank.
func (c *Client) Token(ctx context.Context, id string, r TokenRequest) (Token, error) {
	body := wireTokenRequest{MinTTL: int64((r.MinTTL + time.Second - 1) / time.Second), NeededUntil: r.NeededUntil.UTC(), Scopes: r.Scopes}
	var out Token
	_, err := c.do(ctx, call{method: http.MethodPost, path: consentPath(id, "/token"), body: body, repeat: true}, &out)
	return out, err
}
