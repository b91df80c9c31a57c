package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
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
		var s Standing
		paid, s = l.Take(paid, start.Add(step.at))
		if s.Free != step.free || s.Wait != step.wait {
			t.Errorf("at %s: free %d, wait %s; want %d, %s", step.at, s.Free, s.Wait, step.free, step.wait)
		}
	}
}

func TestAddressesAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	a := NewAddresses(Limit{Requests: 1, Per: time.Hour})
	a.most = 100
	for i := range 1000 {
		if wait := a.Take(fmt.Sprintf("10.0.%d.%d", i/250, i%250), now); wait > 0 {
			t.Fatalf("address %d waits %s", i, wait)
		}
		if wait := a.Take("192.0.2.1", now); (wait == 0) != (i == 0) {
			t.Fatalf("an address that keeps calling is forgotten after %d others: %s", i, wait)
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

func TestLimitsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	for _, l := range []Limit{{Requests: -1}, {Requests: 1}, {Requests: 1, Per: -1}, {Requests: 2, Per: 1}, {Requests: 1, Per: 1, Burst: 2}} {
		if l.Check() == nil {
			t.Errorf("%+v is accepted", l)
		}
	}
}

func TestClientAddressNeedsATrustedProxy(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.0.0.7:1234"
	r.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.9")
	r.Header.Set("X-Real-Ip", "198.51.100.2")
	for want, proxies := range map[string][]netip.Prefix{
		"10.0.0.7":     nil,
		"203.0.113.9":  {netip.MustParsePrefix("10.0.0.7/32")},
		"198.51.100.1": {netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("203.0.113.9/32")},
	} {
		if got := IPExtractor(proxies)(r); got != want {
			t.Errorf("with proxies %v the client is %s, want %s", proxies, got, want)
		}
	}
}

// TestPanics: what a handler panicked with may be a secret; what the runtime
// says is none.
func TestPanics(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	guard := func(next func() error) error {
		return Guard(slog.New(slog.NewTextHandler(&log, nil)), next, slog.String("route", "/x"))
	}
	var none map[string]int
	if err := guard(func() error { panic("a-secret") }); !errors.Is(err, ErrPanic) {
		t.Errorf("Guard = %v", err)
	}
	if err := guard(func() error { none["a"] = 1; return nil }); !errors.Is(err, ErrPanic) {
		t.Errorf("Guard = %v", err)
	}
	if err := guard(func() error { return http.ErrNoCookie }); !errors.Is(err, http.ErrNoCookie) {
		t.Errorf("Guard = %v", err)
	}
	if text := log.String(); strings.Contains(text, "a-secret") || !strings.Contains(text, "panic=string") || !strings.Contains(text, "nil map") || !strings.Contains(text, "route=/x") {
		t.Errorf("log:\n%s", text)
	}
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("an aborted answer became %v", v)
		}
	}()
	_ = guard(func() error { panic(http.ErrAbortHandler) })
}
