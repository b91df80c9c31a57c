package client_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

// everyCall makes each call once.
var everyCall = map[string]func(context.Context, *client.Client) error{
	"Create": func(ctx context.Context, c *client.Client) error { _, err := c.Create(ctx, asked); return err },
	"Get":    func(ctx context.Context, c *client.Client) error { _, err := c.Get(ctx, "x"); return err },
	"Token": func(ctx context.Context, c *client.Client) error {
		_, err := c.Token(ctx, "x", client.TokenRequest{})
		return err
	},
	"Confirm": func(ctx context.Context, c *client.Client) error { _, err := c.Confirm(ctx, "x", "y"); return err },
	"Stop":    func(ctx context.Context, c *client.Client) error { _, err := c.Stop(ctx, "x"); return err },
	"Proof":   func(ctx context.Context, c *client.Client) error { _, err := c.Proof(ctx, "x"); return err },
	"Access":  func(ctx context.Context, c *client.Client) error { _, err := c.Access(ctx, "x", ""); return err },
	"Erase":   func(ctx context.Context, c *client.Client) error { _, err := c.Erase(ctx, "x"); return err },
	"Me":      func(ctx context.Context, c *client.Client) error { _, err := c.Me(ctx); return err },
	"Events":  func(ctx context.Context, c *client.Client) error { _, err := c.Events(ctx, "", 0); return err },
	"List": func(ctx context.Context, c *client.Client) (last error) {
		for _, err := range c.List(ctx, client.Filter{}) {
			last = err
		}
		return last
	},
	"Renew": func(ctx context.Context, c *client.Client) error { _, err := c.Renew(ctx, "x"); return err },
	"Report": func(ctx context.Context, c *client.Client) error {
		_, err := c.Report(ctx, "x", client.Refusal{Status: 401})
		return err
	},
}

// harmful are the calls that are never repeated.
var harmful = map[string]bool{"Renew": true, "Report": true}

const problemJSON = "application/problem+json"

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	answers := []struct {
		name   string
		answer trip
		again  bool
	}{
		{"no answer", func(*http.Request) (*http.Response, error) { return nil, errors.New("reset") }, true},
		{"503 that says when", saying(503, problemJSON, `{"code":"store-unavailable"}`, "Retry-After", "2"), true},
		{"503 of a proxy that says when", saying(503, "text/html", "", "Retry-After", "1"), true},
		{"503 that says nothing", saying(503, problemJSON, `{"code":"store-unavailable"}`), false},
		{"503 that says later", saying(503, problemJSON, `{"code":"bank-unavailable"}`, "Retry-After", "5"), false},
		{"429", saying(429, problemJSON, `{"code":"rate-limited"}`, "Retry-After", "1"), false},
		{"500", saying(500, problemJSON, `{"code":"internal-error"}`, "Retry-After", "1"), false},
		{"502", saying(502, "text/html", "", "Retry-After", "1"), false},
		{"410", saying(410, problemJSON, `{"code":"consent-expired"}`, "Retry-After", "1"), false},
		{"an answer that is not JSON", saying(200, "text/html", "<h1>"), false},
	}
	for _, a := range answers {
		for name, call := range everyCall {
			t.Run(name+" after "+a.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					calls, ids, keys := 0, make(map[string]bool), make(map[string]bool)
					c := configured(t, clienttest.New(), through(func(r *http.Request) (*http.Response, error) {
						calls++
						ids[r.Header.Get("X-Request-Id")], keys[r.Header.Get("Idempotency-Key")] = true, true
						return a.answer(r)
					}))
					if err := call(t.Context(), c); err == nil {
						t.Error("no error")
					}
					want := 1
					if a.again && !harmful[name] {
						want = 3
					}
					if calls != want || len(ids) != 1 || len(keys) != 1 || keys[""] == (name == "Create") {
						t.Errorf("%d calls with %d request ids and %d keys, want %d, 1 and 1", calls, len(ids), len(keys), want)
					}
				})
			})
		}
	}
}

func TestRepeatingHasBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		s.StoreDown(true)
		calls := func(ctx context.Context, change func(*client.Config)) int {
			before := len(s.Calls())
			_, err := configured(t, s, change).Get(ctx, "x")
			wants(t, err, client.ErrStoreUnavailable, client.ErrUnavailable)
			return len(s.Calls()) - before
		}
		if n := calls(t.Context(), func(c *client.Config) { c.Repeats = -1 }); n != 1 {
			t.Errorf("%d calls with repeating switched off", n)
		}
		if n := calls(t.Context(), func(c *client.Config) { c.LongestWait = time.Second }); n != 1 {
			t.Errorf("%d calls although the wait is too long", n)
		}
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n := calls(ctx, func(*client.Config) {}); n != 1 || time.Since(start) != 0 {
			t.Errorf("%d calls in %v although the context ends before the wait", n, time.Since(start))
		}
	})
}

func TestACreateWhoseAnswerIsLostMakesOneConsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		c := s.Client()
		s.Lose(2)
		made, err := c.Create(t.Context(), asked)
		must(t, err)
		n := 0
		for _, err := range c.List(t.Context(), client.Filter{}) {
			must(t, err)
			n++
		}
		if n != 1 || !made.Replayed || made.Page.URL == "" {
			t.Errorf("%d consents after one Create, replayed: %v", n, made.Replayed)
		}
		if again, err := c.Create(t.Context(), asked); err != nil || again.ID == made.ID {
			t.Errorf("a second Create = %+v, %v; want a consent of its own", again, err)
		}
		r := asked
		r.IdempotencyKey = "order-1"
		first, err := c.Create(t.Context(), r)
		must(t, err)
		if again, err := c.Create(t.Context(), r); err != nil || again.ID != first.ID {
			t.Errorf("Create with the same key = %v, %v", again.ID, err)
		}
		r.Language = "is"
		_, err = c.Create(t.Context(), r)
		wants(t, err, client.ErrIdempotencyKeyReused)
	})
}
