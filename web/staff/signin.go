package staff

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/gate"
	"github.com/consentd/consentd/web/staff/provider"
)

// doorPage is the way in.
type doorPage struct {
	To   string
	Down bool // the identity provider does not answer
}

// askToSignIn shows the way in. The provider is asked for its address only to
// let the form lead there, and from there on to where a company signs its
// staff in: browsers apply form-action to every redirect that follows. That it
// is down is said here rather than after the button.
func (s *server) askToSignIn(c *call) error {
	to := ourPath(c.QueryParam("to"))
	if c.signedIn() {
		return s.away(c, to)
	}
	page := doorPage{To: to}
	origin, err := s.c.Provider.Origin(c.Request().Context())
	if err != nil {
		page.Down = true
	} else {
		c.Response().Header().Set("Content-Security-Policy", policy+" "+origin+" https:")
	}
	return s.show(c, http.StatusOK, "sign-in", page)
}

// signIn sends the browser to the company's identity provider.
func (s *server) signIn(c *call) error {
	t, address, err := s.c.Provider.Begin(c.Request().Context())
	if err != nil {
		return err
	}
	c.session = session{Trip: &trip{State: t.State.Reveal(), Nonce: t.Nonce.Reveal(), Verifier: t.Verifier.Reveal(),
		To: ourPath(c.FormValue("to")), At: s.c.Clock().UTC()}}
	return s.away(c, address)
}

// callback is the return from the provider: once, and in the browser that
// set out.
func (s *server) callback(c *call) error {
	t := c.session.Trip
	if t == nil || s.c.Clock().Sub(t.At) > tripLife {
		return errStale
	}
	c.session.Trip = nil
	ctx := c.Request().Context()
	who, err := s.c.Provider.Finish(ctx, t.secrets(), c.QueryParams())
	if err != nil {
		s.log.WarnContext(ctx, "staff sign-in failed", slog.Any("error", err))
		return err
	}
	role := roleOf(s.c.Roles, who.Groups)
	staff := consent.Staff{ID: who.Subject, Name: who.Name, Role: string(role)}
	if role == "" {
		s.log.WarnContext(ctx, "staff sign-in refused: in no group that may", slog.String("staff", staff.ID))
		return errNoRole
	}
	if err := s.desk.Record(ctx, consent.Act{Staff: staff, Action: "sign_in", RequestID: c.requestID}); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	c.session = session{Staff: staff, Since: s.c.Clock().UTC(), There: who.Session}
	return s.away(c, t.To)
}

// signOut ends the session here. That at the provider is the company's.
func (s *server) signOut(c *call) error {
	ctx := c.Request().Context()
	if err := s.sessions.Destroy(ctx); err != nil {
		return err
	}
	who := c.session.Staff
	c.session = session{}
	if err := s.desk.Record(ctx, consent.Act{Staff: who, Action: "sign_out", RequestID: c.requestID}); err != nil {
		return err
	}
	return s.away(c, "/sign-in")
}

// signOutOther ends every session of somebody of the staff: who left, or whose
// role changed.
func (s *server) signOutOther(c *call) error {
	who := c.FormValue("staff")
	if who == "" {
		return consent.ErrNotFound
	}
	ctx := c.Request().Context()
	if err := s.desk.Record(ctx, consent.Act{Staff: c.session.Staff, Action: "end_sessions", RequestID: c.requestID, Detail: who}); err != nil {
		return err
	}
	if err := s.c.Sessions.EndAll(ctx, who, s.c.Clock(), s.c.Absolute); err != nil {
		return err
	}
	c.session.Told = "Every session of " + who + " has ended."
	return s.away(c, "/audit")
}

// tooMany: an address signs in, or somebody out, too often.
type tooMany struct{ wait time.Duration }

func (tooMany) Error() string { return "staff: too many sign-ins" }

// limited lets a request of somebody unknown through as long as its address
// does not send too many: each costs the identity provider one as well.
func (s *server) limited(h handler) handler { return s.limitedBy(s.signIns, h) }

func (s *server) limitedBy(addresses *gate.Addresses, h handler) handler {
	return func(c *call) error {
		if wait := addresses.Take(c.RealIP(), s.c.Clock()); wait > 0 {
			return tooMany{wait}
		}
		return h(c)
	}
}

// refusal is a page that says what went wrong and what to do next.
type refusal struct {
	Title, Text string
	Again       bool // signing in again is the next step
	Reload      bool
}

func refusalFor(err error) (int, refusal) {
	switch {
	case errors.Is(err, errNoRole):
		return http.StatusForbidden, refusal{Title: "No access", Text: "You signed in, but are in no group that may use this console. Ask whoever looks after your company’s groups, then sign in again.", Again: true}
	case errors.Is(err, provider.ErrWeak):
		return http.StatusForbidden, refusal{Title: "Not signed in strongly enough", Text: "This console asks for a sign-in with a second factor, made lately. Sign in again with it.", Again: true}
	case errors.Is(err, provider.ErrRefused), errors.Is(err, errStale):
		return http.StatusForbidden, refusal{Title: "Not signed in", Text: "The sign-in came to nothing: it was stopped, took too long, or was begun in another browser.", Again: true}
	case errors.Is(err, provider.ErrUnavailable):
		return http.StatusServiceUnavailable, refusal{Title: "The company’s sign-in does not answer", Text: "Nobody can sign in until it does. Customers and payment services notice nothing.", Again: true}
	}
	return 0, refusal{}
}
