package consent

import (
	"context"
	"time"
)

// Books are what finds consents by what they are, and counts them. Each step
// that changes a consent keeps them in the same step.
type Books interface {
	// Select returns the first places after q.After of what q chooses, in
	// its order, and how many it chooses in all.
	Select(ctx context.Context, q Query) (places []Place, total int64, err error)

	// Overview reads the counters.
	Overview(ctx context.Context, now time.Time) (Overview, error)

	// Rebuild makes the books anew from the records, and says from how many.
	// Changes meanwhile are entered as ever; what is looked for may be
	// missing until it is done. What a consent is found by that only its sealed
	// part tells, holder says.
	Rebuild(ctx context.Context, holder func(context.Context, Consent) (Holder, error)) (int64, error)

	// ByRequest finds the consents that a request concerned, some days back:
	// those of its hand-outs, as far as their number on a day stays within
	// bounds, and those in whose timelines it stands. Of [OutcomeOperation] it
	// finds none.
	ByRequest(ctx context.Context, requestID string, now time.Time) ([]ID, error)
}
