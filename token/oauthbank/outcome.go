package oauthbank

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// codeOutcomes are the error codes that mean the same at every bank,
// whatever its DeadCodes. The bank refuses what we are or how we ask: a
// repetition fails alike and no grant is at fault; or it says that it did
// not, or may not, have acted.
var codeOutcomes = map[string]error{
	"invalid_client":          token.ErrMisconfigured, // RFC 6749 section 5.2
	"unauthorized_client":     token.ErrMisconfigured,
	"unsupported_grant_type":  token.ErrMisconfigured,
	"invalid_request":         token.ErrMisconfigured,
	"invalid_scope":           token.ErrMisconfigured,
	"unsupported_token_type":  token.ErrMisconfigured, // RFC 7009 section 2.2.1
	"invalid_target":          token.ErrMisconfigured, // RFC 8707 section 2
	"invalid_dpop_proof":      token.ErrMisconfigured, // RFC 9449 section 5
	"use_dpop_nonce":          token.ErrMisconfigured,
	"temporarily_unavailable": token.ErrNotDone,
	"slow_down":               token.ErrNotDone,
	"server_error":            token.ErrOutcomeUnknown,
}

// classify is the verdict on an answer of the token, revocation or PAR
// endpoint. Only the first matching row counts; code is the member "error"
// of a JSON body.
//
//	status   code                              verdict
//	429      any                               ErrNotDone
//	421, 425 any                               ErrNotDone: refused unread (RFC 9110, RFC 8470)
//	200      none                              success, if the rest can be read
//	1xx-3xx  but 200                           ErrOutcomeUnknown
//	5xx      any, invalid_grant too            ErrOutcomeUnknown
//	200, 4xx one of DeadCodes                  ErrRefused
//	200, 4xx one of codeOutcomes               as listed there
//	401      none, or another                  ErrMisconfigured: we were not recognised (RFC 9110 section 15.5.2)
//	4xx      another                           ErrNotDone: an OAuth refusal, but no proof of anything
//	200      another, or unreadable            ErrOutcomeUnknown
//	4xx      none, unreadable (HTML, cut off)  ErrOutcomeUnknown
//
// And where no answer came: ErrNotDone if no connection was made, else
// ErrOutcomeUnknown; see send. A success whose tokens or ID token fail a
// check is ErrAnswerRejected, on a refresh only if the ID token names somebody
// else; see checkTokens, checkIDToken and Refresh.
func classify(status int, code string, dead []string) error {
	known, isKnown := codeOutcomes[code]
	switch {
	case status == http.StatusTooManyRequests,
		status == http.StatusMisdirectedRequest,
		status == http.StatusTooEarly:
		return token.ErrNotDone
	case status == http.StatusOK && code == "":
		return nil
	case status != http.StatusOK && status/100 != 4:
		return token.ErrOutcomeUnknown
	case slices.Contains(dead, code):
		return token.ErrRefused
	case isKnown:
		return known
	case status == http.StatusUnauthorized:
		return token.ErrMisconfigured
	case status == http.StatusOK, code == "", code == unreadable:
		return token.ErrOutcomeUnknown
	default:
		return token.ErrNotDone
	}
}

// unreadable stands for a member "error" that is there but is no code.
const unreadable = "?"

// fault is a failure on its way to becoming a [token.BankError].
type fault struct {
	err        error
	code       string // the bank's error code, or our own word
	status     int
	retryAfter time.Duration
}

func (f *fault) Error() string { return f.err.Error() + ": " + f.code }
func (f *fault) Unwrap() error { return f.err }

// failure gives err its outward form. What is no fault happened on our side
// before anything was sent.
func (b *Bank) failure(op string, err error) error {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		f = &fault{err: token.ErrNotDone, code: causeOf(err)}
	}
	return &token.BankError{
		Bank: b.cfg.ID, Op: op, Status: f.status, Code: f.code, RetryAfter: f.retryAfter, Err: f.err,
	}
}

// refusal is the fault that an answer amounts to, or nil for a success.
func (b *Bank) refusal(r reply, code, shown string, dead []string) error {
	verdict := classify(r.status, code, dead)
	if verdict == nil {
		return nil
	}
	return &fault{err: verdict, code: shown, status: r.status, retryAfter: retryAfter(r.header, b.cfg.Now())}
}

const maxRetryAfter = 24 * time.Hour

// retryAfter reads Retry-After in both its forms (RFC 9110 section 10.2.3).
// A date is taken relative to the bank's own clock where it shows it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if until, err := http.ParseTime(value); err == nil {
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		wait = until.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// shownCode is an error code in the form in which it may be printed: one of
// the characters that codes are made of, short, and not an echo of what we
// sent.
func shownCode(code string, sent []string) string {
	if code == "" || len(code) > 40 || strings.Trim(code, codeCharacters) != "" {
		return "unreadable_code"
	}
	for _, secret := range sent {
		if secret != "" && (strings.Contains(secret, code) || strings.Contains(code, secret)) {
			return "unreadable_code"
		}
	}
	return code
}

const codeCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
