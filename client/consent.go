package client

import (
	"context"
	"net/http"
	"time"
)

// Status is where a consent stands, by the Berlin Group's names.
type Status string

// The statuses. Tokens are handed out while a consent is Valid.
const (
	Received            Status = "received"            // the customer has not been to the bank, or is not confirmed
	Valid               Status = "valid"               //
	Rejected            Status = "rejected"            // the customer, or a check, said no
	PartiallyAuthorised Status = "partiallyAuthorised" // a permission that is required was left out
	Expired             Status = "expired"             // its end date has passed
	RevokedByPsu        Status = "revokedByPsu"        // stopped by the customer
	TerminatedByTpp     Status = "terminatedByTpp"     // stopped by the app or by staff
	TerminatedByAspsp   Status = "terminatedByAspsp"   // the bank refuses it
)

// Cause is why a consent is not valid, or no longer: who, and a short code.
type Cause struct {
	Actor string `json:"actor"` // customer, bank, app, staff or system
	Code  string `json:"code"`
}

// Consent is a customer's permission at one bank. It keeps its ID through
// every renewal. Nothing personal is in it.
type Consent struct {
	ID                   string    `json:"id"`
	Status               Status    `json:"status"`
	Bank                 string    `json:"bank"`
	ScopesRequested      []string  `json:"scopes_requested"`
	ScopesGranted        []string  `json:"scopes_granted"`
	Cause                *Cause    `json:"cause"`
	CreatedAt            time.Time `json:"created_at"`
	AuthorizedAt         time.Time `json:"authorized_at"` // zero until the customer has granted
	EndsAt               time.Time `json:"ends_at"`
	EndedAt              time.Time `json:"ended_at"` // when it was ended early
	DaysLeft             int       `json:"days_left"`
	AwaitingConfirmation bool      `json:"awaiting_confirmation"` // call [Client.Confirm]
	Renewals             int       `json:"renewals"`
	BankTold             string    `json:"bank_told"` // of its end: confirmed, unsupported, failed, or empty
	LastUsedAt           time.Time `json:"last_used_at"`
	NeededUntil          time.Time `json:"needed_until"` // that you said you need it, where that is beyond its end

	Page // of Create only

	// Replayed: Create found the consent that the same idempotency key had made.
	Replayed bool `json:"-"`
}

// Page is where the customer's browser is to be sent. The URL acts for the
// customer: keep it out of logs and mails.
type Page struct {
	URL       Secret    `json:"page_url"`
	ExpiresAt time.Time `json:"page_expires_at"`
}

// Request is a consent to ask for. Reference, Bank and ReturnTo are required.
type Request struct {
	Reference          string   // your own name for the customer
	Bank               string   // id of a bank
	ReturnTo           string   // id of one of your registered addresses
	ExpectedNationalID Secret   // whom the bank must name; without it, confirm by code
	Scopes             []string // besides those that the bank requires
	Email              Secret   // where the customer is warned before the end
	Language           string   // en, is or sv

	// IdempotencyKey makes one consent of all calls with the same key and the
	// same content, for 24 hours: 1 to 255 of A–Z a–z 0–9 . _ - :. Without one,
	// each call of Create makes its own for its own repetitions.
	IdempotencyKey string
}

// wireRequest is a request on its way, with its secrets in the clear.
type wireRequest struct {
	Reference string       `json:"customer_reference"`
	Bank      string       `json:"bank"`
	ReturnTo  string       `json:"return_to"`
	Expected  string       `json:"expected_national_id,omitempty"`
	Scopes    []string     `json:"scopes,omitempty"`
	Contact   *wireContact `json:"contact,omitempty"`
	Language  string       `json:"language,omitempty"`
}

type wireContact struct {
	Email string `json:"email"`
}

// Create asks for a consent. Send the customer's browser to the URL of its
// page, and keep its ID.
func (c *Client) Create(ctx context.Context, r Request) (Consent, error) {
	body := wireRequest{Reference: r.Reference, Bank: r.Bank, ReturnTo: r.ReturnTo, Expected: r.ExpectedNationalID.Reveal(),
		Scopes: r.Scopes, Language: r.Language}
	if r.Email != "" {
		body.Contact = &wireContact{Email: r.Email.Reveal()}
	}
	key := r.IdempotencyKey
	if key == "" {
		key = newID()
	}
	var made Consent
	header, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/consents", body: body, key: key, repeat: true}, &made)
	made.Replayed = header.Get("Idempotent-Replayed") == "true"
	return made, err
}

// Get reads how a consent stands.
func (c *Client) Get(ctx context.Context, id string) (Consent, error) {
	var found Consent
	_, err := c.do(ctx, call{method: http.MethodGet, path: consentPath(id, ""), repeat: true}, &found)
	return found, err
}

// Confirm says that the customer who is signed in with you, in the browser
// that brought this code, is the one whom the consent is for. Check that
// before. Only consents without an expected national id need it.
func (c *Client) Confirm(ctx context.Context, id string, code Secret) (Consent, error) {
	var confirmed Consent
	body := map[string]string{"code": code.Reveal()}
	_, err := c.do(ctx, call{method: http.MethodPost, path: consentPath(id, "/confirm"), body: body, repeat: true}, &confirmed)
	return confirmed, err
}

// Renew makes a page on which the customer can renew the consent, or connect
// again after it ended. What works goes on working meanwhile.
func (c *Client) Renew(ctx context.Context, id string) (Page, error) {
	var made Page
	_, err := c.do(ctx, call{method: http.MethodPost, path: consentPath(id, "/renewal")}, &made)
	return made, err
}

// Stop ends a consent for good, and tells the bank. Stopping it again gives
// the same answer. Drop the [TokenSource] of it as well.
func (c *Client) Stop(ctx context.Context, id string) (Consent, error) {
	var stopped Consent
	_, err := c.do(ctx, call{method: http.MethodDelete, path: consentPath(id, ""), repeat: true}, &stopped)
	return stopped, err
}
