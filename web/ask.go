package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// askPage is what the page that asks the customer shows.
type askPage struct {
	Version    string // names the wording, and comes back with the answer
	App, Bank  string
	Kind       string // "new", "fresh", "renew" or "again": which wording fits
	May        []string
	MayNot     []string
	Until      string
	Days       int
	OnlineBank bool
	WorksUntil string // with "fresh" and "renew"
	Left       bar    // with "fresh" and "renew"
	ToApp      string // address of the app, where it is the next step
}

// The answers that a link's page takes in its address. The page links to them
// with "?answer=…", so that the link itself does not stand in its source.
const answerNotNow = "not-now"

// declined is what an app is told of a customer who said "not now". It is no
// ending: the domain is not told, and the link stays good.
const declined consent.Ending = "declined"

// ask answers GET /c/{link}. It changes nothing: mail scanners and previews
// load links too.
func (s *server) ask(c *call) error {
	link, err := linkOf(c)
	if err != nil {
		return err
	}
	a, err := s.service.Ask(c.Request().Context(), link)
	if err != nil {
		return err
	}
	if c.QueryParam("answer") == answerNotNow {
		return s.leave(c, a.App.ReturnURLs[a.Consent.ReturnTo], a.Consent.ID, declined, "")
	}
	s.markBrowser(c)
	c.allowForm(s.c.BankOrigins[a.Bank.ID])
	return s.show(c, "ask", s.askPage(s.aboutOne(c, a.App, a.Consent), a))
}

// justNow is how long after going to the bank a customer who is here again has
// likely come by mistake: with "back", or by the same link.
const justNow = 10 * time.Minute

func (s *server) askPage(x *edition, a consent.Ask) askPage {
	now := s.service.Now()
	p := askPage{
		Version: x.askVersion,
		App:     a.App.Name, Bank: a.Bank.Name, Kind: "new", OnlineBank: a.Bank.OnlineBank,
		May: x.may(a.Bank, a.Scopes), MayNot: x.mayNot(a),
		Until: x.lastDay(a.EndsAt, a.Bank), Days: wholeDays(now, a.EndsAt),
	}
	switch status := a.Consent.StatusAt(now); {
	case a.Renewal:
		p.Kind, p.WorksUntil, p.Left = "renew", x.lastDay(a.Consent.EndsAt, a.Bank), barOf(a.Consent, now)
		if now.Sub(a.Consent.AuthorizedAt) < justNow {
			p.Kind, p.ToApp = "fresh", home(a.App)
		}
	case status == consent.Expired, status == consent.TerminatedByAspsp:
		p.Kind = "again"
	}
	return p
}

// begin answers POST /c/{link}: the customer's "Continue".
func (s *server) begin(c *call) error {
	link, err := linkOf(c)
	if err != nil {
		return err
	}
	browser := s.browser(c)
	if browser == "" {
		return errNoCookie
	}
	version, err := s.versionAgreedTo(c)
	if err != nil {
		return err
	}
	if version == "" { // shown by another release of ours: let the customer read this one's
		return c.away("/c/" + link.Reveal())
	}
	bank, err := s.service.Begin(c.Request().Context(), link, browser, version)
	if err != nil {
		return err
	}
	return c.away(bank)
}

// mostForm is far above what the form of a page holds.
const mostForm = 4 << 10

// versionAgreedTo is the version of the text that the page of this form
// showed; empty when it is none of this process.
func (s *server) versionAgreedTo(c *call) (string, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		return "", errForeignForm
	}
	version := r.PostForm.Get("text")
	if !s.pages.askedBy(version) {
		return "", nil
	}
	return version, nil
}

// linkOf is the secret of a link; what has not its form leads nowhere.
func linkOf(c *call) (token.Secret, error) {
	link := c.Param("link")
	if !isSecret(link) {
		return "", consent.ErrLinkGone
	}
	return token.Secret(link), nil
}

// leave sends the customer to an address that the app has registered, saying
// what came of it.
func (s *server) leave(c *call, registered string, id consent.ID, result consent.Ending, code token.Secret) error {
	u, err := url.Parse(registered)
	if err != nil || !isWeb(u) { // not in New's list of apps any more
		return consent.ErrNotFound
	}
	q := u.Query()
	q.Set("consent_id", string(id))
	q.Set("result", string(result))
	q.Del("code")
	if code != "" {
		q.Set("code", code.Reveal())
	}
	u.RawQuery = q.Encode()
	return c.away(u.String())
}

// bar is the picture of the consent clock: how much of it is left.
type bar struct {
	Days int // left, of Of
	Of   int
}

func barOf(c consent.Consent, now time.Time) bar {
	left := c.DaysLeft(now)
	return bar{Days: left, Of: max(left, wholeDays(c.AuthorizedAt, c.EndsAt))}
}

// wholeDays rounds up, as the domain counts days that are left.
func wholeDays(from, to time.Time) int {
	const day = 24 * time.Hour
	return int((to.Sub(from) + day - 1) / day)
}
