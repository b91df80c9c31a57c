package staff

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/staff/provider"
)

// session is what is known of a browser.
type session struct {
	Staff  consent.Staff         `json:"staff,omitzero"` // ID is empty while nobody is signed in
	Since  time.Time             `json:"since,omitzero"`
	There  string                `json:"there,omitempty"` // the session at the identity provider
	Seen   time.Time             `json:"seen,omitzero"`
	Trip   *trip                 `json:"trip,omitempty"`
	Told   string                `json:"told,omitempty"`   // what the next page says once
	Looked map[consent.ID]string `json:"looked,omitempty"` // the reason given, by consent
	Found  []consent.ID          `json:"found,omitempty"`  // the last search's, when it was for one customer
}

// trip is a browser's way to the identity provider. The session is sealed.
type trip struct {
	State, Nonce, Verifier string
	To                     string // where to go afterwards
	At                     time.Time
}

func (t trip) secrets() provider.Trip {
	return provider.Trip{State: token.Secret(t.State), Nonce: token.Secret(t.Nonce), Verifier: token.Secret(t.Verifier)}
}

// tripLife is how long somebody may take at the identity provider.
const tripLife = 10 * time.Minute

// mostLooked bounds the reasons that a session remembers.
const mostLooked = 500

const sessionValue = "session"

func newSessions(c Config) *scs.SessionManager {
	m := scs.New()
	m.Store, m.HashTokenInStore = c.Sessions, true
	m.Lifetime, m.IdleTimeout = c.Absolute, c.Idle
	m.Cookie.Name, m.Cookie.Secure, m.Cookie.Persist = "staff", false, false
	if c.PublicURL.Scheme == "https" {
		m.Cookie.Name, m.Cookie.Secure = "__Host-staff", true
	}
	m.Cookie.SameSite = http.SameSiteLaxMode // strict would lose the session on the way back from the provider
	return m
}

// open reads the browser's session, and ends one that is over.
func (s *server) open(c *call) error {
	r := c.Request()
	value := ""
	if cookie, err := r.Cookie(s.sessions.Cookie.Name); err == nil {
		value = cookie.Value
	}
	ctx, err := s.sessions.Load(r.Context(), value)
	if err != nil {
		return err
	}
	c.SetRequest(r.WithContext(ctx))
	c.opened = true
	if text := s.sessions.GetString(ctx, sessionValue); text != "" {
		if err := json.Unmarshal([]byte(text), &c.session); err != nil {
			return err
		}
	}
	if now := s.c.Clock(); c.signedIn() && (now.Sub(c.session.Seen) >= s.c.Idle || now.Sub(c.session.Since) >= s.c.Absolute) {
		return s.drop(c)
	}
	return s.dropIfEnded(c)
}

func (s *server) drop(c *call) error {
	c.session = session{}
	return s.sessions.Destroy(c.Request().Context())
}

// dropIfEnded ends a session that an admin has ended, or the identity
// provider.
func (s *server) dropIfEnded(c *call) error {
	if !c.signedIn() {
		return nil
	}
	ended, err := s.c.Sessions.EndedAll(c.Request().Context(), c.session.Staff.ID, c.session.there())
	if err != nil || ended.Before(c.session.Since) {
		return err
	}
	return s.drop(c)
}

// there names the session at the identity provider, as nobody's id can be
// written: those have no space in them.
func (x session) there() string {
	if x.There == "" {
		return unnamed(x.Staff.ID)
	}
	return named(x.There)
}

func named(session string) string { return "session " + session }

// unnamed are the sessions of somebody whose provider gave them no name.
func unnamed(who string) string { return "unnamed " + who }

// keep stores the session before anything is answered, so that no answer
// leaves that the session does not know of.
func (s *server) keep(c *call) error {
	ctx := c.Request().Context()
	if !c.opened {
		return nil // refused before anybody looked whose it is
	}
	if s.sessions.Status(ctx) == scs.Destroyed && !c.session.worth() {
		s.sessions.WriteSessionCookie(ctx, c.Response(), "", time.Time{})
		return nil
	}
	if !c.session.worth() && s.sessions.Token(ctx) == "" {
		return nil // nothing to keep for a stranger
	}
	c.session.Seen = s.c.Clock().UTC()
	text, err := json.Marshal(c.session)
	if err != nil {
		return err
	}
	s.sessions.Put(ctx, sessionValue, string(text))
	value, expiry, err := s.sessions.Commit(ctx)
	if err != nil {
		return err
	}
	s.sessions.WriteSessionCookie(ctx, c.Response(), value, expiry)
	c.Response().Header().Set("Cache-Control", "no-store") // the library adds its own
	return nil
}

func (x session) worth() bool { return x.Staff.ID != "" || x.Trip != nil || x.Told != "" }

func (c *call) signedIn() bool { return c.session.Staff.ID != "" }

// looked is the reason that was given for looking at a consent.
func (x session) looked(id consent.ID) string { return x.Looked[id] }

// lookedAtAll is the reason that was given for what the last search found,
// empty unless there is one for each.
func (x session) lookedAtAll() (reason string) {
	for _, id := range x.Found {
		if reason = x.looked(id); reason == "" {
			return ""
		}
	}
	return reason
}

// look remembers a reason, for a consent and for the others that the same
// search for one customer found.
func (x *session) look(id consent.ID, reason string) {
	if x.Looked == nil || len(x.Looked) > mostLooked {
		x.Looked = make(map[consent.ID]string)
	}
	x.Looked[id] = reason
	for _, other := range x.Found {
		if other == id {
			for _, o := range x.Found {
				x.Looked[o] = reason
			}
		}
	}
}
