package web

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
)

func TestLimitTake(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	l := Limit{Requests: 10, Per: 10 * time.Second, Burst: 2}
	var paid time.Time
	for _, step := range []struct {
		at   time.Duration
		free int
		wait time.Duration
	}{
		{0, 1, 0}, {0, 0, 0}, {0, 0, time.Second}, {500 * time.Millisecond, 0, 500 * time.Millisecond},
		{time.Second, 0, 0}, {time.Second, 0, time.Second}, {time.Hour, 1, 0},
		{-time.Hour, 0, time.Second}, // the clock was put back: no more than a burst is owed
		{-time.Hour + time.Second, 0, 0},
	} {
		var s standing
		paid, s = l.take(paid, start.Add(step.at))
		if s.free != step.free || s.wait != step.wait {
			t.Errorf("at %s: free %d, wait %s; want %d, %s", step.at, s.free, s.wait, step.free, step.wait)
		}
	}
}

func TestAddressesAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	a := newAddresses(Limit{Requests: 1, Per: time.Hour})
	a.most = 100
	for i := range 1000 {
		if err := a.take(fmt.Sprintf("10.0.%d.%d", i/250, i%250), now); err != nil {
			t.Fatalf("address %d: %v", i, err)
		}
		if err := a.take("192.0.2.1", now); (err == nil) != (i == 0) {
			t.Fatalf("an address that keeps calling is forgotten after %d others: %v", i, err)
		}
	}
	if n := len(a.young) + len(a.old); n > 200 {
		t.Errorf("%d addresses are remembered, want 200 at most", n)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"2001:db8::1", "2001:db8::ffff:1"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"nonsense", ""}, {"fe80::1%eth0", "fe80::2"},
	} {
		if network(same[0]) != network(same[1]) {
			t.Errorf("%s and %s count apart", same[0], same[1])
		}
	}
	for _, apart := range [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}} {
		if network(apart[0]) == network(apart[1]) {
			t.Errorf("%s and %s count together", apart[0], apart[1])
		}
	}
}

func TestRoutesWithoutAnOperationAreRefused(t *testing.T) {
	t.Parallel()
	named := []apiRoute{{method: "GET", path: "/v1/a", operation: OpRead}, {method: "GET", path: "/v1/c"}}
	routes := []*echo.Route{{Method: "GET", Path: "/v1/a"}, {Method: "GET", Path: "/c/:link"}}
	if err := checkRoutes(routes, named); err != nil {
		t.Errorf("checkRoutes = %v", err)
	}
	for _, r := range []*echo.Route{{Method: "POST", Path: "/v1/a"}, {Method: "GET", Path: "/v1/b"}, {Method: "GET", Path: "/v1/c"}} {
		if checkRoutes(append(routes, r), named) == nil {
			t.Errorf("%s %s is served without an operation", r.Method, r.Path)
		}
	}
}

func TestLimitsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	for _, l := range []Limit{{Requests: -1}, {Requests: 1}, {Requests: 1, Per: -1}, {Requests: 2, Per: 1}, {Requests: 1, Per: 1, Burst: 2}} {
		if l.check() == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
	if _, err := newClients([]AppKeys{{App: consent.App{ID: "a"}, Operations: []Operation{"fly"}}}); err == nil {
		t.Error("an operation that does not exist is accepted")
	}
	if !errors.Is(&limitError{}, errRateLimited) {
		t.Error("a limit's error has no answer")
	}
}

// TestDescriptionsFitOAuth: RFC 6749 section 5.2 allows few characters there.
func TestDescriptionsFitOAuth(t *testing.T) {
	t.Parallel()
	for _, a := range answers {
		for _, r := range a.detail {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				t.Errorf("the detail of %s holds %q", a.code, r)
			}
		}
	}
}
