package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/consentd/consentd/web/gate"
)

// Limit is how often somebody may call, counted by each process for itself.
type Limit = gate.Limit

// limitError: too many requests.
type limitError struct{ wait time.Duration }

func (e *limitError) Error() string { return "web: too many requests" }

// errRateLimited is what a [limitError] is told by.
var errRateLimited = errors.New("web: rate limited")

func (e *limitError) Unwrap() error { return errRateLimited }

// budget is the limit of one app.
type budget struct {
	limit  Limit
	policy string // of the header; empty: no limit

	mu   sync.Mutex
	paid time.Time
}

func newBudget(l Limit) *budget {
	b := &budget{limit: l}
	if !l.None() {
		b.policy = fmt.Sprintf(`"app";q=%d;w=%d`, l.Requests, wholeSeconds(l.Per))
	}
	return b
}

// take counts a request and says in the answer's headers how much is left
// (draft-ietf-httpapi-ratelimit-headers-11).
func (b *budget) take(now time.Time, out http.Header) error {
	if b.policy == "" {
		return nil
	}
	b.mu.Lock()
	paid, s := b.limit.Take(b.paid, now)
	b.paid = paid
	b.mu.Unlock()
	out["Ratelimit-Policy"] = []string{b.policy}
	out["Ratelimit"] = []string{`"app";r=` + strconv.Itoa(s.Free) + `;t=` + strconv.Itoa(wholeSeconds(s.Full))}
	if s.Wait > 0 {
		return &limitError{wait: s.Wait}
	}
	return nil
}

// limited lets a browser's request through as long as its address does not
// send too many.
func (s *server) limited(h handler) handler {
	return func(c *call) error {
		if wait := s.browsers.Take(c.RealIP(), s.service.Now()); wait > 0 {
			err := &limitError{wait: wait}
			s.metrics.denied(answerTo(err).code)
			return err
		}
		return h(c)
	}
}
