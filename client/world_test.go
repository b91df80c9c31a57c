package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

// asked is a consent of the customer whom most tests are about.
var asked = client.Request{Reference: "customer-4711", Bank: "landsbankinn", ReturnTo: "done", ExpectedNationalID: "0401809999"}

const bankURL = "https://bank.test"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t testing.TB, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("error = %v, want %v", err, w)
		}
	}
}

// configured is a client of s after a change of its configuration.
func configured(t testing.TB, s *clienttest.Server, change func(*client.Config)) *client.Client {
	t.Helper()
	config := s.Config()
	change(&config)
	c, err := client.New(config)
	must(t, err)
	return c
}

// trip is a RoundTripper that is a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// through is a client whose connections are f.
func through(f trip) func(*client.Config) {
	return func(c *client.Config) { c.HTTPClient = &http.Client{Transport: f} }
}

// saying answers everything alike.
func saying(status int, kind, body string, headers ...string) trip {
	return func(r *http.Request) (*http.Response, error) { return respond(r, status, kind, body, headers...), nil }
}

func respond(r *http.Request, status int, kind, body string, headers ...string) *http.Response {
	h := http.Header{"Content-Type": {kind}}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// bank is a bank's API that takes the live tokens of a fake.
type bank struct {
	s      *clienttest.Server
	refuse func(r *http.Request, n int) *http.Response // answers in place of the bank, or nil

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (b *bank) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests, b.bodies = append(b.requests, r), append(b.bodies, string(body))
	if b.refuse != nil {
		if res := b.refuse(r, len(b.requests)); res != nil {
			return res, nil
		}
	}
	if _, ok := b.s.Live(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); !ok {
		return respond(r, http.StatusUnauthorized, "application/json", `{"code":"ERR_80102_000","name":"Unauthorized"}`), nil
	}
	return respond(r, http.StatusCreated, "application/json", `{}`), nil
}

func (b *bank) seen() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.requests)
}

// payment is a POST with an order.
func payment(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, bankURL+"/payments", bytes.NewReader([]byte("10 ISK")))
	must(t, err)
	r.Header.Set("X-Request-ID", "payment1")
	return r
}

// newExampleBank is a bank's API that does not know the first token it gets.
func newExampleBank(s *clienttest.Server) *httptest.Server {
	first := true
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, live := s.Live(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); first || !live {
			first = false
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code": "TOKEN_UNKNOWN"}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
}
