package consent

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// Why an app gets no token, or a call comes to nothing. A store that does not
// answer is [token.ErrStoreUnavailable].
var (
	// ErrNotFound: no such consent, or another app's.
	ErrNotFound = errors.New("consent: not found")

	// ErrPending: the customer has not granted yet.
	ErrPending = errors.New("consent: the customer has not granted it yet")

	// ErrUnconfirmed: granted, but the app has not confirmed the customer.
	ErrUnconfirmed = errors.New("consent: the app has not confirmed the customer yet")

	// ErrRejected: the customer said no, or a check did.
	ErrRejected = errors.New("consent: rejected")

	// ErrExpired: the end date passed.
	ErrExpired = errors.New("consent: expired")

	// ErrRevoked: customer, app, staff or bank ended it.
	ErrRevoked = errors.New("consent: revoked")

	// ErrRenewalRequired: the customer must go to the bank (again) first.
	ErrRenewalRequired = errors.New("consent: renewal required")

	// ErrInsufficientScope: a scope that is needed was not granted.
	ErrInsufficientScope = errors.New("consent: insufficient scope")

	// ErrLifetime: no token of this bank lives as long as was asked for.
	ErrLifetime = errors.New("consent: the bank's tokens do not live that long")

	// ErrBankUnavailable: the bank did not answer usefully; the consent is
	// as it was.
	ErrBankUnavailable = errors.New("consent: bank unavailable")

	// ErrKeyReused: an idempotency key that stands for another request.
	ErrKeyReused = errors.New("consent: idempotency key used for another request")

	// ErrConfirmation: the completion code is wrong, used, or too old.
	ErrConfirmation = errors.New("consent: the completion code does not fit")

	// ErrLinkGone: a link that never was, or is too old.
	ErrLinkGone = errors.New("consent: no such link, or too old")

	// ErrLinkUsed: a link that another browser has used.
	ErrLinkUsed = errors.New("consent: link used by another browser")

	// ErrFlowGone: an authorization that never was, or is too old.
	ErrFlowGone = errors.New("consent: no such authorization, or too old")

	// ErrFlowTaken: the browser has come back with this authorization before.
	ErrFlowTaken = errors.New("consent: authorization used before")

	// ErrForeignBrowser: another browser than the one that set out.
	ErrForeignBrowser = errors.New("consent: another browser")

	// ErrForgedReturn: a return from the bank that does not fit the trip:
	// wrong issuer, wrong bank, code and error at once.
	ErrForgedReturn = errors.New("consent: the return does not fit the authorization")

	// ErrEventsGone: events that were to be read are no longer kept.
	ErrEventsGone = errors.New("consent: events no longer kept")

	// ErrAuditBroken: nothing can be put on record, because the audit chain is
	// not as we left it.
	ErrAuditBroken = errors.New("consent: the audit chain is damaged")

	// ErrNoAddress: a customer who cannot be written to.
	ErrNoAddress = errors.New("consent: no e-mail address is known")

	// ErrConflict: the record changed between reading and writing.
	ErrConflict = errors.New("consent: changed meanwhile")
)

// Refusal is a hand-out that was denied, with what the app should do next.
type Refusal struct {
	Err        error         // one of the sentinels above, or token.ErrStoreUnavailable
	Cause      Cause         // why the consent ended, where it has
	EndsAt     time.Time     // the consent's end, where it has one
	Missing    []string      // scopes that were not granted
	RetryAfter time.Duration // when to ask again; 0 when asking again changes nothing
	Renewal    *Link         // where to send the customer; nil when that changes nothing
	Longest    time.Duration // with ErrLifetime: how long this bank's tokens live
	Why        error         // what failed underneath, for our own log; nil when nothing did
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Invalid is a request that cannot be carried out as it stands. It lists
// everything that is wrong with it and never repeats a value.
type Invalid struct{ Fields []Field }

// Field is one mistake: where (a JSON pointer) and what, as a sentence.
type Field struct {
	Pointer string
	Detail  string
}

func (e *Invalid) Error() string {
	var b strings.Builder
	b.WriteString("consent: invalid request")
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Pointer, f.Detail)
	}
	return b.String()
}

func (e *Invalid) add(pointer, format string, args ...any) {
	e.Fields = append(e.Fields, Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// orNil is the error, or nil when nothing is wrong.
func (e *Invalid) orNil() error {
	if len(e.Fields) == 0 {
		return nil
	}
	return e
}

// bankTrouble reports whether an error says nothing about the consent, only
// about the bank or the way to it.
func bankTrouble(err error) bool {
	return errors.Is(err, token.ErrNotDone) || errors.Is(err, token.ErrOutcomeUnknown) ||
		errors.Is(err, token.ErrMisconfigured) || errors.Is(err, token.ErrClosed)
}
