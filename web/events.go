package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
)

// The bounds of a page of events, and of the seconds that an app may wait.
const (
	mostEvents  = 100
	someEvents  = 50
	longestWait = 20
)

// eventsView is a page of an app's events: a contract.EventPage whose events
// are as they were written down.
type eventsView struct {
	Events     []json.RawMessage `json:"events"`
	NextCursor string            `json:"next_cursor"`
}

// events answers GET /v1/events.
func (s *server) events(c *call, app consent.App) error {
	var after string
	limit, wait := int64(someEvents), int64(0)
	if err := c.readQuery(parameters{"after": &after, "limit": &limit, "wait": &wait}); err != nil {
		return err
	}
	var wrong consent.Invalid
	within(&wrong, "?limit", limit, 1, mostEvents)
	within(&wrong, "?wait", wait, 0, longestWait)
	if len(wrong.Fields) > 0 {
		return &wrong
	}
	page, err := s.service.AwaitEvents(c.Request().Context(), app, after, int(limit), time.Duration(wait)*time.Second)
	if err != nil {
		return inQuery(err)
	}
	view := eventsView{Events: []json.RawMessage{}, NextCursor: page.Next}
	for _, e := range page.Events {
		view.Events = append(view.Events, e.Payload)
	}
	return c.writeJSON(http.StatusOK, view)
}

func within(wrong *consent.Invalid, where string, n, least, most int64) {
	if n < least || n > most {
		note(wrong, where, fmt.Sprintf("must be a whole number from %d to %d", least, most))
	}
}
