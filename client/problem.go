package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// What consentd can answer: one for each code of the problems table that this
// client can meet. Compare with errors.Is; errors.AsType gives the [*Problem]
// with the next step.
var (
	ErrMalformed            = errors.New("the body is not JSON")                            // malformed-request
	ErrUnauthorized         = errors.New("the credentials are not valid")                   // unauthorized
	ErrNotAllowed           = errors.New("this app may not do that")                        // operation-not-allowed
	ErrInsufficientScope    = errors.New("a scope was not granted")                         // insufficient-scope; see MissingScopes; [Client.Renew] leads to the bank again
	ErrNotFound             = errors.New("there is no such consent")                        // not-found
	ErrPending              = errors.New("the customer has not granted it yet")             // consent-pending
	ErrConfirmationRequired = errors.New("the app has not confirmed the customer")          // confirmation-required
	ErrConfirmationFailed   = errors.New("the completion code does not fit")                // confirmation-failed
	ErrRejected             = errors.New("the customer or a check said no")                 // consent-rejected
	ErrRenewalRequired      = errors.New("the customer must go to the bank again")          // renewal-required
	ErrLifetime             = errors.New("no token of this bank lives that long")           // lifetime-unavailable; see LongestTTL
	ErrConsentExpired       = errors.New("the consent has ended")                           // consent-expired
	ErrRevoked              = errors.New("the consent was withdrawn")                       // consent-revoked; see Cause
	ErrEventsGone           = errors.New("events after the cursor are no longer kept")      // events-gone
	ErrMethodNotAllowed     = errors.New("the address does not answer to that method")      // method-not-allowed
	ErrTooLarge             = errors.New("the body is too large")                           // too-large
	ErrInvalid              = errors.New("the request is wrong")                            // invalid-request; see Mistakes
	ErrIdempotencyKeyReused = errors.New("the idempotency key was used for something else") // idempotency-key-reused
	ErrRateLimited          = errors.New("too many calls")                                  // rate-limited; see RetryAfter
	ErrInternal             = errors.New("something is wrong at consentd")                  // internal-error
	ErrBankUnavailable      = errors.New("the bank does not answer")                        // bank-unavailable
	ErrStoreUnavailable     = errors.New("consentd's storage does not answer")              // store-unavailable
	ErrIssuerUnavailable    = errors.New("the issuer of the workload's token is silent")    // issuer-unavailable
	ErrAnswerTooLarge       = errors.New("the bank's answer is too large")                  // bank-answer-too-large; it has taken the call
	ErrCallUnknown          = errors.New("the bank may have taken the call")                // bank-call-unknown, or a proxy's answer to a call of [Client.Egress]
)

// ErrUnavailable is what all outages match besides their own error: a bank's,
// our storage's, a proxy's, the network's, and every answer that is not
// consentd's. Nothing follows from one about any consent: send the customer
// nowhere, try again later. [ErrCallUnknown] and [ErrAnswerTooLarge] are no
// outages: a payment that is tried again may be paid twice.
var ErrUnavailable = errors.New("not available right now")

var byCode = map[string]error{
	"malformed-request":      ErrMalformed,
	"unauthorized":           ErrUnauthorized,
	"operation-not-allowed":  ErrNotAllowed,
	"insufficient-scope":     ErrInsufficientScope,
	"not-found":              ErrNotFound,
	"consent-pending":        ErrPending,
	"confirmation-required":  ErrConfirmationRequired,
	"confirmation-failed":    ErrConfirmationFailed,
	"consent-rejected":       ErrRejected,
	"renewal-required":       ErrRenewalRequired,
	"lifetime-unavailable":   ErrLifetime,
	"consent-expired":        ErrConsentExpired,
	"consent-revoked":        ErrRevoked,
	"events-gone":            ErrEventsGone,
	"method-not-allowed":     ErrMethodNotAllowed,
	"too-large":              ErrTooLarge,
	"invalid-request":        ErrInvalid,
	"idempotency-key-reused": ErrIdempotencyKeyReused,
	"rate-limited":           ErrRateLimited,
	"internal-error":         ErrInternal,
	"bank-unavailable":       ErrBankUnavailable,
	"store-unavailable":      ErrStoreUnavailable,
	"issuer-unavailable":     ErrIssuerUnavailable,
	"bank-answer-too-large":  ErrAnswerTooLarge,
	"bank-call-unknown":      ErrCallUnknown,
}

// Problem is an answer that says no (RFC 9457), with the next step where there
// is one. Its Error text holds nothing secret and nothing personal.
type Problem struct {
	Type      string    `json:"type"`
	Title     string    `json:"title"`
	Status    int       `json:"status"`
	Detail    string    `json:"detail"`
	Code      string    `json:"code"` // never changes its meaning; empty: the answer was not consentd's
	RequestID string    `json:"request_id"`
	Mistakes  []Mistake `json:"errors"`

	// RenewalURL is where the customer can connect again: send their browser
	// there. It acts for the customer, so keep it out of logs.
	RenewalURL          Secret    `json:"renewal_url"`
	RenewalURLExpiresAt time.Time `json:"renewal_url_expires_at"`
	ConsentEndsAt       time.Time `json:"consent_ends_at"`
	Cause               *Cause    `json:"cause"`
	MissingScopes       []string  `json:"missing_scopes"`

	RetryAfter time.Duration `json:"-"` // 0: consentd did not say
	LongestTTL time.Duration `json:"-"`
	RateLimit  *RateLimit    `json:"-"` // with ErrRateLimited, where the server tells

	egress bool // in place of a bank's answer
}

// Mistake is one thing that is wrong in a request.
type Mistake struct {
	Pointer string `json:"pointer"` // where (RFC 6901)
	Detail  string `json:"detail"`  // what
}

// Error says what was answered, and under which id it can be looked up.
func (p *Problem) Error() string {
	text := fmt.Sprintf("consentd: %s (%d", p.Title, p.Status)
	if p.Code != "" {
		text += ", " + p.Code
	}
	text += fmt.Sprintf(", request %s)", p.RequestID)
	for _, m := range p.Mistakes {
		text += fmt.Sprintf("; %s %s", m.Pointer, m.Detail)
	}
	return text
}

// GoString keeps %#v from printing more than [Problem.Error].
func (p *Problem) GoString() string { return p.Error() }

// LogValue keeps logs to what can be searched for.
func (p *Problem) LogValue() slog.Value {
	return slog.GroupValue(slog.String("code", p.Code), slog.Int("status", p.Status), slog.String("request_id", p.RequestID))
}

// Unwrap gives the errors above that p stands for.
func (p *Problem) Unwrap() []error {
	if p.egress && p.Code == "" {
		return []error{ErrCallUnknown}
	}
	var all []error
	err := byCode[p.Code]
	if err != nil {
		all = append(all, err)
	}
	taken := errors.Is(err, ErrCallUnknown) || errors.Is(err, ErrAnswerTooLarge)
	if !taken && (p.Status >= http.StatusInternalServerError || p.Code == "") {
		all = append(all, ErrUnavailable)
	}
	return all
}

// problemType is the media type of RFC 9457.
const problemType = "application/problem+json"

// notOurs is a problem made of an answer that is no problem of consentd's: a
// proxy's page, a redirect, another service at this address.
func notOurs(status int, requestID string) *Problem {
	return &Problem{Title: "the answer is not consentd's", Status: status, RequestID: requestID}
}

func problemOf(res *http.Response, body []byte, requestID string) *Problem {
	p := &Problem{}
	var seconds struct {
		RetryAfter int `json:"retry_after"`
		LongestTTL int `json:"longest_ttl"`
	}
	if !isProblem(res) || json.Unmarshal(body, p) != nil || p.Code == "" {
		p = notOurs(res.StatusCode, requestID)
	} else if json.Unmarshal(body, &seconds) == nil {
		p.LongestTTL, p.RetryAfter = inSeconds(seconds.LongestTTL), inSeconds(seconds.RetryAfter)
	}
	p.Status = res.StatusCode
	if p.RequestID == "" {
		p.RequestID = requestID
	}
	if after, ok := retryAfter(res.Header); ok {
		p.RetryAfter = after
	}
	p.RateLimit = rateLimitOf(res.Header)
	return p
}

func isProblem(res *http.Response) bool {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), problemType)
}

// mostSeconds keeps a number of seconds within reason.
const mostSeconds = int(24 * time.Hour / time.Second)

func inSeconds(n int) time.Duration { return time.Duration(min(max(n, 0), mostSeconds)) * time.Second }

// NoAnswer is the error of a call that got no answer at all. Whether consentd
// has done what was asked is unknown.
type NoAnswer struct {
	RequestID string
	Err       error
}

// Error names the request and what the network said, without the address.
func (e *NoAnswer) Error() string {
	return fmt.Sprintf("consentd: no answer (request %s): %v", e.RequestID, e.Err)
}

// Unwrap gives the network's error, and [ErrUnavailable] unless the caller
// itself gave up.
func (e *NoAnswer) Unwrap() []error {
	if isCancelled(e.Err) {
		return []error{e.Err}
	}
	return []error{e.Err, ErrUnavailable}
}
