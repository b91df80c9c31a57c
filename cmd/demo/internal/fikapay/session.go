package fikapay

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

// cookieName differs from the cookies of consentd and of the bank: browsers
// send cookies of localhost to every port of it.
const cookieName = "fikapay_session"

// sessions are the browsers that are signed in, and what the customers have.
type sessions struct {
	mu       sync.Mutex
	all      map[string]*session // by cookie
	consents map[string]string   // consent id by customer: it is the customer's, not the browser's
}

// session is one browser that is signed in.
type session struct {
	customer Customer

	mu       sync.Mutex
	pending  string // consent that this browser set out to the bank for
	expects  bool   // consentd was told whom to expect there
	told     *notice
	payments map[string]*payment // by order
	recent   []*payment          // newest first
}

// Bounds, so that a demo left running does not grow.
const (
	mostSessions = 1000
	mostPayments = 50
	sessionLife  = 12 * time.Hour
)

// of finds the session of the browser that sent r, or nil.
func (s *sessions) of(r *http.Request) *session {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[cookie.Value]
}

// open signs a customer in, in a session that nobody has known before.
func (s *sessions) open(w http.ResponseWriter, c Customer) {
	id := newID()
	s.mu.Lock()
	if len(s.all) >= mostSessions {
		clear(s.all)
	}
	s.all[id] = &session{customer: c, payments: make(map[string]*payment)}
	s.mu.Unlock()
	setCookie(w, id, sessionLife)
}

func (s *sessions) close(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.all, cookie.Value)
		s.mu.Unlock()
	}
	setCookie(w, "", -time.Second)
}

// consent is the id of a customer's consent; empty: there is none.
func (s *sessions) consent(customer string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.consents[customer]
}

func (s *sessions) keepConsent(customer, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.consents[customer] = id
}

func setCookie(w http.ResponseWriter, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, // http on localhost: Secure would keep it away
	})
}

// keep remembers a payment under its order.
func (s *session) keep(p *payment) {
	if len(s.recent) >= mostPayments {
		clear(s.payments)
		s.recent = nil
	}
	s.payments[p.Order] = p
	s.recent = append([]*payment{p}, s.recent...)
}

// newID makes 32 hex digits: a session, or an X-Request-ID as the bank wants it.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
