package redisstore

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

func eventsKey(app string) string   { return "{e:" + app + "}:events" }
func eventIDsKey(app string) string { return "{e:" + app + "}:ids" }
func eventKeys(app string) []string {
	return []string{eventsKey(app), eventIDsKey(app), lastEventKey(app)}
}

func lastEventKey(app string) string { return "{e:" + app + "}:last" }

// LogEvent implements [consent.EventStore].
func (s *Store) LogEvent(ctx context.Context, app string, e consent.LoggedEvent, at time.Time) error {
	return s.verdict(ctx, "logevent", nil, eventKeys(app), e.ID, e.Payload, millis(at), consent.EventsMost,
		millis(at.Add(-consent.EventsKept)), millis(at.Add(consent.EventsKept)))
}

// DropEvents implements [consent.EventStore].
func (s *Store) DropEvents(ctx context.Context, app string, before time.Time) error {
	return s.verdict(ctx, "dropevents", nil, eventKeys(app), millis(before))
}

// beginning is the position before every event.
const beginning = "0-0"

// Events implements [consent.EventStore]. What the log begins with is read
// after the events, so that nothing is cut off unnoticed in between.
func (s *Store) Events(ctx context.Context, app, after string, limit int) (consent.EventPage, error) {
	from := cmp.Or(after, beginning)
	pipe := s.c.Client.Pipeline()
	newest := pipe.Get(ctx, lastEventKey(app))
	following := pipe.XRangeN(ctx, eventsKey(app), "("+from, "+", int64(limit))
	first := pipe.XRangeN(ctx, eventsKey(app), "-", "+", 1)
	last := pipe.XRevRangeN(ctx, eventsKey(app), "+", "-", 1)
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return consent.EventPage{}, unavailable("events", err)
	}
	if err := errors.Join(following.Err(), first.Err(), last.Err()); err != nil {
		return consent.EventPage{}, unavailable("events", err)
	}
	if after != "" && gone(after, newest.Val(), first.Val(), last.Val()) {
		return consent.EventPage{}, consent.ErrEventsGone
	}
	page := consent.EventPage{Next: cmp.Or(after, newest.Val(), beginning)}
	for _, l := range following.Val() {
		page.Events = append(page.Events, consent.LoggedEvent{ID: text(l, "id"), Payload: []byte(text(l, "payload"))})
		page.Next = l.ID
	}
	return page, nil
}

// gone reports whether a position lies before what is kept, or after all that
// there is: then the log has lost its end. Of a log of which nothing is left it
// is known which entry was the newest.
func gone(after, newest string, first, last []redis.XMessage) bool {
	if len(last) == 0 || len(first) == 0 {
		return after != cmp.Or(newest, beginning)
	}
	return earlier(after, text(first[0], "before")) || earlier(last[0].ID, after)
}

// earlier compares the ids of two entries.
func earlier(a, b string) bool {
	aMillis, aNumber := entryID(a)
	bMillis, bNumber := entryID(b)
	return aMillis < bMillis || aMillis == bMillis && aNumber < bNumber
}

func entryID(id string) (at, number uint64) {
	left, right, _ := strings.Cut(id, "-")
	at, _ = strconv.ParseUint(left, 10, 64)
	number, _ = strconv.ParseUint(right, 10, 64)
	return at, number
}
