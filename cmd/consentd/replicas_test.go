package main

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox"
)

// slowRefresh gives every request the time to arrive while the first one is
// still at the bank.
const slowRefresh = 400 * time.Millisecond

// TestReplicasRefreshOnce is what consentd exists for: 200 requests at once,
// over two replicas on one Redis, for a token that has expired at a bank that
// ends a grant whose refresh token is used twice.
func TestReplicasRefreshOnce(t *testing.T) {
	t.Parallel()
	const requests = 200
	s := newSite(t, redistest.Start(t))
	s.replica()
	s.replica()
	id := s.grant()
	first := s.call("POST", s.url()+"/v1/consents/"+string(id)+"/token", nil)
	if first.status != http.StatusOK {
		t.Fatalf("token = %d %v", first.status, first.json)
	}
	s.ahead.Add(int64(10 * time.Minute))
	s.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: slowRefresh})

	var all sync.WaitGroup
	answers := make([]reply, requests)
	errs := make([]error, requests)
	for i := range requests {
		address := s.servers[i%2].URL + "/v1/consents/" + string(id) + "/token"
		all.Go(func() { answers[i], errs[i] = call(t, s.key, "POST", address, nil) })
	}
	all.Wait()

	fresh := answers[0].str("access_token")
	if fresh == "" || fresh == first.str("access_token") {
		t.Fatal("the first answer has no new token")
	}
	for i, a := range answers {
		must(t, errs[i])
		if a.status != http.StatusOK {
			t.Fatalf("answer %d = %d %v", i, a.status, a.json)
		}
		if a.str("access_token") != fresh {
			t.Fatalf("answer %d has another token than answer 0", i)
		}
	}
	if got := s.bank.Refreshes(); got != 1 {
		t.Errorf("%d refreshes at the bank, want 1", got)
	}
	if got := s.bank.Calls(sandbox.EndpointToken); got != 2 {
		t.Errorf("%d calls of the token endpoint, want 2: the code, and one refresh", got)
	}
	s.wantsNoSecretsLogged(fresh, first.str("access_token"))
}

// wantsNoSecretsLogged looks for canaries in everything that was logged.
func (s *site) wantsNoSecretsLogged(tokens ...string) {
	s.t.Helper()
	text := s.log.String()
	for _, canary := range append(tokens, secret, customer, gudrunID, s.key.Reveal()) {
		if strings.Contains(text, canary) {
			s.t.Error("the log holds a secret or personal data")
		}
	}
}

// gate stops requests to the bank's token endpoint on their way back, when
// the bank has done its work.
type gate struct {
	http.RoundTripper
	closed  bool
	arrived chan struct{}
	open    chan struct{}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := g.RoundTripper.RoundTrip(r)
	if g.closed && strings.HasSuffix(r.URL.Path, "/token.oauth2") {
		g.arrived <- struct{}{}
		<-g.open
	}
	return res, err
}

// TestRedisGoesAwayDuringRefresh pulls the plug at the worst moment: the bank
// has replaced the refresh token, and nobody has stored the new one yet.
func TestRedisGoesAwayDuringRefresh(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept := []string{"--dir", dir, "--appendfsync", "always"} // everysec may answer before the file has it
	s := newSite(t, redistest.Start(t, kept...))
	g := &gate{RoundTripper: s.bank, arrived: make(chan struct{}), open: make(chan struct{})}
	s.door = g
	s.replica()
	id := s.grant()
	address := s.url() + "/v1/consents/" + string(id) + "/token"

	s.ahead.Add(int64(10 * time.Minute))
	g.closed = true
	type result struct {
		reply
		err error
	}
	waiting := make(chan result, 1)
	go func() {
		r, err := call(t, s.key, "POST", address, nil)
		waiting <- result{r, err}
	}()
	<-g.arrived
	s.redis.Kill()
	close(g.open)

	down := s.call("POST", address, nil)
	if down.status != http.StatusServiceUnavailable || down.str("code") != "store-unavailable" || down.header.Get("Retry-After") == "" {
		t.Errorf("without Redis: %d %v, Retry-After %q", down.status, down.json, down.header.Get("Retry-After"))
	}
	select {
	case early := <-waiting:
		t.Fatalf("the token was answered before it was stored: %d %v", early.status, early.err)
	default:
	}

	_, port, err := net.SplitHostPort(s.redis.Addr)
	must(t, err)
	redistest.Start(t, append(kept, "--port", port)...) // the same server, from its append-only file
	got := <-waiting
	must(t, got.err)
	if got.status != http.StatusOK || got.str("access_token") == "" {
		t.Fatalf("after Redis came back: %d %v", got.status, got.json)
	}
	again := s.call("POST", address, nil)
	if again.str("access_token") != got.str("access_token") || s.bank.Refreshes() != 1 {
		t.Errorf("the refreshed grant was not kept: %d refreshes", s.bank.Refreshes())
	}
}
