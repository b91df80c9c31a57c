package staff

import (
	"cmp"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
)

// mostUndelivered is how many messages that were given up the desk lists.
const mostUndelivered = 200

// deskPage is what is wrong now.
type deskPage struct {
	Incidents []incident
	Mails     []undelivered
	Events    []undelivered // webhooks
}

// incident is a bank's, with the consents that it left as they were.
type incident struct {
	consent.Incident
	Lasts bool
	Held  []consent.ID
	More  int // held ones that are not listed
}

// mostHeld is how many consents the desk lists for an incident.
const mostHeld = 20

// undelivered is a message that was given up.
type undelivered struct {
	ID    consent.ID
	Name  string // of the notice; says which one to send again
	About string
	Since time.Time
}

// undeliveredList is a list of them, with the button for those who may.
type undeliveredList struct {
	Lines         []undelivered
	Allowed       bool
	Action, Label string
}

func (s *server) incidents(c *call) error {
	ctx := c.Request().Context()
	var p deskPage
	all, err := s.desk.Incidents(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		listed := i.Doubted[:min(len(i.Doubted), mostHeld)]
		p.Incidents = append(p.Incidents, incident{Incident: i, Lasts: i.On(s.desk.Now()), Held: listed, More: len(i.Doubted) - len(listed)})
	}
	given, err := s.desk.Undelivered(ctx, mostUndelivered)
	if err != nil {
		return err
	}
	for _, u := range given {
		m := message{event: u.Notice.Event}
		line := undelivered{ID: u.ID, Name: u.Notice.String(), About: m.about(), Since: u.Since}
		if u.Notice.Channel == consent.ChannelWebhook {
			p.Events = append(p.Events, line)
		} else {
			p.Mails = append(p.Mails, line)
		}
	}
	return s.show(c, http.StatusOK, "desk", p)
}

// lift ends a bank's incident: its refusals are believed again.
func (s *server) lift(c *call) error {
	bank := c.FormValue("bank")
	if _, ok := s.desk.Bank(bank); !ok {
		return consent.ErrNotFound
	}
	if err := s.desk.LiftIncident(c.Request().Context(), c.session.Staff, bank, reasonIn(c)); err != nil {
		return err
	}
	c.session.Told = "The incident is over: what " + s.bankName(bank) + " refuses is believed again."
	return s.away(c, "/desk")
}

func (s *server) resendMail(c *call) error { return s.resend(c, consent.ChannelMail) }

func (s *server) replayEvent(c *call) error { return s.resend(c, consent.ChannelWebhook) }

// resend makes one message of a channel due again that was given up.
func (s *server) resend(c *call, channel string) error {
	ctx := c.Request().Context()
	given, err := s.desk.Undelivered(ctx, mostUndelivered)
	if err != nil {
		return err
	}
	for _, u := range given {
		if string(u.ID) != c.FormValue("consent") || u.Notice.String() != c.FormValue("message") || u.Notice.Channel != channel {
			continue
		}
		if err := s.desk.Resend(ctx, c.session.Staff, u, cmp.Or(reasonIn(c), "send-again")); err != nil {
			return err
		}
		c.session.Told = "It will be tried again at once, unless what it tells is no longer so."
		return s.away(c, "/desk")
	}
	return consent.ErrNotFound
}
