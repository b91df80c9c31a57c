package token

import (
	"errors"
	"fmt"
	"time"
)

// The ways in which getting a token ends without one. Every failure that is
// none of these is transient.
var (
	// ErrRefused: the bank answered invalid_grant. The only proof there is
	// that a grant is over, and only against the newest generation.
	ErrRefused = errors.New("token: the bank refuses the grant")

	// ErrMisconfigured: the bank refuses us, not the customer
	// (invalid_client, unauthorized_client and the like). An alarm; no
	// consent is touched.
	ErrMisconfigured = errors.New("token: the bank refuses our registration")

	// ErrNotDone: the bank certainly did not act: the request was never
	// sent, or was turned away unread (429). Safe to repeat.
	ErrNotDone = errors.New("token: the bank did not take the request")

	// ErrOutcomeUnknown: the bank may have acted: time-out, reset, 5xx, an
	// answer that cannot be read. A rotated refresh token may be lost.
	ErrOutcomeUnknown = errors.New("token: unknown whether the bank acted")

	// ErrAnswerRejected: the bank issued tokens whose accompanying proof does
	// not hold: at a redemption any part of it, at a refresh an ID token that
	// names somebody else. They were not kept.
	ErrAnswerRejected = errors.New("token: the bank's answer failed a check")

	// ErrNoGrant: nothing is stored for that consent: never granted, or
	// ended and deleted.
	ErrNoGrant = errors.New("token: no grant")

	// ErrNewer: another replica stored a newer generation meanwhile.
	ErrNewer = errors.New("token: a newer generation is stored")

	// ErrFenced: a later lease has committed; this result is the older one.
	ErrFenced = errors.New("token: fenced off by a later lease")

	// ErrLost: invalid_grant after a refresh whose outcome was never
	// learned: the rotated refresh token died with the answer.
	ErrLost = errors.New("token: the rotated refresh token was lost on its way")

	// ErrNoRefreshToken: the bank gave none, so that a new access token
	// takes the customer.
	ErrNoRefreshToken = errors.New("token: the bank gave no refresh token")

	// ErrSealBroken: a ciphertext does not open: wrong key, wrong place, or
	// damaged.
	ErrSealBroken = errors.New("token: sealed data does not open")

	// ErrClosed: this process is stopping; another one will answer.
	ErrClosed = errors.New("token: shutting down")

	// ErrStoreUnavailable: the store did not answer. Nothing follows from
	// it about any consent.
	ErrStoreUnavailable = errors.New("token: store unavailable")
)

// BankError is a bank's failure in one operation. It never carries a
// response body, and its Code is cut and quoted when printed, because the
// bank chose it.
type BankError struct {
	Bank       string
	Op         string        // "redeem", "refresh", "revoke", "authorize", "call"
	Status     int           // HTTP status; 0 when there was no answer
	Code       string        // OAuth error code (RFC 6749 section 5.2), or our own word for what was wrong
	RetryAfter time.Duration // what the bank asked for; 0 when it did not
	Err        error         // one of the sentinels of this package
}

func (e *BankError) Error() string {
	return fmt.Sprintf("%v (bank %s, %s, status %d, code %.64q)", e.Err, e.Bank, e.Op, e.Status, e.Code)
}

func (e *BankError) Unwrap() error { return e.Err }

// BusyError tells that another holder refreshes this grant, or that the
// bank is being left alone after a failure, for RetryAfter.
type BusyError struct {
	RetryAfter time.Duration
	Failed     bool // the last attempt failed; otherwise one is running
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("token: refresh is busy for %s (last attempt failed: %t)", e.RetryAfter, e.Failed)
}
