// Package clienttest is a consentd for tests of payment services: the API as
// [client.Client] uses it, in memory, without customers, banks or Redis.
//
// It knows what an app can see, and nothing of how consentd comes to it: what
// a customer or a bank would do, the test says ([Server.Approve],
// [Server.Revoke], [Server.BankDown] …). It checks no permissions and forgets
// everything when the test ends.
//
//	s := clienttest.Start()
//	defer s.Close()
//	id := s.Grant(client.Request{Reference: "customer-4711", Bank: "landsbankinn"})
//	shop := NewShop(s.Client())
//	s.Revoke(id)
//	// … and the shop says what it ought to
package clienttest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/consentd/consentd/client"
)

// Key is the API key that every fake takes, and NationalID who grants where
// nobody else was expected.
const (
	Key        = client.Secret("ck_for_tests_only")
	NationalID = client.Secret("0401809999")
)

// Lifetimes of what is granted and handed out.
const (
	ConsentLife = 90 * 24 * time.Hour
	TokenLife   = 5 * time.Minute
)

// Server is the fake. Its methods may be used concurrently.
type Server struct {
	listening *httptest.Server // nil: not on a socket

	mu        sync.Mutex
	ahead     time.Duration
	consents  []*consent // in the order in which they were made
	keys      map[string]made
	events    []event
	told      chan struct{} // closed and replaced with every event
	calls     []Call
	bankDown  bool
	storeDown bool
	limited   bool
	lose      int
	business  []string
	serial    int
}

// Call is a request that reached the fake.
type Call struct {
	Method, Path   string
	RequestID      string
	IdempotencyKey string
	Status         int // of the answer, which may have been lost
}

// New makes a fake without a socket: [Server.Client] reaches it within the
// process, so that it can be used in a testing/synctest bubble.
func New() *Server { return &Server{keys: make(map[string]made), told: make(chan struct{})} }

// Start makes a fake that listens on a port of this machine, until Close.
func Start() *Server {
	s := New()
	s.listening = httptest.NewServer(s)
	return s
}

// Close ends the listening, if there was any.
func (s *Server) Close() {
	if s.listening != nil {
		s.listening.Close()
	}
}

// inProcess is the address of a fake that has none.
const inProcess = "https://consentd.test"

// URL is where the fake can be reached.
func (s *Server) URL() string {
	if s.listening == nil {
		return inProcess
	}
	return s.listening.URL
}

// Config is what a client of the fake needs; change what the test is about.
func (s *Server) Config() client.Config {
	c := client.Config{BaseURL: s.URL(), Key: Key}
	if s.listening == nil {
		c.HTTPClient = &http.Client{Transport: s}
	}
	return c
}

// Client makes a client of the fake.
func (s *Server) Client() *client.Client {
	c, err := client.New(s.Config())
	if err != nil {
		panic(err) // the configuration is ours
	}
	return c
}

// Calls are the requests so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Count is how many of the calls went to a path.
func (s *Server) Count(method, path string) int {
	n := 0
	for _, c := range s.Calls() {
		if c.Method == method && c.Path == path {
			n++
		}
	}
	return n
}

// now is called with mu held.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead).UTC() }

// Advance moves the fake's clock: tokens and consents end when it says so, and
// the app is warned, of each consent once, where several days have passed on
// which it would have been.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	for _, c := range s.consents {
		s.warn(c)
	}
}
