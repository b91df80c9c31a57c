package gate

import (
	"errors"
	"net/netip"
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

// None reports whether there is no limit.
func (l Limit) None() bool { return l.Requests == 0 }

// step is the time that one request costs.
func (l Limit) step() time.Duration { return l.Per / time.Duration(l.Requests) }

// room is the time that a whole burst costs.
func (l Limit) room() time.Duration {
	if l.Burst > 0 {
		return l.step() * time.Duration(l.Burst)
	}
	return l.step() * time.Duration(l.Requests)
}

// Check says what is wrong with a limit.
func (l Limit) Check() error {
	if l.None() {
		return nil
	}
	if l.Requests < 0 || l.Burst < 0 || l.Burst > l.Requests || l.Per <= 0 || l.step() <= 0 {
		return errors.New("gate: a limit wants requests, the time that they are for, and no larger burst")
	}
	return nil
}

// Standing is what a limit says of one request.
type Standing struct {
	Free int           // requests that could follow at once
	Full time.Duration // until all of them could
	Wait time.Duration // until the next one could; 0 when this one is let through
}

// Take counts a request (the generic cell rate algorithm). paid is until when
// the requests before it are paid for; it returns until when they are with
// this one.
func (l Limit) Take(paid, now time.Time) (time.Time, Standing) {
	room := l.room()
	if paid.Before(now) {
		paid = now
	}
	if most := now.Add(room); paid.After(most) { // the clock was put back
		paid = most
	}
	if wait := paid.Add(l.step()).Sub(now) - room; wait > 0 {
		return paid, Standing{Full: paid.Sub(now), Wait: wait}
	}
	paid = paid.Add(l.step())
	return paid, Standing{Free: int((room - paid.Sub(now)) / l.step()), Full: paid.Sub(now)}
}

// mostAddresses is how many addresses are counted apart, in each of two
// generations.
const mostAddresses = 1 << 16

// Addresses limit browsers by the address that they come from. Those that
// were not heard of for longest are forgotten, so that nobody can fill the
// memory; a network of IPv6 counts as one address.
type Addresses struct {
	limit Limit
	most  int

	mu         sync.Mutex
	young, old map[netip.Prefix]time.Time
}

// NewAddresses limits each address.
func NewAddresses(l Limit) *Addresses {
	return &Addresses{limit: l, most: mostAddresses, young: make(map[netip.Prefix]time.Time)}
}

// Take counts a request, and says how long its address has to wait; 0 when it
// is let through.
func (a *Addresses) Take(address string, now time.Time) time.Duration {
	if a.limit.None() {
		return 0
	}
	from := network(address)
	a.mu.Lock()
	defer a.mu.Unlock()
	paid, known := a.young[from]
	if !known {
		paid = a.old[from]
	}
	paid, s := a.limit.Take(paid, now)
	if !known && len(a.young) >= a.most {
		a.old, a.young = a.young, make(map[netip.Prefix]time.Time)
	}
	a.young[from] = paid
	return s.Wait
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
