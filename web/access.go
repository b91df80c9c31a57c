package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
)

// My access is everything that a customer has granted, at /access. A page of
// one access is below it with a slash at the end, so that it is the page
// behind a mail's link in all but the address.

func (s *server) routeAccess(e *echo.Echo, shown func(string, handler)) {
	shown("/access", s.limited(s.accesses))
	e.POST("/access/sign-in", s.fromOurPage(s.limited(s.signIn)))
	e.POST("/access/sign-out", s.fromOurPage(s.limited(s.signOut)))
	shown("/access/:id", s.limited(toAccess))
	shown("/access/:id/", s.forVisitor(s.access))
	e.POST("/access/:id/renew", s.fromOurPage(s.forVisitor(s.renewAccess)))
	shown("/access/:id/stop", s.forVisitor(s.askToStopAccess))
	e.POST("/access/:id/stop", s.fromOurPage(s.forVisitor(s.stopAccess)))

	shown("/a/:link", s.limited(s.accessLink))
	e.POST("/a/:link", s.fromOurPage(s.limited(s.openAccess)))
	e.POST("/m/:link/access", s.fromOurPage(s.limited(s.accessFromMail)))
}

// accessPage is a part of what a customer has granted.
type accessPage struct {
	App        string // whose accesses alone are shown; empty: all
	Bank       string // where the customer signed in; empty: they came by a link
	Now, Ended []accessCard
	Later      bool   // this is not the first part
	More       string // address of the next part; empty at the end
	Banks      []bankButton
}

// accessCard is one access.
type accessCard struct {
	ID         consent.ID
	App, Bank  string
	May        []string
	Given      string
	Until      string
	Left       bar
	Used       string // the day on which the app last used it; empty: never
	Renewable  bool
	OnlineBank bool
	State, By  string // of an ended one: "expired", "refused" or "stopped", and by whom
	Ended      string
}

// bankButton is a way to sign in.
type bankButton struct{ ID, Name string }

// wayInPage is how a customer gets in.
type wayInPage struct {
	Note  string // noteEnded, noteOut or nothing
	Banks []bankButton
	door
}

const (
	wayInNote = "after"
	noteEnded = "end"      // a form came too late
	noteOut   = "sign-out" // by the customer's own wish
)

// accesses answers GET /access.
func (s *server) accesses(c *call) error {
	v, known, err := s.visitor(c)
	if err != nil {
		return err
	}
	if !known {
		return s.wayIn(c)
	}
	after := c.QueryParam("from")
	page, err := s.service.Accesses(c.Request().Context(), v, after)
	if err != nil {
		return err
	}
	x := s.editionFor(c, v).texts
	view := accessPage{App: s.appName(v.App), Now: s.cards(x, page.Now), Ended: s.cards(x, page.Ended), Later: after != ""}
	if bank, ok := s.service.Bank(v.Bank); ok {
		view.Bank = bank.Name
	} else {
		view.Banks = s.signInBanks(c)
	}
	if page.Next != "" {
		view.More = "/access?from=" + url.QueryEscape(page.Next)
	}
	return s.show(c, "access", view)
}

// editionFor is that of the app whose accesses alone are shown; what is of
// several apps has nobody's colours.
func (s *server) editionFor(c *call, v consent.Visitor) *edition {
	if app, ok := s.service.App(v.App); ok {
		return s.about(c, app, v.Language)
	}
	_, language := s.lastVisit(c)
	c.visit, c.edition = "", s.pages.in(s.languageOf(c, language))
	return c.edition
}

func (s *server) appName(app string) string {
	a, _ := s.service.App(app)
	return a.Name
}

func (s *server) cards(x texts, all []consent.Access) []accessCard {
	var cards []accessCard
	for _, a := range all {
		m := s.managePage(x, a.Manage())
		card := accessCard{
			ID: a.Consent.ID, App: m.App, Bank: m.Bank, May: m.May, Given: x.Day(a.Consent.AuthorizedAt, a.Bank.Clock.Zone),
			Until: m.Until, Left: m.Left, Renewable: a.Renewable, OnlineBank: m.OnlineBank, State: m.State, By: m.By, Ended: m.Ended,
		}
		if !a.Consent.LastUsedAt.IsZero() {
			card.Used = x.Day(a.Consent.LastUsedAt, a.Bank.Clock.Zone)
		}
		cards = append(cards, card)
	}
	return cards
}

// wayIn is the page for those of whom nothing is known yet.
func (s *server) wayIn(c *call) error {
	note := c.QueryParam(wayInNote)
	if note != noteEnded && note != noteOut {
		note = ""
	}
	view := wayInPage{Note: note, door: s.doorTo(c)}
	view.Banks = s.signInBanks(c)
	return s.show(c, "access-in", view)
}

// signInBanks are those where customers can prove who they are. The page may
// then end a form at any of them; the browser needs a secret to come back by.
func (s *server) signInBanks(c *call) []bankButton {
	var all []bankButton
	var origins []string
	for _, b := range s.service.SignInBanks() {
		all = append(all, bankButton{ID: b.ID, Name: b.Name})
		origins = append(origins, s.c.BankOrigins[b.ID])
	}
	if len(all) == 0 {
		return nil
	}
	s.markBrowser(c)
	if slices.Contains(origins, "") { // one may be anywhere
		origins = nil
	}
	c.allowForm(strings.Join(origins, " "))
	return all
}

// signIn answers POST /access/sign-in: to the bank, with the question who this
// is and no other.
func (s *server) signIn(c *call) error {
	browser := s.browser(c)
	if browser == "" {
		return errNoCookie
	}
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		return errForeignForm
	}
	bank, err := s.service.SignIn(r.Context(), r.PostForm.Get("bank"), browser)
	if err != nil {
		return err
	}
	return c.away(bank)
}

// signInPage says why a sign-in came to nothing.
type signInPage struct {
	Bank   string
	Ending consent.Ending
}

// signedIn is the end of a sign-in: what there is of this person, or why it is
// not shown.
func (s *server) signedIn(c *call, r consent.Result) error {
	if r.Ending != consent.EndSignedIn {
		s.editionFor(c, consent.Visitor{})
		return s.show(c, "access-result", signInPage{Bank: r.Bank.Name, Ending: r.Ending})
	}
	if c.Request().Method != http.MethodGet {
		return c.away("/access")
	}
	v, err := s.service.OpenAccess(c.Request().Context(), r.Claim, s.browser(c))
	if err != nil {
		return err
	}
	return s.welcome(c, v)
}

// accessLinkPage asks before a link is used: whatever loads links must not use
// it up.
type accessLinkPage struct{ App string }

// accessLink answers GET /a/{link}. It changes nothing.
func (s *server) accessLink(c *call) error {
	link, err := linkOf(c)
	if err != nil {
		return err
	}
	v, err := s.service.BehindAccessLink(c.Request().Context(), link)
	if err != nil {
		return err
	}
	s.markBrowser(c)
	s.editionFor(c, v)
	return s.show(c, "access-link", accessLinkPage{App: s.appName(v.App)})
}

// openAccess answers POST /a/{link}: the link is used, by this browser.
func (s *server) openAccess(c *call) error {
	link, err := linkOf(c)
	if err != nil {
		return err
	}
	browser := s.browser(c)
	if browser == "" {
		return errNoCookie
	}
	v, err := s.service.OpenAccess(c.Request().Context(), link, browser)
	if err != nil {
		return err
	}
	return s.welcome(c, v)
}
