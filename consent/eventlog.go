package consent

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"time"
)

// LoggedEvent is an event as it stands in its app's log.
type LoggedEvent struct {
	ID      string // that of the webhook which tells the same
	Payload []byte // JSON
}

// EventPage is a part of an app's log, oldest first.
type EventPage struct {
	Events []LoggedEvent
	Next   string // where the next page begins; never empty
}

// How long and how many events an app's log keeps.
const (
	EventsKept = 30 * day
	EventsMost = 100_000
)

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

// awaitEach is how often a log is looked at on behalf of somebody who waits.
const awaitEach = time.Second

// Events reads what an app was told after a cursor, which is the Next of an
// earlier page, or empty for the oldest that is kept. It returns
// [ErrEventsGone] when some of what follows the cursor is no longer kept.
func (s *Service) Events(ctx context.Context, app App, after string, limit int) (EventPage, error) {
	position, err := s.position(app, after)
	if err != nil {
		return EventPage{}, err
	}
	page, err := s.c.Store.Events(ctx, app.ID, position, limit)
	if err != nil {
		return EventPage{}, err
	}
	page.Next, err = s.cursor(app, page.Next)
	return page, err
}

// AwaitEvents is Events for somebody who waits for the first one, at most for
// wait. It looks once a second: a read that blocks in the store would need a
// connection of its own for each who waits, with time-outs and deadlines
// switched off, and would not notice that the store has moved.
func (s *Service) AwaitEvents(ctx context.Context, app App, after string, limit int, wait time.Duration) (EventPage, error) {
	over := time.NewTimer(wait)
	defer over.Stop()
	each := time.NewTicker(awaitEach)
	defer each.Stop()
	for {
		page, err := s.Events(ctx, app, after, limit)
		if err != nil || len(page.Events) > 0 || wait <= 0 {
			return page, err
		}
		select {
		case <-each.C:
		case <-over.C:
			return page, nil
		case <-s.waiting.Done():
			return page, nil
		case <-ctx.Done():
			return page, nil
		}
	}
}

// DropEvents drops what apps were told longer than [EventsKept] ago. Logging
// drops it as well, where an app is told something; of others it would stay.
func (s *Service) DropEvents(ctx context.Context) error {
	var errs []error
	for _, app := range s.c.Apps {
		errs = append(errs, s.c.Store.DropEvents(ctx, app.ID, s.c.Now().UTC().Add(-EventsKept)))
	}
	return errors.Join(errs...)
}

// EndWaits answers those who wait for events, from here on: the process is
// about to stop.
func (s *Service) EndWaits() { s.endWaits() }

// tagBytes is how much of a keyed index a cursor carries.
const tagBytes = 6

// cursor is a position in an app's log as the app gets it: nobody can make
// one up, and another app's does not fit.
func (s *Service) cursor(app App, position string) (string, error) {
	tag, err := s.c.Keys.Index("event cursor", app.ID, position)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(tag[:tagBytes], position...)), nil
}

func (s *Service) position(app App, cursor string) (string, error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= tagBytes {
		return "", errCursor
	}
	tag, err := s.c.Keys.Index("event cursor", app.ID, string(raw[tagBytes:]))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(tag[:tagBytes], raw[:tagBytes]) {
		return "", errCursor
	}
	return string(raw[tagBytes:]), nil
}

var errCursor = &Invalid{Fields: []Field{{Pointer: "/after", Detail: "is no next_cursor of this app"}}}
