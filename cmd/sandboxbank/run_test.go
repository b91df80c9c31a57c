package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is a standard output that a test may read while run writes.
type screen struct {
	mu    sync.Mutex
	text  strings.Builder
	ready chan string // receives the bank's address once
	once  sync.Once
}

var address = regexp.MustCompile(`open +(http://\S+)`)

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	if m := address.FindStringSubmatch(s.text.String()); m != nil && s.ready != nil {
		s.once.Do(func() { s.ready <- m[1] })
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestRunServesUntilItIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &screen{ready: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "localhost:0", "-rotation", "grace:30s", "-admin-token", "secret-token",
			"-client", "a:b:c:http://localhost:1/cb,http://localhost:2/cb"}, out)
	}()
	var base string
	select {
	case base = <-out.ready:
	case err := <-ended:
		t.Fatalf("run = %v", err)
	}
	res, err := http.Get(base + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || !strings.Contains(string(body), `"issuer":"`+base+`"`) {
		t.Errorf("discovery = %s, %v, want issuer %s", body, err, base)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run = %v, want nil after its context ended", err)
	}
	for _, want := range []string{"no real money", "grace:30s", "id a", "http://localhost:2/cb", "/admin/"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the start says nothing of %q:\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "secret-token") {
		t.Error("the start prints the admin token")
	}
}

// TestRunServesACompany beside the bank, where staff sign in.
func TestRunServesACompany(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &screen{ready: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "localhost:0", "-staff-addr", "localhost:0", "-staff-client", "console:s3:http://staff.localhost:8081"}, out)
	}()
	select {
	case <-out.ready:
	case err := <-ended:
		t.Fatalf("run = %v", err)
	}
	at := regexp.MustCompile(`sign in at (http://\S+)`).FindStringSubmatch(out.String())
	if at == nil {
		t.Fatalf("the start does not say where staff sign in:\n%s", out)
	}
	res, err := http.Get(at[1] + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || !strings.Contains(string(body), `"issuer":"`+at[1]+`"`) {
		t.Errorf("discovery = %s, %v, want issuer %s", body, err, at[1])
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run = %v, want nil after its context ended", err)
	}
	for _, bad := range [][]string{{"-staff-addr", "localhost:0"}, {"-staff-client", "a:b:http://x"}, {"-staff-client", "a:b"}} {
		if err := run(t.Context(), bad, io.Discard); err == nil {
			t.Errorf("run %v succeeds", bad)
		}
	}
}

func TestRunLetsHangingAnswersGo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &screen{ready: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "localhost:0", "-admin-token", "x"}, out) }()
	base := <-out.ready
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/admin/faults", strings.NewReader(`{"endpoint":"jwks","hang":true}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer x")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	hung := make(chan error, 1)
	go func() {
		res, err := http.Get(base + "/pf/JWKS")
		if err == nil {
			_ = res.Body.Close()
		}
		hung <- err
	}()
	cancelAfterCall(t, base, cancel)
	if err := <-hung; err == nil {
		t.Error("a hanging answer arrived")
	}
	if err := <-ended; err != nil {
		t.Errorf("run = %v, want nil", err)
	}
}

// cancelAfterCall ends run once the bank has seen the call that hangs.
func cancelAfterCall(t *testing.T, base string, cancel context.CancelFunc) {
	t.Helper()
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/admin/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer x")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), `"jwks":{"calls":1`) {
			cancel()
			return
		}
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"unknown flag":      {"-nonsense"},
		"argument":          {"serve"},
		"short client":      {"-client", "a:b:c"},
		"rotation":          {"-rotation", "sometimes"},
		"address":           {"-addr", "no-port"},
		"issuer":            {"-addr", "localhost:0", "-issuer", "bank.test"},
		"relative redirect": {"-addr", "localhost:0", "-client", "a:b:c:callback"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%s: run succeeds", name)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out screen
	if err := run(t.Context(), []string{"-h"}, &out); err != nil || !strings.Contains(out.String(), "-rotation") {
		t.Errorf("run -h = %v:\n%s", err, &out)
	}
}

func TestSettings(t *testing.T) {
	t.Setenv(adminTokenVariable, "from-environment")
	s, err := parse([]string{"-access-ttl", "1m", "-grant-life", "24h", "-require-par"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	c := s.bank.Clients[0]
	if s.addr != "localhost:8082" || s.bank.AccessTTL != time.Minute || s.bank.GrantLife != 24*time.Hour || !s.bank.RequirePAR ||
		s.bank.AdminToken != "from-environment" || c.ID != "demo" || c.RedirectURIs[0] != "http://localhost:8080/callback" {
		t.Errorf("settings = %+v", s)
	}
}
