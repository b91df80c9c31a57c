package consent

import (
	"context"
	"time"

	"github.com/consentd/consentd/token"
)

// GrantingStore keeps what a trip to the bank made of a consent.
type GrantingStore interface {
	// Activate stores a grant and makes the consent what a says, in place
	// of whatever grant there was. It returns [ErrConflict] and changes
	// nothing unless the record still has a.Version, and nil for the same
	// a.Sealed.CommitID again.
	Activate(ctx context.Context, id ID, a Activation) error

	// Reject gives a consent that is not valid another status, with a cause;
	// a valid one, and one that was ended, only gets a line in its timeline.
	Reject(ctx context.Context, id ID, r Rejection) error

	// Confirm makes a granted consent valid, for the hash of the one-time
	// code that Activate named, or returns [ErrConfirmation]. The same hash
	// again returns nil.
	Confirm(ctx context.Context, id ID, c Confirmation) error

	// Newest says which generation of a grant is stored, when the bank
	// issued it and when its access token expires, or returns [token.ErrNoGrant].
	Newest(ctx context.Context, id ID) (Newest, error)
}

// Activation is what a return from the bank makes of a consent.
type Activation struct {
	Version      int64 // of the record that the decision was made from
	Sealed       token.Sealed
	Status       Status // Valid, or Received while the app must confirm
	AuthorizedAt time.Time
	EndsAt       time.Time
	Granted      []string
	TextVersion  string
	Personal     []byte
	Person       []byte // keyed index of the national id; nil when unknown or not confirmed
	Subject      []byte // keyed index of the bank's own name for the customer; nil when not confirmed
	ConfirmHash  string // of the one-time code; empty unless Status is Received
	ConfirmUntil time.Time
	Renewal      bool

	// RevokeReplaced keeps the grant that this one replaces until its bank
	// was told that it is over.
	RevokeReplaced bool
	Work           Work
}

// Rejection is a trip to the bank that granted nothing of use.
type Rejection struct {
	Status  Status // Rejected or PartiallyAuthorised
	Granted []string
	Cause   Cause
	At      time.Time
	Work    Work // done only where the status changes
}

// Confirmation is an app saying that the right customer granted.
type Confirmation struct {
	Hash    string // of the one-time code
	Person  []byte // keyed index of the national id; nil when unknown
	Subject []byte // keyed index of the bank's own name for the customer
	At      time.Time
	Work    Work
}

// Newest is a stored grant, without its secrets.
type Newest struct {
	Generation int64
	IssuedAt   time.Time
	ExpiresAt  time.Time // of the access token
}
