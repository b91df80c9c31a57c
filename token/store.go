package token

import (
	"context"
	"time"
)

// Lease is the right to refresh one grant, once, for a time.
type Lease struct {
	Number  int64  // the fencing number: later leases have higher ones
	Owner   string // who acquired it; the same owner acquiring again gets the same lease
	Version int64  // the generation of the grant that was read under the lease
	Unsure  bool   // the lease before this one ended without a conclusion
	Bank    string
	Sealed  Sealed
}

// Store keeps sealed grants. It is shared by all replicas and each method is
// atomic. Times of leases are the store's own; a store that cannot answer
// returns an error wrapping [ErrStoreUnavailable], after which the operation
// may or may not have happened: every method can be repeated with the same
// arguments and then answers as the first time.
type Store interface {
	// Acquire takes the lease on a grant of which the caller has seen
	// generation seen, and reads the grant in the same step. It returns
	// [ErrNoGrant], [ErrNewer] when another generation is stored, or a
	// *[BusyError].
	Acquire(ctx context.Context, id string, seen int64, owner string, ttl time.Duration) (Lease, error)

	// Commit stores what the bank answered as the next generation and
	// concludes the lease. It returns [ErrNoGrant] when the grant was ended
	// meanwhile (a late write never brings one back) and [ErrFenced] when a
	// later lease has committed.
	Commit(ctx context.Context, id string, l Lease, s Sealed) error

	// Release gives a lease back without a new generation and lets nobody
	// acquire it again for rest. Unless it is known that the bank did
	// nothing, the next lease is Unsure. Release does nothing for a lease
	// that is no longer the newest. at is when the refresh failed.
	Release(ctx context.Context, id string, l Lease, known bool, rest time.Duration, at time.Time) error

	// PutAside keeps a sealed grant that is of no use to anybody until its
	// bank was told that it is over.
	PutAside(ctx context.Context, id, bank string, s Sealed, at time.Time) error

	// Refused counts that a bank refused a grant, and reports whether so many
	// were refused at once that it must be the bank's fault: then no refusal
	// is to be believed.
	Refused(ctx context.Context, bank, id string, at time.Time) (incident bool, err error)

	// MarkDead records the bank's refusal as the end of the consent, whose
	// cause is [ErrRefused], [ErrLost] or [ErrAnswerRejected], and deletes the grant. It returns
	// [ErrNewer] and changes nothing unless l is the newest lease and
	// l.Version the newest generation.
	MarkDead(ctx context.Context, id string, l Lease, cause error, at time.Time) error
}
