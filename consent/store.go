package consent

import (
	"context"
	"time"

	"github.com/consentd/consentd/token"
)

// Store keeps consents, their grants, and what a browser needs on its way.
// It is shared by all replicas, each method is one atomic step, and what it
// records (timeline, hand-outs, indexes) is part of that step. It never reads
// a clock for business time. Lines of timelines get the [Origin] of the
// context. A store that cannot answer returns an error
// wrapping [token.ErrStoreUnavailable]; the step may then have happened, and
// can be repeated with the same arguments.
type Store interface {
	token.Store

	// Create stores a consent that was asked for, findable by the
	// customer's keyed index. It returns [ErrNotFound] for one that was purged
	// within [GoneFor].
	Create(ctx context.Context, c Consent, customer []byte, work Work) error

	// Consent reads a record, or returns [ErrNotFound]. Consents reads
	// several in one round trip and leaves out what is not there.
	Consent(ctx context.Context, id ID) (Consent, error)
	Consents(ctx context.Context, ids []ID) ([]Consent, error)

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

	// End ends a consent and puts its grant aside until the bank was told, in
	// one step. It returns nil and changes nothing for what customer, app or
	// staff ended before.
	End(ctx context.Context, id ID, e End) error

	// Lapse deletes the grant of a valid consent whose end is not after at.
	// Again, and for any other consent, it changes nothing.
	Lapse(ctx context.Context, id ID, at time.Time, work Work) error

	// Abandon puts aside the grant that was not confirmed by at.
	Abandon(ctx context.Context, id ID, at time.Time) error

	// Warn claims thresholds of a valid consent's term. It returns
	// [ErrConflict], and schedules nothing, when all of them were claimed
	// before or the term is another.
	Warn(ctx context.Context, id ID, w Warned) error

	// Remind turns the customer's reminders on or off.
	Remind(ctx context.Context, id ID, on bool, at time.Time) error

	// Claimed reports whether a threshold was claimed, and whether another
	// consent's mail spoke for it.
	Claimed(ctx context.Context, id ID, term int64, days int) (claimed, spoken bool, err error)

	// Purge deletes everything about a consent but what is aside. For
	// [GoneFor], Gone reads how it ended, without anything of a person;
	// otherwise it returns [ErrNotFound].
	Purge(ctx context.Context, id ID, customer, person []byte, work Work) error
	Gone(ctx context.Context, id ID) (Consent, error)

	// Aside reads a grant that was put aside, by its commit id, and which
	// bank's it is, or returns [token.ErrNoGrant]. Told records what became
	// of a TaskRevoke and forgets the grant.
	Aside(ctx context.Context, id ID, commit string) (bank string, s token.Sealed, err error)
	Told(ctx context.Context, t Task, outcome token.Revocation, at time.Time) error

	// Newest says which generation of a grant is stored, when the bank
	// issued it and when its access token expires, or returns [token.ErrNoGrant].
	Newest(ctx context.Context, id ID) (Newest, error)

	TaskStore

	// RecordErasure keeps the proof that a customer was erased.
	RecordErasure(ctx context.Context, customer []byte, e Erasure) error

	// Note adds a line to the timeline of a consent that exists.
	Note(ctx context.Context, id ID, e Entry) error

	// Timeline reads the newest entries, oldest first, at most limit.
	Timeline(ctx context.Context, id ID, limit int) ([]Entry, error)

	// HandOuts reads the newest records of one partition, newest first, and
	// Uses how often a consent's token was handed out, by day (2026-11-21,
	// UTC).
	HandOuts(ctx context.Context, partition string, limit int) ([]HandOutRecord, error)
	Uses(ctx context.Context, id ID) (map[string]int64, error)

	// HandOutLog reads the records of one partition in order, at most limit:
	// from the first one kept, or behind the place that a page before named.
	HandOutLog(ctx context.Context, p Partition, place string, limit int) (HandOutPage, error)

	// ByCustomer and ByPerson find consents by keyed index, newest first.
	ByCustomer(ctx context.Context, index []byte) ([]ID, error)
	ByPerson(ctx context.Context, index []byte) ([]ID, error)

	// Held returns the places after after, newest first and at most limit, of
	// the consents that any of the indexes finds, and whether there are more.
	Held(ctx context.Context, h Holder, after Place, limit int) (places []Place, more bool, err error)

	Books

	FlowStore
	OnceStore
	EventStore
	AuditStore
}

// EventStore keeps what apps were told, for those that ask: of each app the
// last [EventsMost], for [EventsKept].
type EventStore interface {
	// LogEvent appends an event to an app's log, unless one with its ID is
	// there.
	LogEvent(ctx context.Context, app string, e LoggedEvent, at time.Time) error

	// DropEvents takes what was logged before a moment out of an app's log.
	DropEvents(ctx context.Context, app string, before time.Time) error

	// Events reads what follows a position, at most limit, in the order in
	// which it was appended. A position is the Next of an earlier page, or
	// empty for the oldest that is kept. It returns [ErrEventsGone] when some
	// of what follows the position was dropped, and for a position that the
	// log has not come to.
	Events(ctx context.Context, app, after string, limit int) (EventPage, error)
}

// OnceStore keeps what idempotency keys stand for. A key belongs to an app;
// boxes are sealed, and gone after until at the latest.
type OnceStore interface {
	// Reserve puts down a box under a key, unless there is one. It returns
	// the box that stands there now, and whether Made was said of it.
	Reserve(ctx context.Context, app, key string, box []byte, until time.Time) (stands []byte, made bool, err error)

	// Made puts down that what the box describes is stored. A key that is
	// gone stays gone.
	Made(ctx context.Context, app, key string) error
}

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

// Partition is a part of the store, whose tasks are claimed in one step.
type Partition int

// TaskStore keeps what is to be done when, and what came of it.
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

	// InTurn says whether a claimed delivery is the first of its consent in
	// its channel, in the order in which they were scheduled. If it is not, it
	// is given back: due as soon as the one ahead of it is finished, at the
	// latest at again or when that one is due, whichever is later.
	InTurn(ctx context.Context, t Task, again time.Time) (Turn, error)

	// Tried counts a failed attempt at a task, and says how many there were
	// and when the first was.
	Tried(ctx context.Context, t Task, at time.Time) (tries int, since time.Time, err error)

	// Delivered finishes a delivery: in the timeline, in the list of what
	// was not delivered, and in the due set.
	Delivered(ctx context.Context, t Task, d Delivery) error

	// Undelivered lists what was not delivered, of consents that are still
	// there, newest first, at most limit,
	// and Redeliver makes one of it due again.
	Undelivered(ctx context.Context, limit int) ([]Task, error)
	Redeliver(ctx context.Context, t Task, at time.Time) error

	// Spend takes one of a bank's calls of this minute; false when there are
	// none left.
	Spend(ctx context.Context, bank string, now time.Time, perMinute int) (bool, error)

	// Believe forgets a refused grant for good, and does the work, unless the
	// consent is no longer ended by its bank.
	Believe(ctx context.Context, id ID, work Work) error

	// Restore makes a consent valid again with the grant that its bank
	// refused, or returns [token.ErrNoGrant]: something happened to it since,
	// or the grant is no longer kept. What is told becomes due as well where
	// the app heard of the end: by HandOut, or as Heard says.
	Restore(ctx context.Context, id ID, at time.Time, work Work, told ...Task) error
	Heard(ctx context.Context, id ID) error

	IncidentStore
}

// IncidentStore keeps what is known of banks that refuse many grants at once.
type IncidentStore interface {
	// Incident reports whether a bank has refused so many grants that none
	// of its refusals is believed.
	Incident(ctx context.Context, bank string, now time.Time) (bool, error)

	// Incidents reads the newest incident of each bank that had one within a
	// week.
	Incidents(ctx context.Context, banks []string) ([]Incident, error)

	// LiftIncident ends a bank's incident, and has its refusals believed at
	// least until a moment; [ErrNotFound] when there is none.
	LiftIncident(ctx context.Context, bank string, at, believed time.Time) error
}

// End is a consent ended on somebody's wish.
type End struct {
	Status   Status // RevokedByPsu or TerminatedByTpp
	Cause    Cause
	At       time.Time
	ForgetBy time.Time // when the grant is forgotten even if the bank was never told
	Work     Work
}

// Warned are thresholds of which a customer is about to be told.
type Warned struct {
	Term   int64
	Days   []int
	Spoken int // the threshold that another consent's mail spoke for; 0: none
	Work   Work
}

// Newest is a stored grant, without its secrets.
type Newest struct {
	Generation int64
	IssuedAt   time.Time
	ExpiresAt  time.Time // of the access token
}

// Turn says whether the turn of a delivery has come.
type Turn struct {
	Come  bool
	Ahead *Task // what must be told first, due when it is next looked at; nil when the claim is over
}

// Delivery is what came of a message.
type Delivery struct {
	Outcome DeliveryOutcome
	Detail  string
	At      time.Time
}

// DeliveryOutcome says whether a message was delivered.
type DeliveryOutcome string

// The outcomes of a delivery.
const (
	DeliverySent     DeliveryOutcome = "sent"
	DeliverySilenced DeliveryOutcome = "silenced" // no longer so when it was to be told
	DeliveryFailed   DeliveryOutcome = "undelivered"
)

// FlowStore keeps what a browser needs on its way: links and authorizations.
// Keys are hashes of secrets, boxes are sealed, and both are gone after
// until at the latest.
type FlowStore interface {
	PutLink(ctx context.Context, key string, box []byte, until time.Time) error

	// Link reads a link without using it, or returns [ErrLinkGone].
	Link(ctx context.Context, key string) ([]byte, error)

	// UseLink binds a link to the first browser that uses it. Another
	// browser gets [ErrLinkUsed].
	UseLink(ctx context.Context, key, browser string) ([]byte, error)

	PutFlow(ctx context.Context, key string, box []byte, until time.Time) error

	// Flow reads an authorization, or returns [ErrFlowGone].
	Flow(ctx context.Context, key string) (FlowRecord, error)

	// TakeFlow takes an authorization for one taker, who may repeat the
	// call, or returns [ErrFlowTaken].
	TakeFlow(ctx context.Context, key, taker string) error

	// PutResult keeps what came of a taken authorization until until.
	PutResult(ctx context.Context, key string, box []byte, until time.Time) error
}

// FlowRecord is an authorization at rest.
type FlowRecord struct {
	Box    []byte
	Taken  bool
	Result []byte // sealed; nil before there is one
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

// Entry is one line of a consent's timeline.
type Entry struct {
	At     time.Time
	Actor  Actor
	Event  string // requested, authorizing, granted, renewed, confirmed, rejected, refreshed, ended, …
	Detail string // a short code; never a secret or personal data

	// Of the call that caused it, see [Origin]; [Store.Note] takes what is
	// empty from the context.
	RequestID, Staff, Reason string
}
