package web

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/token"
)

var (
	// errNoCookie: the browser did not send back the cookie that the page set.
	errNoCookie = errors.New("web: no browser cookie")

	// errForeignForm: a form that did not come from a page of ours.
	errForeignForm = errors.New("web: form of another origin")
)

// browserLife outlasts a link, a trip to the bank, and the reading of what
// came of it.
const browserLife = time.Hour

// browserCookie holds the secret by which a browser is known again.
const browserCookie = "browser"

// cookieName has the prefix that binds a cookie to this host and to https,
// where there is https.
func (s *server) cookieName(name string) string {
	if s.c.PublicURL.Scheme == "https" {
		return "__Host-" + name
	}
	return name
}

// cookie is the value of a cookie of ours that is no secret.
func (s *server) cookie(c *call, name string) string {
	found, err := c.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return found.Value
}

func (s *server) setCookie(c *call, name, value string, life time.Duration) {
	http.SetCookie(c.Response(), &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: s.c.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
	})
}

// browser is the secret by which a browser is known again on its way to the
// bank and back; empty when it has none of ours. It is never looked up, only
// hashed and compared, so that one that we did not make is worth nothing.
func (s *server) browser(c *call) token.Secret {
	for _, cookie := range c.Request().CookiesNamed(s.cookieName(browserCookie)) {
		if isSecret(cookie.Value) {
			return token.Secret(cookie.Value)
		}
	}
	return ""
}

// markBrowser gives the browser a secret if it has none, and lets the one it
// has live on.
func (s *server) markBrowser(c *call) {
	value := s.browser(c)
	if value == "" {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		value = token.Secret(base64.RawURLEncoding.EncodeToString(b[:]))
	}
	s.setCookie(c, browserCookie, value.Reveal(), browserLife)
}

// fromOurPage lets a form through that the browser says came from a page of
// ours. What says nothing at all is no browser, or too old to be safe.
func (s *server) fromOurPage(h handler) echo.HandlerFunc {
	return on(func(c *call) error {
		if err := s.ourForm(c); err != nil {
			return err
		}
		return h(c)
	})
}

// ourForm is errForeignForm unless the browser says that a form came from a
// page of ours.
func (s *server) ourForm(c *call) error {
	r := c.Request()
	silent := r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == ""
	if silent || s.origin.Check(r) != nil {
		return errForeignForm
	}
	return nil
}
