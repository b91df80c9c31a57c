package web

import (
	"github.com/consentd/consentd/consent"
)

// resultPage is what a customer sees after coming back from the bank.
type resultPage struct {
	App, Bank  string
	Ending     consent.Ending
	Good       bool     // access was given
	CanRetry   bool     // trying again is the next step
	Missing    []string // what was left out, as sentences
	Until      string   // last day of the access; empty when there is none
	Left       bar
	StillWorks bool // access from before goes on
	OnlineBank bool
	Self       string // path of this page
}

// result answers GET /back/{ref}, any number of times.
func (s *server) result(c *call) error {
	r, err := s.resultOf(c)
	if err != nil {
		return err
	}
	if r.SignIn {
		return s.signedIn(c, r)
	}
	return s.show(c, "result", s.resultPage(c, s.aboutOne(c, r.App, r.Consent).texts, r))
}

func (s *server) resultOf(c *call) (consent.Result, error) {
	ref := c.Param("ref")
	if !isSecret(ref) {
		return consent.Result{}, consent.ErrFlowGone
	}
	return s.service.Result(c.Request().Context(), ref, s.browser(c))
}

func (s *server) resultPage(c *call, x texts, r consent.Result) resultPage {
	now := s.service.Now()
	p := resultPage{
		App: r.App.Name, Bank: r.Bank.Name, Ending: r.Ending, Missing: x.may(r.Bank, r.Missing),
		OnlineBank: r.Bank.OnlineBank, Self: "/back/" + c.Param("ref"),
	}
	switch r.Ending {
	case consent.EndConnected, consent.EndRenewed, consent.EndUnconfirmed:
		p.Good = true
	case consent.EndCancelled, consent.EndLeftOut, consent.EndWrongPerson, consent.EndNoIdentity,
		consent.EndCompany, consent.EndBankDown, consent.EndFailed:
		p.CanRetry = r.Consent.Renewable()
	}
	if r.Ending == consent.EndUnconfirmed {
		days := wholeDays(now, r.Consent.EndsAt)
		p.Until, p.Left = x.lastDay(r.Consent.EndsAt, r.Bank), bar{Days: days, Of: max(days, wholeDays(r.Consent.AuthorizedAt, r.Consent.EndsAt))}
	}
	if r.Consent.StatusAt(now) == consent.Valid {
		p.StillWorks = !p.Good
		p.Until, p.Left = x.lastDay(r.Consent.EndsAt, r.Bank), barOf(r.Consent, now)
	}
	return p
}

// toApp answers GET /back/{ref}/return: on to the app.
func (s *server) toApp(c *call) error {
	r, err := s.resultOf(c)
	if err != nil {
		return err
	}
	if r.SignIn {
		return c.away("/access")
	}
	return s.leave(c, r.ReturnURL, r.Consent.ID, r.Ending, r.Code)
}

// retry answers POST /back/{ref}/retry: the customer's "Try again".
func (s *server) retry(c *call) error {
	ref := c.Param("ref")
	if !isSecret(ref) {
		return consent.ErrFlowGone
	}
	link, err := s.service.Retry(c.Request().Context(), ref, s.browser(c))
	if err != nil {
		return err
	}
	return c.away("/c/" + link.Secret.Reveal())
}
