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

	RecordStore
	FlowStore
	GrantingStore
	EndingStore
	WarningStore
	HandOutStore
	IncidentStore
	TaskStore
	DeliveryStore
	EventStore
	OnceStore
	AuditStore
	Books
}

// RecordStore keeps the records of consents, and what happened to each.
type RecordStore interface {
	// Create stores a consent that was asked for, findable by the
	// customer's keyed index. It returns [ErrNotFound] for one that was purged
	// within [GoneFor].
	Create(ctx context.Context, c Consent, customer []byte, work Work) error

	// Consent reads a record, or returns [ErrNotFound]. Consents reads
	// several in one round trip and leaves out what is not there.
	Consent(ctx context.Context, id ID) (Consent, error)
	Consents(ctx context.Context, ids []ID) ([]Consent, error)

	// ByCustomer and ByPerson find consents by keyed index, newest first.
	ByCustomer(ctx context.Context, index []byte) ([]ID, error)
	ByPerson(ctx context.Context, index []byte) ([]ID, error)

	// Held returns the places after after, newest first and at most limit, of
	// the consents that any of the indexes finds, and whether there are more.
	Held(ctx context.Context, h Holder, after Place, limit int) (places []Place, more bool, err error)

	// Note adds a line to the timeline of a consent that exists.
	Note(ctx context.Context, id ID, e Entry) error

	// Timeline reads the newest entries, oldest first, at most limit.
	Timeline(ctx context.Context, id ID, limit int) ([]Entry, error)
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
