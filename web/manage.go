package web

import (
	"errors"
	"strings"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// The pages behind the link of a mail live below /m/{link}/, with a slash at
// the end: so they refer to each other by "renew" and "stop", and the link
// itself stands in no page's source.

// managePage is what a customer sees who follows the link of a mail.
type managePage struct {
	App, Bank  string
	State      string // "valid", "renewed", "expired", "refused", "stopped" or "none"
	By         string // with "stopped": who did
	May        []string
	Until      string // last day of the access; with "expired", the day it was
	Ended      string // with "refused" and "stopped": the day of it
	Left       bar
	Again      bool   // connecting again is possible
	Use        string // what it was good for: consent.UsePayments or UseAccount
	Told       string // with "stopped": what the bank has said of it, or "wait"
	OnlineBank bool
	ToApp      string // address of the app, where it is the next step
	More       bool   // by a mail: the link is good for looking at the app's others

	All     bool          // in My access: the page of all is above this one
	History []historyLine // likewise
}

// errMailLinkGone: the link of a mail that leads nowhere any more. It lives
// much longer than other links, so that it has words of its own.
var errMailLinkGone = errors.New("web: the link of a mail leads nowhere")

// longestMailLink is far above what the domain makes.
const longestMailLink = 1024

func mailLinkOf(c *call) (token.Secret, error) {
	link := c.Param("link")
	if link == "" || len(link) > longestMailLink || strings.ContainsFunc(link, func(r rune) bool { return !isWord(r) }) {
		return "", errMailLinkGone
	}
	return token.Secret(link), nil
}

// behindLink reads what a mail's link leads to, and changes nothing.
func (s *server) behindLink(c *call) (token.Secret, consent.Manage, error) {
	link, err := mailLinkOf(c)
	if err != nil {
		return "", consent.Manage{}, err
	}
	m, err := s.service.Manage(c.Request().Context(), link)
	if errors.Is(err, consent.ErrLinkGone) {
		err = errMailLinkGone
	}
	return link, m, err
}

// toManage answers GET /m/{link}, and everything after which the page of the
// access is what to show.
func (s *server) toManage(c *call) error {
	link, err := mailLinkOf(c)
	if err != nil {
		return err
	}
	return c.away("/m/" + link.Reveal() + "/")
}

// manage answers GET /m/{link}/.
func (s *server) manage(c *call) error {
	_, m, err := s.behindLink(c)
	if err != nil {
		return err
	}
	p := s.managePage(s.aboutOne(c, m.App, m.Consent).texts, m)
	p.More = m.OpensAccess(s.service.Now())
	return s.show(c, "manage", p)
}

func (s *server) managePage(x texts, m consent.Manage) managePage {
	now, c := s.service.Now(), m.Consent
	p := managePage{
		App: m.App.Name, Bank: m.Bank.Name, State: "none", OnlineBank: m.Bank.OnlineBank,
		Again: c.Renewable() && !m.Used, ToApp: home(m.App), Use: c.Use(),
	}
	switch c.StatusAt(now) {
	case consent.Valid:
		p.State, p.Until, p.Left, p.May = "valid", x.lastDay(c.EndsAt, m.Bank), barOf(c, now), x.may(m.Bank, c.Granted)
		if m.Used {
			p.State = "renewed"
		}
	case consent.Expired:
		p.State, p.Until = "expired", x.lastDay(c.EndsAt, m.Bank)
	case consent.TerminatedByAspsp:
		p.State, p.Ended = "refused", x.Day(c.EndedAt, m.Bank.Clock.Zone)
	case consent.RevokedByPsu, consent.TerminatedByTpp:
		p.State, p.Ended, p.By, p.Told = "stopped", x.Day(c.EndedAt, m.Bank.Clock.Zone), string(c.Cause.Actor.Known()), toldOf(c)
	}
	return p
}

// toldOf is how telling the bank stands; empty when there was nothing to tell.
func toldOf(c consent.Consent) string {
	if c.TellingBank {
		return "wait"
	}
	return string(c.BankTold)
}

// renewFromMail answers POST /m/{link}/renew. A link that is good for looking
// only leads back to the page that says why.
func (s *server) renewFromMail(c *call) error {
	link, err := mailLinkOf(c)
	if err != nil {
		return err
	}
	fresh, err := s.service.RenewByCustomer(c.Request().Context(), link)
	if errors.Is(err, consent.ErrLinkGone) {
		return s.toManage(c)
	}
	if err != nil {
		return err
	}
	return c.away("/c/" + fresh.Secret.Reveal())
}

// askToStop answers GET /m/{link}/stop: the consequence first.
func (s *server) askToStop(c *call) error {
	_, m, err := s.behindLink(c)
	if err != nil {
		return err
	}
	if m.Used || m.Consent.StatusAt(s.service.Now()) != consent.Valid {
		return s.toManage(c)
	}
	return s.show(c, "stop", s.managePage(s.aboutOne(c, m.App, m.Consent).texts, m))
}

// stopFromMail answers POST /m/{link}/stop. A link that a renewal used up
// stops nothing; what has ended already stays as it is, so that a bank's refusal is not made a customer's wish.
func (s *server) stopFromMail(c *call) error {
	link, m, err := s.behindLink(c)
	if err != nil {
		return err
	}
	if !m.Used && m.Consent.StatusAt(s.service.Now()) == consent.Valid {
		_, err := s.service.StopByCustomer(c.Request().Context(), link)
		if err != nil && !errors.Is(err, consent.ErrLinkGone) { // gone: renewed this very moment
			return err
		}
	}
	return s.toManage(c)
}
