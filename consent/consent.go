// Package consent knows which customer lets which app into which bank, with
// what scopes, until when, and what follows from that.
//
// It decides: whether a consent may be asked for, whether the person who came
// back from the bank is the right one, when a consent ends, and whether an
// app gets a token now. It refuses to know secrets (package token seals and
// refreshes; a refresh token never comes here), HTTP (package web) and Redis
// (package consent/redisstore).
//
// # Status
//
//	received ──────────────> valid ──────> terminatedByAspsp   the bank refuses the grant
//	   │  ^                  │   ^  └────> revokedByPsu, terminatedByTpp
//	   v  │ asked again      v   │ renewed
//	rejected, partiallyAuthorised  expired   computed from EndsAt, never stored
//
// What a bank refuses in an incident, see [Incident], is valid again minutes
// later.
//
// The names are the Berlin Group's. A consent keeps its id through every
// renewal, and a renewal that comes to nothing leaves a valid one as it was.
package consent

import (
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// Status is the Berlin Group's consentStatus, and terminatedByAspsp.
type Status string

// The statuses.
const (
	Received            Status = "received"            // asked for, or granted and not yet confirmed by the app
	Valid               Status = "valid"               // tokens are handed out
	Rejected            Status = "rejected"            // the customer or a check said no
	PartiallyAuthorised Status = "partiallyAuthorised" // a required scope was left out
	Expired             Status = "expired"             // the end date passed
	RevokedByPsu        Status = "revokedByPsu"        // the customer withdrew it
	TerminatedByTpp     Status = "terminatedByTpp"     // the app or our staff ended it
	TerminatedByAspsp   Status = "terminatedByAspsp"   // the bank refuses the grant, for reasons of its own
)

var statuses = []Status{Received, Valid, Rejected, PartiallyAuthorised, Expired, RevokedByPsu, TerminatedByTpp, TerminatedByAspsp}

// Actor is who caused a change.
type Actor string

// The actors.
const (
	ByCustomer Actor = "customer"
	ByBank     Actor = "bank"
	ByApp      Actor = "app"
	ByStaff    Actor = "staff"
	BySystem   Actor = "system"
)

// Known is an actor as customers know them: they stop an access themselves,
// the app does, or else our support.
func (a Actor) Known() Actor {
	if a == ByCustomer || a == ByApp {
		return a
	}
	return ByStaff
}

// Cause says who changed a consent's status, and why in one word.
type Cause struct {
	Actor Actor
	Code  string
}

// The codes of causes.
const (
	CauseCancelled   = "cancelled"    // the customer said no at the bank
	CauseWrongPerson = "wrong_person" // somebody else than expected came back from the bank
	CauseNoIdentity  = "no_identity"  // the bank did not say who came back
	CauseCompany     = "company"      // the bank serves individuals only
	CauseLeftOut     = "left_out"     // a required scope was not granted
	CauseRefused     = "refused"      // invalid_grant: usually withdrawn in the online bank
	CauseLost        = "lost"         // invalid_grant after a refresh whose answer was lost
	CauseLapsed      = "lapsed"       // the end date passed
)

// Consent is a customer's permission for one app at one bank.
type Consent struct {
	ID       ID
	App      string
	Bank     string
	Status   Status // as stored; StatusAt knows of the end date
	Version  int64  // grows with every change of the record
	Term     int64  // grows with every trip to the bank that granted: 1 for the first
	Cause    Cause  // of the last change for the worse; zero while all is well
	Asked    []string
	Granted  []string
	ReturnTo string // id of one of the app's return URLs
	Language string // BCP 47: en, is, sv; what the app asked for, see Spoken

	NoReminders bool // the customer wants none; see Event.Optional

	CreatedAt    time.Time
	AuthorizedAt time.Time // the consent clock starts here; zero before
	EndsAt       time.Time // no token is handed out from this moment on; zero before
	EndedAt      time.Time // when the bank, the customer or the app ended it early
	ChangedAt    time.Time // the last change of any of this; a hand-out, a refresh and reminders are none

	// ConfirmUntil is set while the app must still confirm, by the one-time
	// code that came back with the customer's browser, that the customer who
	// granted is the one who is signed in there.
	ConfirmUntil time.Time

	// NeededUntil is the latest moment beyond EndsAt until which the app said
	// that it needs the consent; zero once a renewal covers it.
	NeededUntil time.Time

	// BankTold is what became of telling the bank that the consent was ended
	// here; empty while that is under way, which TellingBank says, and where
	// there was nothing to tell.
	BankTold    token.Revocation
	TellingBank bool

	// Failing: the last refresh came to nothing, and none has succeeded since.
	// The consent is as it was.
	Failing bool

	TextVersion string // of the page that the customer agreed to: its language, a hyphen, and which wording
	LastUsedAt  time.Time
	Personal    []byte // sealed; see Person
}

// StatusAt is the status at a moment, which for a valid consent depends on
// its end date.
func (c Consent) StatusAt(now time.Time) Status {
	if c.Status == Valid && !now.Before(c.EndsAt) {
		return Expired
	}
	return c.Status
}

// CauseAt is the cause that goes with StatusAt.
func (c Consent) CauseAt(now time.Time) Cause {
	if c.StatusAt(now) == Expired {
		return Cause{Actor: BySystem, Code: CauseLapsed}
	}
	return c.Cause
}

// DaysLeft is the number of whole days until the end, rounded up, so that
// the last day counts as one; 0 for a consent that is not valid.
func (c Consent) DaysLeft(now time.Time) int {
	if c.StatusAt(now) != Valid {
		return 0
	}
	const day = 24 * time.Hour
	return int((c.EndsAt.Sub(now) + day - 1) / day)
}

// AwaitsConfirmation reports whether the customer has granted and the app
// has not confirmed yet.
func (c Consent) AwaitsConfirmation(now time.Time) bool {
	return c.Status == Received && now.Before(c.ConfirmUntil)
}

// Renewable reports whether the customer can be sent to the bank (again)
// under this id. What the customer or the app ended on purpose stays ended.
func (c Consent) Renewable() bool {
	return c.Status != RevokedByPsu && c.Status != TerminatedByTpp
}

// What an access is good for, in one word.
const (
	UsePayments = "payments"
	UseAccount  = "account"
)

// Use says what no longer works once the access is over: payments, where a
// scope lets the app make them, or else whatever it does with the account.
func (c Consent) Use() string {
	scopes := c.Granted
	if len(scopes) == 0 {
		scopes = c.Asked
	}
	for _, scope := range scopes {
		if kind := ScopeKind(scope); kind == "payments" || kind == "pis" {
			return UsePayments
		}
	}
	return UseAccount
}

// ScopeKind drops the id that some banks put into a scope, such as AIS:<id>.
func ScopeKind(scope string) string {
	kind, _, _ := strings.Cut(scope, ":")
	return strings.ToLower(kind)
}

// Spoken is the language to speak to the customer in: that of the page on
// which they agreed last, before that the one which the app asked for.
func (c Consent) Spoken() string {
	lang, _, _ := strings.Cut(c.TextVersion, "-")
	if slices.Contains(Languages, lang) {
		return lang
	}
	return c.Language
}

// Missing lists the scopes of want that were not granted.
func (c Consent) Missing(want []string) []string { return missing(want, c.Granted) }

func missing(want, have []string) []string {
	var out []string
	for _, s := range want {
		if !slices.Contains(have, s) {
			out = append(out, s)
		}
	}
	return out
}
