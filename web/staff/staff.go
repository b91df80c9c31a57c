// Package staff is the console of the people who answer customers' calls: a
// handler of its own, for a listener and a host name of its own. It finds
// consents, says in one sentence how each stands, shows everything that
// happened to it, and does the few things that help.
//
// It decides nothing about consents: package consent does, and puts on record
// what staff see and do before it is done. What this package adds is who is
// asking (package provider and a session), what their role lets them do (one
// table, roles.go), and the words.
//
// What holds for every page:
//
//   - Nothing is shown to whoever is not signed in, or on another host name.
//   - Looking at a customer asks for a reason first.
//   - Looking changes nothing; what acts is a POST that a browser says came
//     from our own page.
//   - No token, code or secret is on any page, but a renewal link for whoever
//     asked for it. Of a national id the day of birth is shown at most, and
//     references to customers stand in no address.
package staff

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/design"
	"github.com/consentd/consentd/web/gate"
	"github.com/consentd/consentd/web/staff/provider"
)

// Config configures the console that [New] makes. All of it is required,
// unless it says otherwise.
type Config struct {
	Desk     Desk
	Apps     []consent.App
	Banks    []consent.Bank
	Warn     []int // days before the end at which customers are warned, most first
	Provider *provider.Provider
	Roles    map[string]Role // by the company's groups
	Sessions Sessions

	PublicURL *url.URL // of the console
	Customers string   // address of the customers' pages, for the links that staff copy

	SignIns        gate.Limit     // of each address; default 60 requests a minute, of which signing in takes two
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed; none: no proxy stands before us

	Idle, Absolute time.Duration    // how long a session lasts
	Clock          func() time.Time // of sessions; default time.Now
	Log            *slog.Logger     // default: discard
}

// Sessions keep who is signed in, and whose sessions were ended.
type Sessions interface {
	scs.CtxStore
	EndAll(ctx context.Context, who string, at time.Time, keep time.Duration) error
	EndedAll(ctx context.Context, who ...string) (time.Time, error)
	SeenFirst(ctx context.Context, id string, at time.Time, keep time.Duration) (time.Time, error)
}

// defaultSignIns lets an office sign in whose people share an address.
var defaultSignIns = gate.Limit{Requests: 60, Per: time.Minute}

// mostLogouts lets everybody's sign-outs come from the provider's one address.
// They have a limit of their own, so that sign-ins cannot hold them up.
var mostLogouts = gate.Limit{Requests: 600, Per: time.Minute}

// server is what the handlers share.
type server struct {
	c        Config
	desk     Desk
	sessions *scs.SessionManager
	pages    *pages
	origin   *http.CrossOriginProtection
	signIns  *gate.Addresses
	logouts  *gate.Addresses
	log      *slog.Logger
	table    []route
}

// route is an address with what it is for.
type route struct {
	method, path string
	act          act
}

// New checks the configuration and returns the console's handler.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	return s.router(), nil
}

func newServer(c Config) (*server, error) {
	if c.Desk == nil || c.Provider == nil || c.Sessions == nil || c.PublicURL == nil || c.Idle <= 0 || c.Absolute <= 0 || len(c.Roles) == 0 {
		return nil, errors.New("staff: desk, provider, sessions, public URL, times and roles are required")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SignIns.None() {
		c.SignIns = defaultSignIns
	}
	s := &server{c: c, desk: c.Desk, signIns: gate.NewAddresses(c.SignIns), logouts: gate.NewAddresses(mostLogouts), sessions: newSessions(c), origin: http.NewCrossOriginProtection(), log: c.Log}
	if err := c.SignIns.Check(); err != nil {
		return nil, err
	}
	if err := s.origin.AddTrustedOrigin(s.site()); err != nil {
		return nil, errors.New("staff: the public URL must be scheme://host")
	}
	var err error
	s.pages, err = newPages(s)
	return s, err
}

func (s *server) site() string { return s.c.PublicURL.Scheme + "://" + s.c.PublicURL.Host }

func (s *server) https() bool { return s.c.PublicURL.Scheme == "https" }

func (s *server) router() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = gate.IPExtractor(s.c.TrustedProxies)
	e.Use(s.around)
	s.routes(e)
	return e
}

func (s *server) routes(e *echo.Echo) {
	show := func(path string, a act, h handler) { s.route(e, http.MethodGet, path, a, h) }
	do := func(path string, a act, h handler) { s.route(e, http.MethodPost, path, a, s.fromOurPage(h)) }

	show("/static/:name", actAnybody, s.static)
	show("/robots.txt", actAnybody, robots)
	show("/sign-in", actAnybody, s.askToSignIn)
	do("/sign-in", actAnybody, s.limited(s.signIn))
	show("/callback", actAnybody, s.limited(s.callback))
	do("/sign-out", actSelf, s.signOut)
	s.route(e, http.MethodPost, "/back-channel-logout", actAnybody, s.limitedBy(s.logouts, s.signedOutElsewhere)) // from no page: the token says who asks

	show("/", actSee, s.find)
	do("/find", actSee, s.findOne)
	show("/found", actSee, s.showFound)
	do("/found/look", actSee, s.giveReasonForAll)
	show("/overview", actSee, s.overview)
	show("/consents/:id", actSee, s.showConsent)
	do("/consents/:id/look", actSee, s.giveReason)

	do("/consents/:id/link", actSend, s.copyLink)
	do("/consents/:id/send", actSend, s.sendLink)
	show("/consents/:id/stop", actStop, s.askToStop)
	do("/consents/:id/stop", actStop, s.stop)

	show("/desk", actSee, s.incidents)
	do("/desk/lift", actOperate, s.lift)
	do("/desk/resend", actSend, s.resendMail)
	do("/desk/replay", actOperate, s.replayEvent)

	show("/audit", actAudit, s.audit)
	do("/audit/export", actAudit, s.export)
	do("/audit/sign-out", actOperate, s.signOutOther)
}

func (s *server) route(e *echo.Echo, method, path string, a act, h handler) {
	s.table = append(s.table, route{method, path, a})
	guarded := s.guard(a, h)
	e.Add(method, path, guarded)
	if method == http.MethodGet {
		e.Add(http.MethodHead, path, guarded)
	}
}

// files are what the pages refer to: the common look, and the console's own.
func files() map[string]design.File {
	all := design.Files()
	all["staff.css"] = design.File{Content: staffStyle, Type: "text/css; charset=utf-8", Version: design.Version(staffStyle)}
	return all
}

func robots(c *call) error { return c.String(http.StatusOK, "User-agent: *\nDisallow: /\n") }

func (s *server) static(c *call) error {
	f, ok := s.pages.files[c.Param("name")]
	if !ok {
		return consent.ErrNotFound
	}
	keep := "no-cache"
	if c.QueryParam("v") == f.Version {
		keep = "public, max-age=31536000, immutable"
	}
	c.Response().Header().Set("Cache-Control", keep)
	return c.Blob(http.StatusOK, f.Type, f.Content)
}

// onHost reports whether a request came to the console's own name.
func (s *server) onHost(r *http.Request) bool { return strings.EqualFold(r.Host, s.c.PublicURL.Host) }
