package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/consentd/consentd/consent"
)

// Sessions keeps what is known of the browsers that look at My access, under
// the hash of the secret in their cookie, until a moment.
type Sessions interface {
	FindCtx(ctx context.Context, name string) (data []byte, found bool, err error)
	CommitCtx(ctx context.Context, name string, data []byte, until time.Time) error
	DeleteCtx(ctx context.Context, name string) error
}

// A session is over when nothing was looked at for sessionIdle, and after
// sessionMost in any case: it shows what somebody has granted, on a machine
// that may not be theirs.
const (
	sessionIdle  = 10 * time.Minute
	sessionMost  = 30 * time.Minute
	sessionTouch = time.Minute // how exactly it is known when it was last used
)

// sessionCookie holds the secret of a session. It is none that a browser
// brought along: a name that nobody is known by opens nothing and is never
// taken over.
const sessionCookie = "access"

// session is what is known of a browser.
type session struct {
	Visitor     consent.Visitor `json:"visitor"`
	Since, Seen time.Time
}

// over reports whether a session has ended.
func (x session) over(now time.Time) bool {
	return now.Sub(x.Seen) >= sessionIdle || now.Sub(x.Since) >= sessionMost
}

func (x session) until() time.Time {
	if idle := x.Seen.Add(sessionIdle); idle.Before(x.Since.Add(sessionMost)) {
		return idle
	}
	return x.Since.Add(sessionMost)
}

// sessionName is what a session is kept under; empty when the browser has
// none.
func (s *server) sessionName(c *call) string {
	for _, cookie := range c.Request().CookiesNamed(s.cookieName(sessionCookie)) {
		if isSecret(cookie.Value) {
			return hashed(cookie.Value)
		}
	}
	return ""
}

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// visitor is whose access this browser may see; false when it may see none.
func (s *server) visitor(c *call) (consent.Visitor, bool, error) {
	name := s.sessionName(c)
	if name == "" {
		return consent.Visitor{}, false, nil
	}
	ctx, now := c.Request().Context(), s.service.Now().UTC()
	data, found, err := s.c.Sessions.FindCtx(ctx, name)
	if err != nil || !found {
		return consent.Visitor{}, false, err
	}
	var x session
	if err := json.Unmarshal(data, &x); err != nil {
		return consent.Visitor{}, false, fmt.Errorf("session: %w", err)
	}
	if x.over(now) {
		return consent.Visitor{}, false, s.c.Sessions.DeleteCtx(ctx, name)
	}
	if now.Sub(x.Seen) >= sessionTouch {
		x.Seen = now
		err = s.keepSession(ctx, name, x)
	}
	return x.Visitor, err == nil, err
}

func (s *server) keepSession(ctx context.Context, name string, x session) error {
	data, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return s.c.Sessions.CommitCtx(ctx, name, data, x.until())
}

// welcome begins a session under a secret of its own, and ends the one that
// the browser had: what it may see has changed.
func (s *server) welcome(c *call, v consent.Visitor) error {
	if err := s.endSession(c); err != nil {
		return err
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	secret, now := base64.RawURLEncoding.EncodeToString(b[:]), s.service.Now().UTC()
	if err := s.keepSession(c.Request().Context(), hashed(secret), session{Visitor: v, Since: now, Seen: now}); err != nil {
		return err
	}
	s.setCookie(c, sessionCookie, secret, sessionMost)
	return c.away("/access")
}

func (s *server) endSession(c *call) error {
	name := s.sessionName(c)
	if name == "" {
		return nil
	}
	return s.c.Sessions.DeleteCtx(c.Request().Context(), name)
}

// dropCookie makes the browser forget a cookie of ours.
func (s *server) dropCookie(c *call, name string) { s.setCookie(c, name, "", -time.Second) }

// forVisitor lets those through whose session shows something. Others are led
// to the way in; of a form they are told that it has done nothing.
func (s *server) forVisitor(h func(c *call, v consent.Visitor) error) handler {
	return s.limited(func(c *call) error {
		v, known, err := s.visitor(c)
		switch {
		case err != nil:
			return err
		case known:
			return h(c, v)
		case isLook(c.Request().Method):
			return c.away("/access")
		}
		return c.away("/access?" + wayInNote + "=" + noteEnded)
	})
}

// signOut answers POST /access/sign-out. The browser's secret goes too, so
// that no link which it has used opens anything again.
func (s *server) signOut(c *call) error {
	if err := s.endSession(c); err != nil {
		return err
	}
	s.dropCookie(c, sessionCookie)
	s.dropCookie(c, browserCookie)
	return c.away("/access?" + wayInNote + "=" + noteOut)
}
