package web_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// down stops Redis for the length of one call.
func (w *world) down(during func() reply) reply {
	w.t.Helper()
	w.check(w.service.Settle(w.t.Context())) // or what is under way fails, and is tried again much later
	w.redis.SetError("LOADING Redis is loading the dataset in memory")
	defer w.redis.SetError("")
	return during()
}

func TestStoreOutageLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := object{"customer_reference": "a", "bank": "sandbox", "return_to": "done", "expected_national_id": gudrunID}
	api := func(method, path string, body any) {
		t.Helper()
		r := w.down(func() reply { return w.call(w.key, method, path, body) })
		r.wants(t, http.StatusServiceUnavailable, "store-unavailable")
		if r.header.Get("Retry-After") == "" || r.json["retry_after"] == nil {
			t.Errorf("%s %s without Retry-After", method, path)
		}
	}
	page := func(look func() reply) {
		t.Helper()
		r := w.down(look)
		r.says(t, "Nothing is lost", `class="button" href="`)
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("page = %d", r.status)
		}
	}
	api("POST", "/v1/consents", body)
	created := w.call(w.key, "POST", "/v1/consents", body)
	id, link := created.str("id"), strings.TrimPrefix(created.str("page_url"), w.url)
	api("GET", "/v1/consents/"+id, nil)
	api("POST", "/v1/consents/"+id+"/token", nil)
	api("POST", "/v1/consents/"+id+"/renewal", nil)
	api("POST", "/v1/consents/"+id+"/confirm", object{"code": "x"})

	b := w.newBrowser()
	page(func() reply { return b.get(link) })
	b.get(link)
	page(func() reply { return b.press(link) })
	callback := b.atBank(b.toBank(link), sandbox.Customer{User: gudrun})
	page(func() reply { return b.get(callback) })
	result := b.get(callback).header.Get("Location")
	page(func() reply { return b.get(result) })
	page(func() reply { return b.get(result + "/return") })
	page(func() reply { return b.press(result + "/retry") })
	b.get(result).says(t, "Landsbankinn is connected")
	api("POST", "/v1/consents/"+id+"/token", nil)
	if r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil); r.status != http.StatusOK {
		t.Errorf("token = %d %s", r.status, r.text)
	}
}

func TestBankOutageAtTheButton(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, link := w.ask(nil)
	b := w.newBrowser()
	b.get(link)
	w.bank.Fail(sandbox.EndpointDiscovery, 1, sandbox.Fault{Status: 503})
	r := b.press(link)
	r.says(t, "The bank does not answer", "nothing is lost", "Try again")
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("status = %d, want 503", r.status)
	}
	w.pass(2 * time.Minute)
	b.toBank(link)
}

func TestBankOutageAtTheHandOut(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(10 * time.Minute) // the access token is stale
	w.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: 503})
	r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	r.wants(t, http.StatusServiceUnavailable, "bank-unavailable")
	if r.header.Get("Retry-After") == "" || r.str("renewal_url") != "" {
		t.Errorf("problem = %s", r.text)
	}
	if got := w.status(id); got != "valid" {
		t.Errorf("status = %s, want valid", got)
	}
}

func TestWithdrawnAtTheBank(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.bank.Withdraw(gudrun, "")
	w.pass(10 * time.Minute)
	r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	r.wants(t, http.StatusGone, "consent-revoked")
	if cause, _ := r.json["cause"].(map[string]any); cause["actor"] != "bank" && cause["actor"] != "customer" {
		t.Errorf("problem = %s", r.text)
	}
	page := strings.TrimPrefix(r.str("renewal_url"), w.url)
	w.newBrowser().get(page).says(t, "Connect Landsbankinn to Súpubúðin again?")
}

// unhurried is a store that answers a hand-out however late it is, so that
// only the bank can be what was waited for.
type unhurried struct{ consent.Store }

func (s unhurried) HandOut(ctx context.Context, r consent.HandOutRequest) (consent.HandOut, error) {
	return s.Store.HandOut(context.WithoutCancel(ctx), r)
}

// gate keeps what goes to the bank's token endpoint waiting while it is shut.
type gate struct {
	http.RoundTripper
	shut   atomic.Bool
	open   chan struct{}
	gaveUp atomic.Bool
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if g.shut.Load() && strings.HasSuffix(r.URL.Path, "/token.oauth2") {
		select {
		case <-g.open:
		case <-r.Context().Done():
			g.gaveUp.Store(true)
		}
	}
	return g.RoundTripper.RoundTrip(r)
}

func TestHandOutDoesNotWaitForever(t *testing.T) {
	t.Parallel()
	g := &gate{open: make(chan struct{})}
	w, _, id := granted(t, func(s *settings) {
		s.deadline = 50 * time.Millisecond
		s.store = func(store consent.Store) consent.Store { return unhurried{store} }
		s.bankDoor = func(bank http.RoundTripper) http.RoundTripper { g.RoundTripper = bank; return g }
	})
	w.pass(10 * time.Minute)
	g.shut.Store(true)
	defer close(g.open)
	r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	r.wants(t, http.StatusServiceUnavailable, "bank-unavailable")
	if g.gaveUp.Load() {
		t.Error("it was answered only when the bank's own time was over")
	}
	if r.header.Get("Retry-After") == "" {
		t.Errorf("problem = %s", r.text)
	}
}
