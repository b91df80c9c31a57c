package stage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/consentd/consentd/cmd/demo/internal/pages"
	"github.com/consentd/consentd/sandbox"
)

// act is something that a visitor may do.
type act struct {
	pages.Act
	do   func(s *Stage, ctx context.Context) error
	told string
}

const restFor = 5 * time.Second // what a disturbed bank asks for

// clocks move the clock by days.
var clocks = []act{
	{pages.Act{ID: "day", Label: "+1 day"}, days(1), "let a day pass."},
	{pages.Act{ID: "week", Label: "+7 days"}, days(7), "let 7 days pass."},
	{pages.Act{ID: "month", Label: "+30 days"}, days(30), "let 30 days pass."},
	{pages.Act{ID: "eve", Label: "To the day before the end"}, (*Stage).JumpToEve, "let time pass until the day before the end."},
}

func days(n time.Duration) func(*Stage, context.Context) error {
	return func(s *Stage, ctx context.Context) error { return s.Jump(ctx, n*day) }
}

func (s *Stage) list() []act {
	ttl := s.accessTTL
	return []act{
		{pages.Act{ID: "token", Label: "End the access token", Why: fmt.Sprintf("Lets %s pass. The next payment makes consentd refresh it.", spoken(ttl))},
			func(s *Stage, ctx context.Context) error { return s.Jump(ctx, ttl) }, fmt.Sprintf("let %s pass. The access token has ended.", spoken(ttl))},
		{pages.Act{ID: "refresh", Label: "Disturb the bank’s next refresh", Why: "Ends the access token as well. An outage must not look like “no permission”."},
			func(s *Stage, ctx context.Context) error {
				err := s.Jump(ctx, ttl)
				s.fail(sandbox.EndpointToken)
				return err
			}, "ended the access token and disturbed the bank’s next refresh."},
		{pages.Act{ID: "payment", Label: "Disturb the bank’s next payment", Why: "Fika Pay tries again with the same request id, so that nothing is paid twice."},
			func(s *Stage, _ context.Context) error { s.fail(sandbox.EndpointPayments); return nil }, "disturbed the bank’s next payment."},
		{pages.Act{ID: "mail", Label: "Let the next mail bounce", Why: "There is no such mailbox. The support desk says so, and what to do."},
			func(s *Stage, _ context.Context) error { s.BounceNext(); return nil }, "let the next mail bounce."},
	}
}

func buttons(acts []act) []pages.Act {
	var all []pages.Act
	for _, a := range acts {
		all = append(all, a.Act)
	}
	return all
}

func (s *Stage) fail(e sandbox.Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bank.Fail(e, 0, sandbox.Fault{}) // not several in a row: one is enough to see
	s.bank.Fail(e, 1, sandbox.Fault{Status: http.StatusServiceUnavailable, RetryAfter: restFor})
}

// Act serves the visitor's buttons.
func (s *Stage) Act(w http.ResponseWriter, r *http.Request) {
	for _, a := range slices.Concat(clocks, s.list()) {
		if a.ID != r.PathValue("act") {
			continue
		}
		switch err := a.do(s, context.WithoutCancel(r.Context())); {
		case errors.Is(err, errNothingEnds):
			s.Tell("You", "wanted to go to the day before the end, but no permission ends later than in a day.")
		case err != nil:
			s.Tell("consentd", "could not do what was due: "+err.Error())
		default:
			s.Tell("You", a.told)
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// spoken is a duration in words where it is a whole number of minutes.
func spoken(d time.Duration) string {
	if d == time.Minute {
		return "a minute"
	}
	if d > 0 && d%time.Minute == 0 {
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return d.String()
}
