package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// BankAPI reaches a bank's API with a token that the app never sees.
type BankAPI interface {
	RequestIDFault(id string) string
	Forward(r *http.Request, path string, access token.Access) (*http.Response, error)
}

const (
	mostCall       = 1 << 20  // bytes of a call to a bank
	mostCallAnswer = 10 << 20 // and of its answer
	callDeadline   = 60 * time.Second
)

var (
	// errAnswerTooLarge: a bank's answer that we do not pass on.
	errAnswerTooLarge = errors.New("web: the bank's answer is too large")

	// errCallUnknown: a call that may have reached the bank.
	errCallUnknown = errors.New("web: unknown whether the bank took the call")
)

var callMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// callPattern is a call that an app may make: a method, and a path in which *
// is any one segment, and ** at the end any that follow.
type callPattern struct {
	method   string
	segments []string
}

func parseCallPattern(text string) (callPattern, error) {
	method, path, _ := strings.Cut(text, " ")
	p := callPattern{method: method, segments: segmentsOf(path)}
	rest := slices.Index(p.segments, "**")
	if !slices.Contains(callMethods, method) || !patternPath.MatchString(path) || rest >= 0 && rest != len(p.segments)-1 {
		return p, fmt.Errorf("%q is not a method and a path, such as GET /v1/payments/*", text)
	}
	return p, nil
}

// callPath is a path without anything that two servers could read in two ways.
var callPath = regexp.MustCompile(`^(/[A-Za-z0-9_~@:=,+-][A-Za-z0-9._~@:=,+-]*)+/?$`)

// patternPath is a callPath some of whose segments stand for others.
var patternPath = regexp.MustCompile(`^(/(\*\*?|[A-Za-z0-9_~@:=,+-][A-Za-z0-9._~@:=,+-]*))+/?$`)

// segmentsOf leaves a slash at the end out: banks put one into their own addresses.
func segmentsOf(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

func (p callPattern) matches(method, path string) bool {
	segments := segmentsOf(path)
	if method != p.method || len(segments) < len(p.segments) {
		return false
	}
	for i, want := range p.segments {
		if want == "**" {
			return true
		}
		if want != "*" && want != segments[i] {
			return false
		}
	}
	return len(segments) == len(p.segments)
}

// egress answers any method below /v1/consents/{id}/bank: it makes the app's
// call to the bank, with a token that stays here.
func (s *server) egress(c *call, app consent.App) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	path, err := s.callPath(c, id)
	if err != nil {
		return err
	}
	found, err := s.service.Consent(c.Request().Context(), app, id)
	if err != nil {
		return err
	}
	bank := s.c.BankAPIs[found.Bank]
	if bank == nil {
		s.deny(c, OpEgress, string(id))
		return errOperation
	}
	if err := checkCall(c.Request(), bank); err != nil {
		return err
	}
	leave, err := s.calling(c, found.Bank)
	if err != nil {
		return err
	}
	defer leave()
	out, err := s.token(c, app, id, consent.TokenRequest{RequestID: c.requestID})
	if err != nil {
		return err
	}
	return s.forward(c, bank, path, out.Access)
}

// callPath is the path at the bank, if the app may call it. What was matched
// is the path as it was sent: a bank must not decode it into another one.
func (s *server) callPath(c *call, id consent.ID) (string, error) {
	r := c.Request()
	path, below := strings.CutPrefix(r.URL.EscapedPath(), "/v1/consents/"+string(id)+"/bank")
	if !below || !callPath.MatchString(path) {
		return "", &consent.Invalid{Fields: []consent.Field{{Pointer: "path",
			Detail: "must be made of letters, digits and . _ ~ @ : = , + - without escapes, empty segments and segments that begin with a dot"}}}
	}
	for _, p := range c.caller.calls {
		if p.matches(r.Method, path) {
			return path, nil
		}
	}
	s.deny(c, OpEgress, string(id))
	return "", errOperation
}

// checkCall refuses what the bank would, before it costs a call.
func checkCall(r *http.Request, bank BankAPI) error {
	if r.ContentLength > mostCall {
		return errTooLarge
	}
	var wrong consent.Invalid
	given := r.Header.Values("X-Request-Id")
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case len(given) == 0 && reads:
	case len(given) != 1:
		note(&wrong, "X-Request-ID", "must be there once: by it the bank knows a repetition")
	case bank.RequestIDFault(given[0]) != "":
		note(&wrong, "X-Request-ID", bank.RequestIDFault(given[0]))
	}
	if r.Header.Get("Idempotency-Key") != "" {
		note(&wrong, "Idempotency-Key", "is not passed on; a repetition is known by X-Request-ID")
	}
	if len(wrong.Fields) > 0 {
		return &wrong
	}
	return nil
}

// callBody stops reading a call that is too large, and remembers it.
type callBody struct {
	io.ReadCloser
	over atomic.Bool // read on while the answer comes already
}

func (b *callBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		b.over.Store(true)
	}
	return n, err
}

// forward makes one call, and passes the bank's answer on as it comes.
func (s *server) forward(c *call, bank BankAPI, path string, access token.Access) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), callDeadline)
	defer cancel()
	r := c.Request().WithContext(ctx)
	body := &callBody{ReadCloser: http.MaxBytesReader(c.Response(), r.Body, mostCall)}
	r.Body = body
	if r.Header.Get("X-Request-Id") == "" && bank.RequestIDFault(c.requestID) == "" {
		r.Header = r.Header.Clone()
		r.Header.Set("X-Request-Id", c.requestID) // found by the same id at the bank, here and at the app
	}
	res, err := bank.Forward(r, path, access)
	switch {
	case err != nil && body.over.Load():
		return errTooLarge
	case errors.Is(err, token.ErrNotDone):
		return fmt.Errorf("%w: %w", consent.ErrBankUnavailable, err)
	case err != nil:
		return fmt.Errorf("%w: %w", errCallUnknown, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.ContentLength > mostCallAnswer && r.Method != http.MethodHead {
		return errAnswerTooLarge
	}
	passOn(c.Response().Header(), res.Header)
	c.Response().WriteHeader(res.StatusCode)
	s.stream(c, res.Body)
	return nil
}

// stream ends the connection when the answer does not end well: an app must
// not take a part for the whole.
func (s *server) stream(c *call, body io.Reader) {
	n, err := io.Copy(c.Response(), io.LimitReader(body, mostCallAnswer+1))
	if err == nil && n <= mostCallAnswer {
		return
	}
	s.log.WarnContext(c.Request().Context(), "the bank's answer broke off or is too large", slog.String("request_id", c.requestID))
	panic(http.ErrAbortHandler)
}

// keptHeaders are ours in every answer, whatever a bank says, and those that
// belong to the bank's connection or would mean our address to a client: its
// cookies, other places to find it, who may read it.
var keptHeaders = []string{
	"Cache-Control", "X-Content-Type-Options", "Strict-Transport-Security", "X-Request-Id", "Ratelimit", "Ratelimit-Policy",
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
	"Set-Cookie", "Clear-Site-Data", "Alt-Svc", "Service-Worker-Allowed", "Content-Security-Policy", "Nel", "Report-To", "Reporting-Endpoints",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
	"Access-Control-Expose-Headers", "Access-Control-Max-Age",
}

// passOn tells by a header that the answer is the bank's: its 401 is not ours.
func passOn(out, bank http.Header) {
	var hop []string // named by the bank as its connection's (RFC 9110 section 7.6.1)
	for name := range strings.SplitSeq(strings.Join(bank.Values("Connection"), ","), ",") {
		hop = append(hop, http.CanonicalHeaderKey(strings.TrimSpace(name)))
	}
	for name, values := range bank {
		if !slices.Contains(keptHeaders, name) && !slices.Contains(hop, name) {
			out[name] = values
		}
	}
	out.Set("Consentd-Answer", "bank")
}
