package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/wording"
)

// Which language a page speaks: the one that the customer has chosen on a
// page of ours, else the one that the customer agreed in or else the app asked
// for, else what the browser says. Two cookies hold it; neither is a secret, and a value that we do not
// know counts for nothing.
const (
	languageCookie = "language" // chosen by the customer
	visitCookie    = "visit"    // of whose page was seen last, and its language
)

// languageLife is how long a choice is remembered.
const languageLife = 365 * 24 * time.Hour

// languageParameter chooses a language in a page's address. Apart from the
// cookie it changes nothing.
const languageParameter = "lang"

// languageLink is one entry of the switch of languages.
type languageLink struct {
	Lang, Name string
	Here       bool
}

// about says whose page this is, and gives the edition to show it in.
func (s *server) about(c *call, app consent.App, language string) *edition {
	c.visit = app.ID
	c.edition = s.pages.in(s.languageOf(c, language))
	s.setCookie(c, visitCookie, app.ID+"."+language, browserLife)
	return c.edition
}

// aboutOne is about for a page of one consent, which its reference then names.
func (s *server) aboutOne(c *call, app consent.App, x consent.Consent) *edition {
	c.consent = x.ID
	return s.about(c, app, x.Spoken())
}

// edition is that of the page which answers c, also where no consent is known.
func (s *server) edition(c *call) *edition {
	if c.edition == nil {
		app, language := s.lastVisit(c)
		c.visit, c.edition = app, s.pages.in(s.languageOf(c, language))
	}
	return c.edition
}

// languageOf chooses the language, and remembers what the customer has chosen.
func (s *server) languageOf(c *call, offered string) string {
	chosen := c.QueryParam(languageParameter)
	if s.pages.speaks(chosen) && isLook(c.Request().Method) {
		s.setCookie(c, languageCookie, chosen, languageLife)
		return chosen
	}
	if chosen = s.cookie(c, languageCookie); s.pages.speaks(chosen) {
		return chosen
	}
	if s.pages.speaks(offered) {
		return offered
	}
	return wording.Best(c.Request().Header.Get("Accept-Language"))
}

// lastVisit is whose page this browser saw last, and in which language.
func (s *server) lastVisit(c *call) (app, language string) {
	app, language, _ = strings.Cut(s.cookie(c, visitCookie), ".")
	if !slices.ContainsFunc(s.c.Apps, func(a AppKeys) bool { return a.App.ID == app }) {
		return "", ""
	}
	return app, language
}

// languages are the links of the switch. A page that answers a form, or a
// bank's redirect, cannot be loaded again by its address, so it has none.
func (s *server) languages(c *call, now *edition) []languageLink {
	if !isLook(c.Request().Method) || c.Path() == callbackPath {
		return nil
	}
	var all []languageLink
	for _, lang := range wording.Languages() {
		all = append(all, languageLink{Lang: lang, Name: s.pages.in(lang).must("language"), Here: lang == now.Lang()})
	}
	return all
}

func isLook(method string) bool { return method == http.MethodGet || method == http.MethodHead }
