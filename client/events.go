package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// EventType is what happened to a consent.
type EventType string

// The types. There may be more: take each as a reason to read the consent.
const (
	Granted      EventType = "consent.granted"
	Renewed      EventType = "consent.renewed"
	Expiring     EventType = "consent.expiring" // a warning
	HasExpired   EventType = "consent.expired"
	Revoked      EventType = "consent.revoked"
	NeedsRenewal EventType = "consent.needs_renewal"
	WasRejected  EventType = "consent.rejected"
	Recovered    EventType = "consent.recovered" // the bank had refused it, and the customer has connected again, or the bank was not believed
)

// Event is something that happened to a consent of yours. It may come twice,
// with the same ID.
type Event struct {
	ID        string    `json:"id"`
	Type      EventType `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      EventData `json:"data"`
}

// EventData is the consent as it was when the event was sent.
type EventData struct {
	ConsentID   string    `json:"consent_id"`
	Status      Status    `json:"status"`
	Bank        string    `json:"bank"`
	EndsAt      time.Time `json:"ends_at"`
	DaysLeft    int       `json:"days_left"`
	Cause       *Cause    `json:"cause"`
	WarningDays int       `json:"warning_days"` // which warning, with Expiring; 0: it is about NeededUntil
	NeededUntil time.Time `json:"needed_until"` // that you said you need it, where that is beyond its end
}

// EventPage is a piece of the log of events.
type EventPage struct {
	Events []Event `json:"events"`
	Next   string  `json:"next_cursor"` // where to go on; keep it once the events are dealt with
}

// longestPoll is how long consentd keeps a question for events open.
const longestPoll = 20 * time.Second

// Events reads the events after a cursor; "" is the oldest that is kept. With
// wait, up to 20 s, an answer without events comes only after that time.
func (c *Client) Events(ctx context.Context, after string, wait time.Duration) (EventPage, error) {
	q := make(url.Values)
	if after != "" {
		q.Set("after", after)
	}
	if s := int(min(wait, longestPoll) / time.Second); s > 0 {
		q.Set("wait", positive(s))
	}
	var page EventPage
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v1/events", query: q, repeat: true}, &page)
	return page, err
}

// Distances between tries while consentd cannot be reached.
const (
	firstRest   = time.Second
	longestRest = time.Minute
)

// Follow gives the events after a cursor, page by page, and then waits for
// more, until ctx ends or the loop is left. Deal with a page, then keep its
// Next, and begin there after a restart: so no event is missed.
//
// Errors are given too. After an outage or a rate limit the loop may go on:
// the next try follows after a rest. Any other error is the last; after
// [ErrEventsGone] list what has changed since, and follow from "" again.
func (c *Client) Follow(ctx context.Context, after string) iter.Seq2[EventPage, error] {
	return func(yield func(EventPage, error) bool) {
		rest := firstRest
		for ctx.Err() == nil {
			page, err := c.Events(ctx, after, longestPoll)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				if !yield(EventPage{}, err) || !passes(err) || !pause(ctx, max(rest, afterwards(err))) {
					return
				}
				rest = min(2*rest, longestRest)
				continue
			}
			rest, after = firstRest, page.Next
			if len(page.Events) > 0 && !yield(page, nil) {
				return
			}
		}
	}
}

// passes reports whether waiting mends a failure.
func passes(err error) bool { return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrRateLimited) }

func afterwards(err error) time.Duration {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.RetryAfter
	}
	return 0
}
