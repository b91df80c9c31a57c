package web

import (
	"log/slog"
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
	caller    caller // the app that calls; zero for browsers
	isAPI     bool
	visit     string     // id of the app that a page is about; empty where nobody knows
	edition   *edition   // the language of the page
	consent   consent.ID // that a page is about; empty where it is about none, or several
}

// handler answers a request, or returns the error that the table of answers
// turns into one.
type handler func(c *call) error

// on adapts a handler to Echo. Every handler runs inside [server.around].
func on(h handler) echo.HandlerFunc {
	return func(c echo.Context) error { return h(c.(*call)) }
}

// around is what happens to every request, known route or not: a request id,
// headers, an answer to errors and panics, a line in the log, a measurement.
func (s *server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		start := time.Now() // of the machine, not of the business: this measures us
		r := ec.Request()
		c := &call{
			Context: ec, requestID: requestID(r.Header.Get("X-Request-Id")),
			isAPI: isAPI(r.URL.Path),
		}
		ec.SetRequest(r.WithContext(consent.WithOrigin(r.Context(), consent.Origin{RequestID: c.requestID})))
		s.headers.set(c)
		err := gate.Guard(s.log, func() error { return next(c) }, slog.String("route", s.route(c)), slog.String("request_id", c.requestID))
		if err != nil {
			s.fail(c, err)
		}
		s.record(c, time.Since(start))
		return nil
	}
}

// route is the pattern that matched: bounded, and without what was in the
// address.
func (s *server) route(c *call) string {
	if path := c.Path(); s.routes[path] {
		return path
	}
	return "none"
}

func (s *server) record(c *call, took time.Duration) {
	r, status, route := c.Request(), c.Response().Status, s.route(c)
	s.metrics.request(r.Method, route, status, took)
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", knownMethod(r.Method)),
		slog.String("route", route), slog.Int("status", status), slog.Float64("took_ms", float64(took.Microseconds())/1000),
		slog.String("request_id", c.requestID), slog.String("app", c.app()))
}

// app is the id of the app that calls; empty for browsers.
func (c *call) app() string {
	if c.caller.client == nil {
		return ""
	}
	return c.caller.App.ID
}

// isAPI reports whether a path, or a route, is one of the API's.
func isAPI(path string) bool { return strings.HasPrefix(path, "/v1/") || isOAuth(path) }

// longestRequestID and the letters that a request id may have keep it
// harmless in headers and logs.
const longestRequestID = 128

// requestID is the caller's id where it is safe to repeat, or a new one.
func requestID(given string) string {
	if given != "" && len(given) <= longestRequestID && !strings.ContainsFunc(given, notInRequestID) {
		return given
	}
	return gate.NewRequestID()
}

func notInRequestID(r rune) bool { return r != '.' && r != '_' && !isWord(r) }

// isWord reports a letter of base64url, which our secrets are written in.
func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// secretLength is that of 32 bytes in base64url.
const secretLength = 43

// isSecret reports whether s has the form of the secrets and of the hashes
// that we put into addresses and cookies.
func isSecret(s string) bool {
	return len(s) == secretLength && !strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) })
}
