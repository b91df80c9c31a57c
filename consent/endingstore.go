package consent

import (
	"context"
	"time"

	"github.com/consentd/consentd/token"
)

// EndingStore ends consents, and undoes what only a bank's refusal ended. A
// grant that is over is kept until its bank was told.
type EndingStore interface {
	// End ends a consent and puts its grant aside until the bank was told, in
	// one step. It returns nil and changes nothing for what customer, app or
	// staff ended before.
	End(ctx context.Context, id ID, e End) error

	// Lapse deletes the grant of a valid consent whose end is not after at.
	// Again, and for any other consent, it changes nothing.
	Lapse(ctx context.Context, id ID, at time.Time, work Work) error

	// Abandon puts aside the grant that was not confirmed by at.
	Abandon(ctx context.Context, id ID, at time.Time) error

	// Believe forgets a refused grant for good, and does the work, unless the
	// consent is no longer ended by its bank.
	Believe(ctx context.Context, id ID, work Work) error

	// Restore makes a consent valid again with the grant that its bank
	// refused, or returns [token.ErrNoGrant]: something happened to it since,
	// or the grant is no longer kept. What is told becomes due as well where
	// the app heard of the end: by HandOut, or as Heard says.
	Restore(ctx context.Context, id ID, at time.Time, work Work, told ...Task) error
	Heard(ctx context.Context, id ID) error

	// Aside reads a grant that was put aside, by its commit id, and which
	// bank's it is, or returns [token.ErrNoGrant]. Told records what became
	// of a TaskRevoke and forgets the grant.
	Aside(ctx context.Context, id ID, commit string) (bank string, s token.Sealed, err error)
	Told(ctx context.Context, t Task, outcome token.Revocation, at time.Time) error

	// Keep keeps a record and what hangs on it until a purge that is due
	// then. It returns [ErrConflict] and changes nothing unless the record
	// still has the version.
	Keep(ctx context.Context, id ID, version int64, due time.Time) error

	// Purge deletes everything about a consent but what is aside. For
	// [GoneFor], Gone reads how it ended, without anything of a person;
	// otherwise it returns [ErrNotFound].
	Purge(ctx context.Context, id ID, customer, person []byte, work Work) error
	Gone(ctx context.Context, id ID) (Consent, error)

	// RecordErasure keeps the proof that a customer was erased.
	RecordErasure(ctx context.Context, customer []byte, e Erasure) error
}

// End is a consent ended on somebody's wish.
type End struct {
	Status   Status // RevokedByPsu or TerminatedByTpp
	Cause    Cause
	At       time.Time
	ForgetBy time.Time // when the grant is forgotten even if the bank was never told
	Work     Work
}
