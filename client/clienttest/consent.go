package clienttest

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/consentd/consentd/client"
)

// consent is one, as the fake keeps it. What the bank knows is the bank's:
// withdrawn shows only when consentd asks.
type consent struct {
	id        string
	request   client.Request
	status    client.Status
	cause     *cause
	code      string // waits to be confirmed
	confirmed string // the code that was
	created   time.Time
	granted   time.Time
	ends      time.Time
	ended     time.Time
	used      time.Time
	terms     int
	needed    time.Time    // beyond the end
	told      map[int]bool // which warnings of this term, 0: that it has ended; see forNeed
	withdrawn bool
	token     string
	tokenEnds time.Time
	verdict   client.Verdict // fixed by the test
	timeline  []entryJSON
}

type cause struct {
	Actor string `json:"actor"`
	Code  string `json:"code"`
}

func (s *Server) add(r client.Request) *consent {
	c := &consent{id: "cns_7f" + strings.ToLower(rand.Text()), request: r, status: client.Received, created: s.now()}
	s.consents = append(s.consents, c)
	s.note(c, "app", "requested")
	return c
}

func (s *Server) note(c *consent, actor, what string) {
	c.timeline = append(c.timeline, entryJSON{At: seconds(s.now()), Actor: actor, Event: what})
}

// statusAt computes expiry from the date, as consentd does.
func (c *consent) statusAt(now time.Time) (client.Status, *cause) {
	if c.status == client.Valid && !now.Before(c.ends) {
		return client.Expired, &cause{"system", "lapsed"}
	}
	return c.status, c.cause
}

func (s *Server) find(id string) *consent {
	for _, c := range s.consents {
		if c.id == id {
			return c
		}
	}
	return nil
}

// known is find for the test's own ids.
func (s *Server) known(id string) *consent {
	c := s.find(id)
	if c == nil {
		panic(fmt.Sprintf("clienttest: there is no consent %q", id))
	}
	return c
}

func (s *Server) grant(c *consent) {
	now := s.now()
	kind := client.Granted
	if status, _ := c.statusAt(now); status == client.Valid {
		kind = client.Renewed
	} else if status == client.TerminatedByAspsp {
		kind = client.Recovered
	}
	c.status, c.cause, c.code, c.ended, c.withdrawn, c.verdict = client.Valid, nil, "", time.Time{}, false, ""
	c.granted, c.ends, c.told = now, now.Add(ConsentLife), make(map[int]bool)
	if !c.needed.After(c.ends) {
		c.needed = time.Time{}
	}
	s.refresh(c)
	c.terms++
	s.note(c, "customer", strings.TrimPrefix(string(kind), "consent."))
	s.tell(kind, c)
}

func (s *Server) end(c *consent, status client.Status, why cause, kind client.EventType) {
	c.status, c.cause, c.ended, c.token = status, &why, s.now(), ""
	s.note(c, why.Actor, string(status))
	if c.stopped() {
		s.note(c, "system", "bank_told")
	}
	s.tell(kind, c)
}

// live gives the token of a valid consent, a new one where that is needed.
func (s *Server) live(c *consent, ttl time.Duration) string {
	if !c.lives(s.now().Add(ttl)) {
		s.refresh(c)
	}
	return c.token
}

// lives reports whether the consent has a token that does at that time.
func (c *consent) lives(at time.Time) bool { return c.token != "" && at.Before(c.tokenEnds) }

func (s *Server) refresh(c *consent) {
	s.serial++
	c.token, c.tokenEnds = fmt.Sprintf("token-%d", s.serial), s.now().Add(TokenLife)
	if c.ends.Before(c.tokenEnds) {
		c.tokenEnds = c.ends
	}
}

// forNeed is the warning that an app needs the consent beyond its end.
const forNeed = -1

// need keeps the latest time until which a consent is needed. Its app is told
// once in a term.
func (s *Server) need(c *consent, until time.Time) {
	if until.After(c.needed) {
		c.needed = until
	}
	if !c.told[forNeed] {
		c.told[forNeed] = true
		s.tell(client.Expiring, c)
	}
}

// warn tells what became due by the clock: that the consent has ended, or of
// the warnings that are due only the last.
func (s *Server) warn(c *consent) {
	status, _ := c.statusAt(s.now())
	if status != client.Valid && status != client.Expired {
		return
	}
	for _, days := range []int{0, 1, 3, 7, 14, 30} {
		if s.now().Before(c.ends.AddDate(0, 0, -days)) {
			continue
		}
		if c.told[days] {
			return
		}
		c.told[days] = true
		if days == 0 {
			s.tellAt(client.HasExpired, c, c.ends, 0)
		} else {
			s.tellAt(client.Expiring, c, s.now(), days)
		}
		return
	}
}
