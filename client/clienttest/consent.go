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
		return client.Expired, &cause{"system", "expired"}
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
	c.granted, c.ends, c.token = now, now.Add(ConsentLife), ""
	c.terms++
	s.note(c, "customer", strings.TrimPrefix(string(kind), "consent."))
	s.tell(kind, c)
}

func (s *Server) end(c *consent, status client.Status, why cause, kind client.EventType) {
	c.status, c.cause, c.ended, c.token = status, &why, s.now(), ""
	s.note(c, why.Actor, strings.TrimPrefix(string(kind), "consent."))
	s.tell(kind, c)
}

// live gives the token of a valid consent, a new one where that is needed.
func (s *Server) live(c *consent, ttl time.Duration) string {
	if now := s.now(); c.token == "" || !now.Add(ttl).Before(c.tokenEnds) {
		s.serial++
		c.token, c.tokenEnds = fmt.Sprintf("token-%d", s.serial), now.Add(TokenLife)
		if c.ends.Before(c.tokenEnds) {
			c.tokenEnds = c.ends
		}
	}
	return c.token
}
