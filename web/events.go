package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/consentd/consentd/consent"
)

// The bounds of a page of events, and of the seconds that an app may wait.
const (
	mostEvents  = 100
	someEvents  = 50
	longestWait = 20
)

// eventsView is a page of an app's events.
type eventsView struct {
	Events     []json.RawMessage `json:"events"`
	NextCursor string            `json:"next_cursor"`
}

// events answers GET /v1/events.
func (s *server) events(c *call, app consent.App) error {
	q, err := c.parameters("after", "limit", "wait")
	if err != nil {
		return err
	}
	var wrong consent.Invalid
	limit := within(&wrong, q, "limit", 1, mostEvents, someEvents)
	wait := within(&wrong, q, "wait", 0, longestWait, 0)
	if q.Has("after") && q.Get("after") == "" {
		note(&wrong, "after", "must not be empty: leave it out to begin with the oldest event")
	}
	if len(wrong.Fields) > 0 {
		return &wrong
	}
	page, err := s.service.AwaitEvents(c.Request().Context(), app, q.Get("after"), limit, time.Duration(wait)*time.Second)
	if err != nil {
		return err
	}
	view := eventsView{Events: []json.RawMessage{}, NextCursor: page.Next}
	for _, e := range page.Events {
		view.Events = append(view.Events, e.Payload)
	}
	return c.writeJSON(http.StatusOK, view)
}

// parameters reads the query strictly: each of these names at most once, and
// no other.
func (c *call) parameters(names ...string) (url.Values, error) {
	q, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, &consent.Invalid{Fields: []consent.Field{{Pointer: "", Detail: "the query cannot be read"}}}
	}
	var wrong consent.Invalid
	for name, values := range q {
		switch {
		case !slices.Contains(names, name):
			note(&wrong, escapePointer(name), "is not a parameter that this call knows")
		case len(values) > 1:
			note(&wrong, name, "is there twice")
		}
	}
	if len(wrong.Fields) > 0 {
		return nil, &wrong
	}
	return q, nil
}

// within reads a whole number from least to most.
func within(wrong *consent.Invalid, q url.Values, name string, least, most, otherwise int) int {
	if !q.Has(name) {
		return otherwise
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < least || n > most || strconv.Itoa(n) != q.Get(name) {
		note(wrong, name, "must be a whole number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
	}
	return n
}
