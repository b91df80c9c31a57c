package consent_test

import (
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

func TestTokenIsRefreshedOnDemandOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		first, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		time.Sleep(6 * time.Minute)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 2 * time.Second})
		var all sync.WaitGroup
		var mu sync.Mutex
		seen := make(map[token.Secret]int)
		for range 50 {
			all.Go(func() {
				got, err := p.token(t, consent.TokenRequest{})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				seen[got.Access.Token]++
			})
		}
		all.Wait()
		if len(seen) != 1 || seen[first.Access.Token] != 0 || h.bank.Refreshes() != 1 {
			t.Errorf("%d tokens after %d refreshes, want one new token after one", len(seen), h.bank.Refreshes())
		}
	})
}

func TestTokenIsRefreshedAheadWhileTheOldOneServes(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		first, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		time.Sleep(time.Until(first.Access.Expiry) - 15*time.Second)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 4 * time.Second})
		begun := time.Now()
		for range 20 {
			got, err := p.token(t, consent.TokenRequest{})
			must(t, err)
			if got.Access.Token != first.Access.Token || time.Since(begun) > 3*time.Second {
				t.Fatal("the caller waited for a refresh although the old token serves")
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		got, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		if got.Access.Token == first.Access.Token || h.bank.Refreshes() != 1 {
			t.Errorf("not refreshed ahead: %d refreshes", h.bank.Refreshes())
		}
	})
}

func TestBankEndsTheGrant(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		if h.bank.Withdraw(gudrun, "consentd") != 1 {
			t.Fatal("nothing to withdraw")
		}
		time.Sleep(6 * time.Minute)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		if r.Cause.Code != consent.CauseRefused || r.Renewal == nil {
			t.Errorf("refusal = %+v", r)
		}
		p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
		calls := h.bank.Calls(sandbox.EndpointToken)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		if h.bank.Calls(sandbox.EndpointToken) != calls {
			t.Error("a dead grant was tried again")
		}
		p.link = r.Renewal.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestBankDownAtRefreshEndsNothing(t *testing.T) {
	faults := map[string]sandbox.Fault{
		"500": {}, "503": {Status: 503, RetryAfter: 30 * time.Second}, "429": {Status: 429, RetryAfter: 7 * time.Second},
		"HTML": {HTML: true}, "hang": {Hang: true}, "dropped": {Drop: true},
		"invalid_client": {Status: 401, Body: `{"error":"invalid_client"}`},
		"odd error":      {Status: 400, Body: `{"error":"something_new"}`},
		"not JSON":       {Status: 400, Body: "no"},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.granted(t)
				time.Sleep(6 * time.Minute)
				h.bank.Fail(sandbox.EndpointToken, 1, fault)
				r := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrBankUnavailable)
				if r.RetryAfter < time.Second || r.RetryAfter < fault.RetryAfter {
					t.Errorf("Retry-After %s", r.RetryAfter)
				}
				calls := h.bank.Calls(sandbox.EndpointToken)
				wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrBankUnavailable)
				if h.bank.Calls(sandbox.EndpointToken) != calls {
					t.Error("each caller repeats a failed refresh")
				}
				p.wantStatus(t, consent.Valid, "")
				time.Sleep(r.RetryAfter + time.Second)
				must(t, second(p.token(t, consent.TokenRequest{})))
			})
		})
	}
}

func TestRotationLostSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(6 * time.Minute)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{LoseAnswer: true})
		r := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrBankUnavailable)
		time.Sleep(r.RetryAfter + time.Second)
		refusal := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRenewalRequired)
		if refusal.Cause.Code != consent.CauseLost || refusal.Renewal == nil {
			t.Errorf("refusal = %+v", refusal)
		}
	})
}

func TestMinTTLThatNeverFitsIsSaidAndNotHammered(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 3 * time.Second})
		time.Sleep(time.Minute)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{MinTTL: 5*time.Minute - time.Second})), consent.ErrLifetime)
		if h.bank.Refreshes() > 1 || r.Longest != 5*time.Minute {
			t.Errorf("%d refreshes, longest %s", h.bank.Refreshes(), r.Longest)
		}
	})
}
