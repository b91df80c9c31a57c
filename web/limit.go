package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Limit is how often somebody may call, counted by each process for itself:
// Requests in every Per, and Burst of them at once. The zero value is no limit.
type Limit struct {
	Requests int
	Per      time.Duration
	Burst    int // 0: as many as Requests
}

func (l Limit) none() bool { return l.Requests == 0 }

// step is the time that one request costs.
func (l Limit) step() time.Duration { return l.Per / time.Duration(l.Requests) }

// room is the time that a whole burst costs.
func (l Limit) room() time.Duration {
	if l.Burst > 0 {
		return l.step() * time.Duration(l.Burst)
	}
	return l.step() * time.Duration(l.Requests)
}

func (l Limit) check() error {
	if l.none() {
		return nil
	}
	if l.Requests < 0 || l.Burst < 0 || l.Burst > l.Requests || l.Per <= 0 || l.step() <= 0 {
		return errors.New("web: a limit wants requests, the time that they are for, and no larger burst")
	}
	return nil
}

// standing is what a limit says of one request.
type standing struct {
	free int           // requests that could follow at once
	full time.Duration // until all of them could
	wait time.Duration // until the next one could; 0 when this one is let through
}

// take counts a request (the generic cell rate algorithm). paid is until when
// the requests before it are paid for; it returns until when they are with
// this one.
func (l Limit) take(paid, now time.Time) (time.Time, standing) {
	room := l.room()
	if paid.Before(now) {
		paid = now
	}
	if most := now.Add(room); paid.After(most) { // the clock was put back
		paid = most
	}
	if wait := paid.Add(l.step()).Sub(now) - room; wait > 0 {
		return paid, standing{full: paid.Sub(now), wait: wait}
	}
	paid = paid.Add(l.step())
	return paid, standing{free: int((room - paid.Sub(now)) / l.step()), full: paid.Sub(now)}
}

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
	if !l.none() {
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
	paid, s := b.limit.take(b.paid, now)
	b.paid = paid
	b.mu.Unlock()
	out["Ratelimit-Policy"] = []string{b.policy}
	out["Ratelimit"] = []string{`"app";r=` + strconv.Itoa(s.free) + `;t=` + strconv.Itoa(wholeSeconds(s.full))}
	if s.wait > 0 {
		return &limitError{wait: s.wait}
	}
	return nil
}

// mostAddresses is how many addresses are counted apart, in each of two
// generations.
const mostAddresses = 1 << 16

// addresses limit browsers by the address that they come from. Those that
// were not heard of for longest are forgotten, so that nobody can fill the
// memory; a network of IPv6 counts as one address.
type addresses struct {
	limit Limit
	most  int

	mu         sync.Mutex
	young, old map[netip.Prefix]time.Time
}

func newAddresses(l Limit) *addresses {
	return &addresses{limit: l, most: mostAddresses, young: make(map[netip.Prefix]time.Time)}
}

func (a *addresses) take(address string, now time.Time) error {
	if a.limit.none() {
		return nil
	}
	from := network(address)
	a.mu.Lock()
	defer a.mu.Unlock()
	paid, known := a.young[from]
	if !known {
		paid = a.old[from]
	}
	paid, s := a.limit.take(paid, now)
	if !known && len(a.young) >= a.most {
		a.old, a.young = a.young, make(map[netip.Prefix]time.Time)
	}
	a.young[from] = paid
	if s.wait > 0 {
		return &limitError{wait: s.wait}
	}
	return nil
}

// network is what is counted together: one IPv4 address, or the /64 that a
// household has in IPv6. What is no address counts as one.
func network(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the bits fit the address
	return p
}

// limited lets a browser's request through as long as its address does not
// send too many.
func (s *server) limited(h handler) handler {
	return func(c *call) error {
		if err := s.browsers.take(c.RealIP(), s.service.Now()); err != nil {
			s.metrics.denied(answerTo(err).code)
			return err
		}
		return h(c)
	}
}
