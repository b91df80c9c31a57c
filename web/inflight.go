package web

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/consentd/consentd/consent"
)

// room is how many calls to banks may be open at once, counted by each process
// for itself: a bank that hangs must not take all of our connections along.
type room struct {
	most int64 // 0: no limit
	open atomic.Int64
}

// enter takes a place, unless all are taken.
func (r *room) enter() bool {
	if n := r.open.Add(1); r.most > 0 && n > r.most {
		r.open.Add(-1)
		return false
	}
	return true
}

func (r *room) leave() { r.open.Add(-1) }

// fullError: a call to a bank that was not begun, because too many are open.
// It is told by another error, in words of its own.
type fullError struct {
	told   error
	detail string
}

func (e *fullError) Error() string { return "web: too many calls to banks are open" }
func (e *fullError) Unwrap() error { return e.told }

// fullRest is how long somebody waits for a place: banks answer in about that.
const fullRest = time.Second

// calling takes a place for a call of the app at a bank. The app's own is
// first: one that hangs there must not keep the others from the bank.
func (s *server) calling(c *call, bank string) (leave func(), err error) {
	app, all := &c.caller.calling, s.rooms[bank]
	if !app.enter() {
		return nil, s.full(errRateLimited, "The app has %d calls to banks open, which is all that it may. This one was not begun.", app.most)
	}
	if !all.enter() {
		app.leave()
		return nil, s.full(consent.ErrBankUnavailable, "%d calls to this bank are open, which is all that may be. This one was not begun.", all.most)
	}
	open := s.metrics.bankCalls.WithLabelValues(bank)
	open.Inc()
	return func() { open.Dec(); all.leave(); app.leave() }, nil
}

func (s *server) full(told error, detail string, most int64) error {
	s.metrics.denied(answerTo(told).code)
	return &fullError{told: told, detail: fmt.Sprintf(detail, most)}
}

// newRooms are the rooms of the banks that apps can call.
func newRooms(c Config) map[string]*room {
	all := make(map[string]*room)
	for bank := range c.BankAPIs {
		all[bank] = &room{most: int64(c.CallsAtOnce[bank])}
	}
	return all
}
