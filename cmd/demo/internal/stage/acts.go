package stage

import (
	"fmt"
	"net/http"
	"time"

	"github.com/consentd/consentd/cmd/demo/internal/pages"
	"github.com/consentd/consentd/sandbox"
)

// act is something that a visitor may do.
type act struct {
	pages.Act
	do   func(s *Stage)
	told string
}

const (
	month   = 30 * 24 * time.Hour
	restFor = 5 * time.Second // what a disturbed bank asks for
)

func (s *Stage) list() []act {
	ttl := s.accessTTL
	return []act{
		{pages.Act{ID: "token", Label: "End the access token", Why: fmt.Sprintf("Lets %s pass. The next payment makes consentd refresh it.", spoken(ttl))},
			func(s *Stage) { s.Pass(ttl) }, fmt.Sprintf("let %s pass. The access token has ended.", spoken(ttl))},
		{pages.Act{ID: "month", Label: "Let 30 days pass", Why: "Three times, and the customer’s permission has ended too."},
			func(s *Stage) { s.Pass(month) }, "let 30 days pass."},
		{pages.Act{ID: "refresh", Label: "Disturb the bank’s next refresh", Why: "Ends the access token as well. An outage must not look like “no permission”."},
			func(s *Stage) {
				s.Pass(ttl)
				s.fail(sandbox.EndpointToken)
			}, "ended the access token and disturbed the bank’s next refresh."},
		{pages.Act{ID: "payment", Label: "Disturb the bank’s next payment", Why: "Fika Pay tries again with the same request id, so that nothing is paid twice."},
			func(s *Stage) { s.fail(sandbox.EndpointPayments) }, "disturbed the bank’s next payment."},
	}
}

func (s *Stage) acts() []pages.Act {
	var all []pages.Act
	for _, a := range s.list() {
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
	for _, a := range s.list() {
		if a.ID == r.PathValue("act") {
			a.do(s)
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
