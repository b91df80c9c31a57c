package consent

import (
	"context"
	"time"

	"github.com/consentd/consentd/token"
)

// HandOutStore decides on hand-outs, and keeps a record of each.
type HandOutStore interface {
	// HandOut decides whether an app gets the access token now, records the
	// hand-out, allowed or denied, and returns the sealed token with what
	// the decision was made from. A decision of [OutcomeStale] is not
	// recorded: nothing was decided yet. Of a valid consent that ends before
	// r.NeededUntil that moment is kept, the latest of all, until Activate
	// covers it; the first time in a term [ToldNeeded] is made due.
	HandOut(ctx context.Context, r HandOutRequest) (HandOut, error)

	// RecordDenied records a hand-out that failed after HandOut had said
	// [OutcomeStale] or [OutcomeAllowed].
	RecordDenied(ctx context.Context, r HandOutRequest, why Outcome) error

	// HandOuts reads the newest records of one partition, newest first, and
	// Uses how often a consent's token was handed out, by day (2026-11-21,
	// UTC).
	HandOuts(ctx context.Context, partition string, limit int) ([]HandOutRecord, error)
	Uses(ctx context.Context, id ID) (map[string]int64, error)

	// HandOutLog reads the records of one partition in order, at most limit:
	// from the first one kept, or behind the place that a page before named.
	HandOutLog(ctx context.Context, p Partition, place string, limit int) (HandOutPage, error)
}

// HandOutRequest is an app asking for a token.
type HandOutRequest struct {
	ID          ID
	App         string
	RequestID   string
	Now         time.Time
	MinTTL      time.Duration // the token must live at least this long
	NeededUntil time.Time     // the consent must live at least until then; zero: no matter
	Scopes      []string      // the token must have these
}

// Outcome is what became of a request for a token, as it stands on record.
type Outcome string

// The outcomes. The first two are no refusals.
const (
	OutcomeAllowed     Outcome = "allowed"
	OutcomeStale       Outcome = "stale" // a refresh is needed first
	OutcomeNotFound    Outcome = "not-found"
	OutcomePending     Outcome = "consent-pending"
	OutcomeUnconfirmed Outcome = "confirmation-required"
	OutcomeRejected    Outcome = "consent-rejected"
	OutcomeExpired     Outcome = "consent-expired"
	OutcomeRevoked     Outcome = "consent-revoked"
	OutcomeRenewal     Outcome = "renewal-required"
	OutcomeScope       Outcome = "insufficient-scope"
	OutcomeLifetime    Outcome = "lifetime-unavailable"
	OutcomeBank        Outcome = "bank-unavailable"
	OutcomeInternal    Outcome = "internal-error"
	OutcomeOperation   Outcome = "operation-not-allowed" // the app may not do what it tried
)

// HandOut is the store's decision and what it was made from. For
// [OutcomeNotFound] there is nothing else in it.
type HandOut struct {
	Outcome    Outcome
	Bank       string
	Status     Status
	Cause      Cause
	EndsAt     time.Time
	Granted    []string
	Generation int64
	Sealed     token.Sealed // without its refresh token
	Resting    bool         // a refresh is running, or the bank is left alone for a while
}

// HandOutRecord is a hand-out as it stands on record.
type HandOutRecord struct {
	At        time.Time
	Consent   ID
	App       string
	RequestID string
	Outcome   Outcome
}

// HandOutPage is a part of a partition's records.
type HandOutPage struct {
	Records []HandOutRecord
	Next    string // the place of the last; empty when there are no more
	Full    bool   // as many are kept as there is room for: older ones may be gone
}
