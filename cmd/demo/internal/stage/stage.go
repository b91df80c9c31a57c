// Package stage is what a visitor of the demonstration has besides the
// payment service: a journal of what happens behind it, an inbox, a clock
// that can be moved, and a few ways to disturb the bank. It changes nothing in
// consentd; everything it does, time and other people could do.
package stage

import (
	"fmt"
	"sync"
	"time"

	"github.com/consentd/consentd/cmd/demo/internal/pages"
	"github.com/consentd/consentd/sandbox"
)

// Stage holds all of that. Make one with [New]; it is safe for concurrent use.
type Stage struct {
	accessTTL time.Duration
	journal   journal
	inbox     inbox

	jumping sync.Mutex // one jump at a time; held while consentd works

	mu     sync.Mutex
	offset time.Duration
	expiry time.Time // of the access token that the bank gave last
	bank   *sandbox.Bank
	behind Behind
}

// New makes a stage for a bank whose access tokens live for accessTTL.
func New(accessTTL time.Duration) *Stage { return &Stage{accessTTL: accessTTL} }

// Now is the time of the demonstration: everybody in it lives by it, so that
// moving it moves the bank, consentd and the payment service at once. Redis
// keeps its own time, as it does in life.
func (s *Stage) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.offset).UTC()
}

// Pass lets time go by, and nothing else: see [Stage.Jump].
func (s *Stage) Pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// Tell notes what somebody did.
func (s *Stage) Tell(who, text string) { s.journal.add(pages.Line{At: s.Now(), Who: who, Text: text}) }

// mostLines is how much of the journal a page shows.
const mostLines = 9

// View is what pages show around them.
func (s *Stage) View() pages.Stage {
	v := pages.Stage{Now: s.Now(), Messages: s.inbox.count(), Token: s.token(), Lines: s.journal.latest(mostLines)}
	if v.Token != noToken { // before that there is nothing to disturb
		v.Acts, v.Clock = buttons(s.list()), buttons(clocks)
	}
	return v
}

const noToken = "none yet"

// token says how the shorter of the two clocks stands.
func (s *Stage) token() string {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch left := s.expiry.Sub(now); {
	case s.expiry.IsZero():
		return noToken
	case left <= 0:
		return "has ended; consentd refreshes it when one is needed"
	default:
		return fmt.Sprintf("ends in %d seconds", int((left+time.Second-1)/time.Second))
	}
}
