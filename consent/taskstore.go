package consent

import (
	"context"
	"time"
)

// Partition is a part of the store, whose tasks are claimed in one step.
type Partition int

// TaskStore keeps what is to be done when, and how often it failed.
type TaskStore interface {
	// Due finds the partitions in which something is due. What it found
	// before an error it returns with it.
	Due(ctx context.Context, now time.Time) ([]Partition, error)

	// Claim returns tasks of a partition that are due, at most most, and
	// makes them due again at until.
	Claim(ctx context.Context, p Partition, now, until time.Time, most int) ([]Task, error)

	// Finish removes a claimed task, and Postpone makes it due at to, unless
	// it was moved since it was claimed.
	Finish(ctx context.Context, t Task) error
	Postpone(ctx context.Context, t Task, to time.Time) error

	// Schedule adds and removes tasks of one consent.
	Schedule(ctx context.Context, id ID, work Work) error

	// Pending reports whether a task waits, or is being done.
	Pending(ctx context.Context, t Task) (bool, error)

	// DueBy lists the tasks of a kind that are due at a moment, claiming
	// none.
	DueBy(ctx context.Context, kind TaskKind, at time.Time) ([]Task, error)

	// Tried counts a failed attempt at a task, and says how many there were
	// and when the first was.
	Tried(ctx context.Context, t Task, at time.Time) (tries int, since time.Time, err error)

	// Spend takes one of a bank's calls of this minute; false when there are
	// none left.
	Spend(ctx context.Context, bank string, now time.Time, perMinute int) (bool, error)
}
