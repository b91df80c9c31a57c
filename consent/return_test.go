package consent_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

func TestReturnThatDoesNotBelong(t *testing.T) {
	tests := map[string]struct {
		forge func(*consent.Arrival)
		want  error
	}{
		"no state":            {func(a *consent.Arrival) { a.State = "" }, consent.ErrFlowGone},
		"unknown state":       {func(a *consent.Arrival) { a.State = "forged" }, consent.ErrFlowGone},
		"another browser":     {func(a *consent.Arrival) { a.Browser = "another" }, consent.ErrForeignBrowser},
		"no cookie":           {func(a *consent.Arrival) { a.Browser = "" }, consent.ErrForeignBrowser},
		"another bank's path": {func(a *consent.Arrival) { a.Bank = "other" }, consent.ErrForgedReturn},
		"another issuer":      {func(a *consent.Arrival) { a.Issuer = issuer + "/" }, consent.ErrForgedReturn},
		"no issuer":           {func(a *consent.Arrival) { a.Issuer = "" }, consent.ErrForgedReturn},
		"code and error":      {func(a *consent.Arrival) { a.Error = "access_denied" }, consent.ErrForgedReturn},
		"neither":             {func(a *consent.Arrival) { a.Code = "" }, consent.ErrForgedReturn},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.ask(t, consent.Request{Expected: gudrunID})
				good := p.arrival(t, sandbox.Customer{User: gudrun})
				forged := good
				test.forge(&forged)
				wantErr(t, second(h.Return(t.Context(), forged)), test.want)
				if h.bank.Calls(sandbox.EndpointToken) != 0 {
					t.Error("a forged return reached the bank")
				}
				ref, err := h.Return(t.Context(), good) // and burnt nothing
				must(t, err)
				r, err := h.Result(t.Context(), ref, p.browser)
				must(t, err)
				wantEnding(t, r, consent.EndConnected)
			})
		})
	}
}

func TestReturnTwiceIsOneExchange(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		a := p.arrival(t, sandbox.Customer{User: gudrun})
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				ref, err := h.Return(t.Context(), a)
				if err != nil || ref == "" {
					t.Errorf("Return = %q, %v", ref, err)
				}
			})
		}
		all.Wait()
		ref, err := h.Return(t.Context(), a)
		must(t, err)
		r, err := h.Result(t.Context(), ref, p.browser)
		must(t, err)
		wantEnding(t, r, consent.EndConnected)
		if n := h.bank.Calls(sandbox.EndpointToken); n != 1 {
			t.Errorf("%d exchanges, want 1", n)
		}
		wantErr(t, second(h.Result(t.Context(), ref, "another")), consent.ErrForeignBrowser)
	})
}

func TestBankDownOnTheWayLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.bank.Fail(sandbox.EndpointDiscovery, 1, sandbox.Fault{HTML: true, Status: 502})
		p := h.ask(t, consent.Request{Expected: gudrunID})
		wantErr(t, second(h.Begin(t.Context(), p.link, p.browser, "1")), consent.ErrBankUnavailable)
		time.Sleep(2 * time.Minute)
		for _, f := range []sandbox.Fault{{}, {Hang: true}, {Status: 429, RetryAfter: time.Second}, {HTML: true}} {
			h.bank.Fail(sandbox.EndpointToken, 1, f)
			wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndBankDown)
			p.wantStatus(t, consent.Received, "")
		}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
	})
}

func TestStoreDownOnTheWayLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		down := func(f func()) { h.redis.SetError("LOADING"); f(); h.redis.SetError("") }
		p := h.ask(t, consent.Request{Expected: gudrunID})
		down(func() {
			_, _, err := h.Create(t.Context(), shop, consent.Request{Reference: "x", Bank: "sandbox", ReturnTo: "done"})
			wantErr(t, err, token.ErrStoreUnavailable)
			wantErr(t, second(h.Ask(t.Context(), p.link)), token.ErrStoreUnavailable)
			wantErr(t, second(h.Begin(t.Context(), p.link, p.browser, "1")), token.ErrStoreUnavailable)
		})
		a := p.arrival(t, sandbox.Customer{User: gudrun})
		down(func() { wantErr(t, second(h.Return(t.Context(), a)), token.ErrStoreUnavailable) })
		must(t, second(h.Return(t.Context(), a)))
		p.wantStatus(t, consent.Valid, "")
		down(func() {
			r := wantErr(t, second(p.token(t, consent.TokenRequest{})), token.ErrStoreUnavailable)
			if r.RetryAfter <= 0 {
				t.Error("no Retry-After")
			}
		})
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestStoreDownAfterTheExchangeIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		a := p.arrival(t, sandbox.Customer{User: gudrun})
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 2 * time.Second})
		go func() { // goes away while the bank works, and comes back
			time.Sleep(time.Second)
			h.redis.SetError("LOADING")
			time.Sleep(1500 * time.Millisecond)
			h.redis.SetError("")
		}()
		ref, err := h.Return(t.Context(), a)
		must(t, err)
		r, err := h.Result(t.Context(), ref, p.browser)
		must(t, err)
		wantEnding(t, r, consent.EndConnected)
	})
}

func TestRenewalWhoseStoringIsNotAnsweredIsNotGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		lossy := &lossyActivate{Store: h.store, until: time.Now().Add(10 * day).Add(time.Minute)}
		time.Sleep(10 * day)
		h.Service = h.replica(t, func(c *consent.Config) { c.Store = lossy })
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndUnknown)
		time.Sleep(2 * time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{})))
		time.Sleep(6 * time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

// lossyActivate stores grants, and does not say so for a while.
type lossyActivate struct {
	consent.Store
	until time.Time
}

func (s *lossyActivate) Activate(ctx context.Context, id consent.ID, a consent.Activation) error {
	err := s.Store.Activate(ctx, id, a)
	if err == nil && time.Now().Before(s.until) {
		return fmt.Errorf("%w: reply lost", token.ErrStoreUnavailable)
	}
	return err
}
