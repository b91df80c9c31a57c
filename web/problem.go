package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/contract"
	"github.com/consentd/consentd/web/gate"
)

// fail answers with what the table says of err.
func (s *server) fail(c *call, err error) {
	a := answerTo(err)
	if l, ok := errors.AsType[*limitError](err); ok {
		a.retry = l.wait
	}
	if _, full := errors.AsType[*fullError](err); full {
		a.retry = fullRest
	}
	if level := slog.LevelWarn; a.status >= http.StatusInternalServerError && !errors.Is(err, gate.ErrPanic) {
		if a.code == internalError {
			level = slog.LevelError
		}
		s.log.LogAttrs(c.Request().Context(), level, "request failed", slog.String("route", s.route(c)),
			slog.String("request_id", c.requestID), slog.String("code", a.code), slog.Any("error", reason(err)))
	}
	if c.Response().Committed {
		return
	}
	if c.isAPI {
		err = s.writeError(c, a, err)
	} else {
		err = s.errorPage(c, a)
	}
	if err != nil {
		s.log.Warn("answer could not be sent", slog.String("request_id", c.requestID), slog.Any("error", err))
	}
}

// reason is what failed underneath, where that is known. It is for our log
// only.
func reason(err error) error {
	if r, ok := errors.AsType[*consent.Refusal](err); ok && r.Why != nil {
		return r.Why
	}
	return err
}

// writeError answers an app: as a problem, or where OAuth is spoken in its terms.
func (s *server) writeError(c *call, a answer, err error) error {
	p := s.problemOf(a, err)
	p.RequestID = c.requestID
	if p.RetryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	if isOAuth(c.Request().URL.Path) {
		return s.writeOAuthError(c, p)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write problem: %w", err)
	}
	return c.Blob(a.status, "application/problem+json", append(body, '\n'))
}

func (s *server) problemOf(a answer, err error) contract.Problem {
	p := contract.Problem{Type: "/problems/" + a.code, Title: a.title, Status: a.status, Detail: a.detail, Code: a.code,
		RetryAfter: wholeSeconds(a.retry)}
	if where, ok := errors.AsType[*syntaxError](err); ok {
		p.Detail = fmt.Sprintf("The body is not JSON: reading stopped at line %d, column %d.", where.line, where.column)
	}
	if full, ok := errors.AsType[*fullError](err); ok {
		p.Detail = full.detail
	}
	if wrong, ok := errors.AsType[*consent.Invalid](err); ok {
		for _, f := range wrong.Fields {
			p.Errors = append(p.Errors, contract.ProblemField{Pointer: ourPointer(f.Pointer), Detail: f.Detail})
		}
	}
	if r, ok := errors.AsType[*consent.Refusal](err); ok {
		s.addNextStep(&p, r)
	}
	return p
}

func (s *server) addNextStep(p *contract.Problem, r *consent.Refusal) {
	p.Cause, p.ConsentEndsAt, p.MissingScopes = viewCause(r.Cause), inSeconds(r.EndsAt), r.Missing
	p.LongestTTL = int(r.Longest / time.Second)
	if r.RetryAfter > 0 {
		p.RetryAfter = wholeSeconds(r.RetryAfter)
	}
	if r.Renewal != nil {
		p.RenewalURL, p.RenewalURLExpiresAt = s.pageURL(r.Renewal.Secret), inSeconds(r.Renewal.Expires)
	}
}

// ourPointer says where in an API's request a field of the domain stands.
func ourPointer(pointer string) string {
	switch pointer {
	case "/after":
		return "after"
	case "/email":
		return "/contact/email"
	case "/idempotency_key":
		return idempotencyKey
	}
	return pointer
}

// wholeSeconds rounds up: asking a little late is better than too early.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
