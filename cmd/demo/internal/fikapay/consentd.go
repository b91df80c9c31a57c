package fikapay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// consentd is our client of consentd's public API.
type consentd struct {
	door Door
	http *http.Client
}

// consentState is a consent as consentd tells it.
type consentState struct {
	ID                   string    `json:"id"`
	Status               string    `json:"status"`
	Cause                *cause    `json:"cause"`
	AuthorizedAt         time.Time `json:"authorized_at"`
	EndsAt               time.Time `json:"ends_at"`
	EndedAt              time.Time `json:"ended_at"`
	DaysLeft             int       `json:"days_left"`
	AwaitingConfirmation bool      `json:"awaiting_confirmation"`
	PageURL              string    `json:"page_url"`
}

type cause struct {
	Actor string `json:"actor"`
	Code  string `json:"code"`
}

// access is a token that was handed out. It lives in one request of ours, and
// no longer.
type access struct {
	Token     string    `json:"access_token"`
	ExpiresAt time.Time `json:"expires_at"`
	ExpiresIn int       `json:"expires_in"`
	Consent   struct {
		EndsAt   time.Time `json:"ends_at"`
		DaysLeft int       `json:"days_left"`
	} `json:"consent"`
	NationalID string `json:"national_id"`
}

// problem is consentd's error (RFC 9457), as far as we act on it.
type problem struct {
	Status     int    `json:"status"`
	Code       string `json:"code"`
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	RequestID  string `json:"request_id"`
	RetryAfter int    `json:"retry_after"`
	RenewalURL string `json:"renewal_url"`
	Cause      *cause `json:"cause"`
}

func (p *problem) Error() string { return fmt.Sprintf("consentd: %s (%d)", p.Code, p.Status) }

// request is what we ask of a customer.
type request struct {
	Reference string            `json:"customer_reference"`
	Bank      string            `json:"bank"`
	ReturnTo  string            `json:"return_to"`
	Expected  string            `json:"expected_national_id,omitempty"`
	Language  string            `json:"language,omitempty"`
	Contact   map[string]string `json:"contact,omitempty"`
}

// ask makes a consent; its PageURL is where the customer goes.
func (c consentd) ask(ctx context.Context, r request) (consentState, error) {
	var made consentState
	return made, c.call(ctx, http.MethodPost, "/v1/consents", r, &made)
}

// consent reads how a consent stands.
func (c consentd) consent(ctx context.Context, id string) (consentState, error) {
	var found consentState
	return found, c.call(ctx, http.MethodGet, "/v1/consents/"+id, nil, &found)
}

// renew makes a page for a consent that there is already.
func (c consentd) renew(ctx context.Context, id string) (pageURL string, err error) {
	var made consentState
	err = c.call(ctx, http.MethodPost, "/v1/consents/"+id+"/renewal", struct{}{}, &made)
	return made.PageURL, err
}

// confirm says that the browser which brought the code is our customer's.
func (c consentd) confirm(ctx context.Context, id, code string) (consentState, error) {
	var confirmed consentState
	return confirmed, c.call(ctx, http.MethodPost, "/v1/consents/"+id+"/confirm", map[string]string{"code": code}, &confirmed)
}

// token asks for an access token.
func (c consentd) token(ctx context.Context, id, requestID string) (access, error) {
	var a access
	body := map[string]any{"scopes": []string{"payments"}}
	return a, c.send(ctx, http.MethodPost, "/v1/consents/"+id+"/token", requestID, body, &a)
}

// What consentd makes of a refusal of the bank's.
const (
	tokenReplaced = "token-replaced"
	consentEnded  = "consent-ended"
)

// report says that the bank's API answered with that status and error code,
// and returns what it means.
func (c consentd) report(ctx context.Context, id string, r *refusal) (verdict string, err error) {
	var answer struct {
		Verdict string `json:"verdict"`
	}
	body := map[string]any{"status": r.Status, "code": r.Code}
	err = c.call(ctx, http.MethodPost, "/v1/consents/"+id+"/report", body, &answer)
	return answer.Verdict, err
}

// stop ends a consent.
func (c consentd) stop(ctx context.Context, id string) error {
	var stopped consentState
	return c.call(ctx, http.MethodDelete, "/v1/consents/"+id, nil, &stopped)
}

// answerLimit is far more than any answer of the API has.
const answerLimit = 1 << 20

func (c consentd) call(ctx context.Context, method, path string, body, out any) error {
	return c.send(ctx, method, path, "", body, out)
}

func (c consentd) send(ctx context.Context, method, path, requestID string, body, out any) error {
	r, err := c.newRequest(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("ask consentd: %w", err)
	}
	if requestID != "" {
		r.Header.Set("X-Request-Id", requestID)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask consentd: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("ask consentd: %w", err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		p := &problem{Status: res.StatusCode}
		if json.Unmarshal(answer, p) != nil || p.Code == "" {
			p.Code, p.Title = "no-problem", "consentd gave an answer that is not its own" // a proxy's page, say
		}
		return p
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("read consentd's answer: %w", err)
	}
	return nil
}

func (c consentd) newRequest(ctx context.Context, method, path string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.door.URL+path, content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.door.Key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}
