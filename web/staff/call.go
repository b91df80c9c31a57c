package staff

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/gate"
)

// call is one request on its way through this package.
type call struct {
	echo.Context
	requestID string
	session   session
	opened    bool // the session was read
}

// handler answers a request, or returns the error that becomes a page.
type handler func(c *call) error

var (
	errForeignForm = errors.New("staff: form of another origin")
	errForeignHost = errors.New("staff: another host name")
	errForbidden   = errors.New("staff: not for this role")
	errNoRole      = errors.New("staff: in no group that may")
	errStale       = errors.New("staff: this sign-in is too old")
)

// around is what happens to every request: a request id, headers, an answer
// to errors and panics, a line in the log.
func (s *server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		start := time.Now() // of the machine, not of the business: this measures us
		c := &call{Context: ec, requestID: gate.NewRequestID()}
		s.setHeaders(c)
		if err := gate.Guard(s.log, func() error { return s.here(c, next) }, slog.String("route", c.Path())); err != nil {
			s.fail(c, err)
		}
		s.log.LogAttrs(c.Request().Context(), slog.LevelInfo, "staff request", slog.String("method", c.Request().Method),
			slog.String("route", c.Path()), slog.Int("status", c.Response().Status), slog.String("request_id", c.requestID),
			slog.Float64("took_ms", float64(time.Since(start).Microseconds())/1000))
		return nil
	}
}

// here lets through what came to the console's own name.
func (s *server) here(c *call, next echo.HandlerFunc) error {
	if !s.onHost(c.Request()) {
		return errForeignHost
	}
	return next(c)
}

// guard lets through who may: the act belongs to the route that matched.
func (s *server) guard(a act, h handler) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := ec.(*call)
		if strings.HasPrefix(c.Path(), "/static/") {
			return h(c)
		}
		if err := s.open(c); err != nil {
			return err
		}
		if a == actAnybody {
			return h(c)
		}
		if !c.signedIn() {
			return s.toSignIn(c)
		}
		if !Role(c.session.Staff.Role).may(a) {
			s.log.WarnContext(c.Request().Context(), "staff refused", slog.String("staff", c.session.Staff.ID),
				slog.String("role", c.session.Staff.Role), slog.String("route", c.Path()))
			return errForbidden
		}
		origin := consent.Origin{RequestID: c.requestID, Staff: c.session.Staff.ID}
		c.SetRequest(c.Request().WithContext(consent.WithOrigin(c.Request().Context(), origin)))
		return h(c)
	}
}

// toSignIn leads a reader to the door and back. What was to be done is not
// done later: whoever signs in may be somebody else.
func (s *server) toSignIn(c *call) error {
	to := "/"
	if c.Request().Method == http.MethodGet {
		to = c.Request().URL.RequestURI()
	}
	return s.away(c, "/sign-in?"+url.Values{"to": {ourPath(to)}}.Encode())
}

// ourPath is a path of ours, and the front page for anything else.
func ourPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return u.RequestURI()
}

// fromOurPage lets a form through that the browser says came from a page of
// ours. What says nothing at all is no browser, or too old to be safe.
func (s *server) fromOurPage(h handler) handler {
	return func(c *call) error {
		r := c.Request()
		if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" || s.origin.Check(r) != nil {
			return errForeignForm
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, mostForm)
		return h(c)
	}
}

const mostForm = 16 << 10

const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

func (s *server) setHeaders(c *call) {
	h := c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Request-Id", c.requestID)
	if s.https() {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}

// away sends the browser on with GET.
func (s *server) away(c *call, address string) error {
	if err := s.keep(c); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, address)
}
