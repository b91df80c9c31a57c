package client

import (
	"context"
	"net/http"
	"time"
)

// Proof is what a customer agreed to and what became of it, without secrets
// and without personal data.
type Proof struct {
	MadeAt      time.Time `json:"made_at"`
	App         string    `json:"app"`
	BankName    string    `json:"bank_name"`
	TextVersion string    `json:"text_version"` // of the wording that the customer agreed to last
	Consent     Consent   `json:"consent"`
	Timeline    []Entry   `json:"timeline"` // oldest first
}

// Entry is a change of a consent, or a message about it.
type Entry struct {
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Event  string    `json:"event"`
	Detail string    `json:"detail"`
}

// Proof gives a consent's proof.
func (c *Client) Proof(ctx context.Context, id string) (Proof, error) {
	var p Proof
	_, err := c.do(ctx, call{method: http.MethodGet, path: consentPath(id, "/proof"), repeat: true}, &p)
	return p, err
}

// Access makes a page on which a customer of yours sees, renews and stops all
// that they have given you. Send their browser there at once, and only if they
// are signed in with you: it opens once. language is en, is, sv or empty.
func (c *Client) Access(ctx context.Context, reference, language string) (Page, error) {
	var made Page
	body := map[string]string{"customer_reference": reference}
	if language != "" {
		body["language"] = language
	}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/access-links", body: body, repeat: true}, &made)
	return made, err
}

// Erasure is the receipt for a customer who was forgotten.
type Erasure struct {
	Reference string    `json:"reference"` // random; give it to the customer
	Consents  int       `json:"consents"`  // how many were deleted
	ErasedAt  time.Time `json:"erased_at"`
}

// Erase ends and deletes everything about a customer at your app. It cannot be
// undone. After an error call it again, until it succeeds.
func (c *Client) Erase(ctx context.Context, reference string) (Erasure, error) {
	var e Erasure
	body := map[string]string{"customer_reference": reference}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/erasures", body: body, repeat: true}, &e)
	return e, err
}
