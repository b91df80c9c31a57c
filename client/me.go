package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Identity is who calls, and what it may do.
type Identity struct {
	App        App        `json:"app"`
	Credential Credential `json:"credential"`
	Banks      []string   `json:"banks"`
	Scopes     []string   `json:"scopes"`
	Operations []string   `json:"operations"`
	RateLimit  *RateLimit `json:"rate_limit"` // Requests and Window; nil: none
}

// App is a payment service, as consentd knows it.
type App struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Credential is what the call signed in with.
type Credential struct {
	Kind       string    `json:"kind"` // api_key, workload or certificate
	ID         string    `json:"id"`
	LastUsedAt time.Time `json:"last_used_at"`
}

// UnmarshalJSON reads a limit as /v1/me tells it.
func (r *RateLimit) UnmarshalJSON(text []byte) error {
	var wire struct {
		Requests int `json:"requests"`
		Per      int `json:"per_seconds"`
	}
	err := json.Unmarshal(text, &wire)
	r.Requests, r.Window = wire.Requests, inSeconds(wire.Per)
	return err
}

// Me says who calls: a check of credentials that changes nothing.
func (c *Client) Me(ctx context.Context) (Identity, error) {
	var who Identity
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/me", repeat: true}, &who)
	return who, err
}
