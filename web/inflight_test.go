package web_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web"
)

// slow is a bank whose API answers when it is let.
type slow struct {
	bank    http.RoundTripper
	arrived chan struct{}
	let     chan struct{}
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/Payments") {
		s.arrived <- struct{}{}
		<-s.let
	}
	return s.bank.RoundTrip(r)
}

// hanging is a world whose bank is slow, with calls of the app open there.
func hanging(t *testing.T, n int, with setting) (w *world, id string, end func()) {
	t.Helper()
	s := &slow{arrived: make(chan struct{}, n+1), let: make(chan struct{})}
	w, _, id = granted(t, func(set *settings) {
		set.bankDoor = func(r http.RoundTripper) http.RoundTripper { s.bank = r; return s }
		set.operations, set.calls = web.Operations, []string{"GET " + transfers + "/*"}
	}, with)
	open := sync.OnceFunc(func() { close(s.let) })
	t.Cleanup(open) // before the server waits for its calls
	answers := make(chan int, n)
	for range n {
		go func() { answers <- w.callBank(id, "GET", transfers+"/x", "").status }()
	}
	for range n {
		select {
		case <-s.arrived:
		case got := <-answers:
			t.Fatalf("a call was answered before it reached the bank: %d", got)
		}
	}
	return w, id, func() {
		open()
		for range n {
			if got := <-answers; got == http.StatusTooManyRequests || got == http.StatusServiceUnavailable {
				t.Errorf("a call that had a place = %d", got)
			}
		}
	}
}

// openCalls is the gauge of a bank.
func (w *world) openCalls() float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	w.check(err)
	for _, f := range families {
		if f.GetName() == "consentd_bank_calls_in_flight" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func TestOneAppsCallsAreBounded(t *testing.T) {
	t.Parallel()
	w, id, end := hanging(t, 2, func(s *settings) { s.open = 2 })
	if got := w.openCalls(); got != 2 {
		t.Errorf("%v calls are measured, want 2", got)
	}
	r := w.callBank(id, "GET", transfers+"/x", "")
	r.wants(t, http.StatusTooManyRequests, "rate-limited")
	if r.header.Get("Retry-After") != "1" || !strings.Contains(r.str("detail"), "2 calls to banks open") || r.header.Get("Consentd-Answer") != "" {
		t.Errorf("Retry-After %q: %s", r.header.Get("Retry-After"), r.text)
	}
	if n := w.metric("consentd_denied_requests_total", "rate-limited"); n != 1 {
		t.Errorf("%v denials are counted, want 1", n)
	}
	records, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if len(records) != 2 {
		t.Errorf("%d hand-outs, want those of the two calls that were made", len(records))
	}
	if got := w.status(id); got != "valid" {
		t.Errorf("a look meanwhile finds %s", got)
	}
	end()
	if again := w.callBank(id, "GET", transfers+"/x", ""); again.header.Get("Consentd-Answer") != "bank" {
		t.Errorf("with a place again = %d %s", again.status, again.text)
	}
	if got := w.openCalls(); got != 0 {
		t.Errorf("%v calls are measured after the last", got)
	}
}

func TestOneBanksCallsAreBounded(t *testing.T) {
	t.Parallel()
	w, id, end := hanging(t, 1, func(s *settings) { s.open, s.openAtBank = 2, 1 })
	for range 3 { // the app's own places are given back
		r := w.callBank(id, "GET", transfers+"/x", "")
		r.wants(t, http.StatusServiceUnavailable, "bank-unavailable")
		if r.header.Get("Retry-After") != "1" || !strings.Contains(r.str("detail"), "1 calls to this bank are open") {
			t.Errorf("Retry-After %q: %s", r.header.Get("Retry-After"), r.text)
		}
	}
	if n := w.metric("consentd_denied_requests_total", "bank-unavailable"); n != 3 {
		t.Errorf("%v denials are counted, want 3", n)
	}
	end()
	if again := w.callBank(id, "GET", transfers+"/x", ""); again.header.Get("Consentd-Answer") != "bank" {
		t.Errorf("with a place again = %d %s", again.status, again.text)
	}
}
