package consent

import (
	"context"
	"time"
)

// WarningStore keeps which warnings of its end each consent has had, and
// whether its customer wants reminders.
type WarningStore interface {
	// Warn claims thresholds of a valid consent's term. It returns
	// [ErrConflict], and schedules nothing, when all of them were claimed
	// before or the term is another.
	Warn(ctx context.Context, id ID, w Warned) error

	// Remind turns the customer's reminders on or off: a consent's, and those
	// of each that is created for the customer's index from then on.
	Remind(ctx context.Context, id ID, customer []byte, on bool, at time.Time) error

	// Claimed reports whether a threshold was claimed, and whether another
	// consent's mail spoke for it.
	Claimed(ctx context.Context, id ID, term int64, days int) (claimed, spoken bool, err error)
}

// Warned are thresholds of which a customer is about to be told, or has just
// been told by another consent's mail. The timeline then says so.
type Warned struct {
	Term    int64
	Days    []int
	Spoken  int       // the threshold that another consent's mail spoke for; 0: none
	Message string    // with Spoken: what the timeline calls it
	At      time.Time // likewise
	Work    Work
}
