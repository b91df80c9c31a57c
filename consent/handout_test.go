package consent_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
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

func TestTokenLifeAsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(2 * time.Minute)
		got, err := p.token(t, consent.TokenRequest{MinTTL: 4 * time.Minute})
		must(t, err)
		if left := time.Until(got.Access.Expiry); left < 4*time.Minute || h.bank.Refreshes() != 1 {
			t.Errorf("%s left after %d refreshes", left, h.bank.Refreshes())
		}
		r := wantErr(t, second(p.token(t, consent.TokenRequest{MinTTL: time.Hour})), consent.ErrLifetime)
		if r.Longest != 5*time.Minute || h.bank.Refreshes() != 1 {
			t.Errorf("longest = %s after %d refreshes, want 5m after 1: asking for too much must not wear out the bank", r.Longest, h.bank.Refreshes())
		}
	})
}

func TestTokenNeededUntil(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		must(t, second(p.token(t, consent.TokenRequest{NeededUntil: end})))
		r := wantErr(t, second(p.token(t, consent.TokenRequest{NeededUntil: end.Add(time.Minute)})), consent.ErrRenewalRequired)
		if r.Renewal == nil || !r.EndsAt.Equal(end) {
			t.Errorf("refusal = %+v", r)
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestTokenScopesAsGranted(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{Scopes: []string{"payments", "accounts"}})), consent.ErrInsufficientScope)
		if len(r.Missing) != 1 || r.Missing[0] != "accounts" {
			t.Errorf("missing = %v", r.Missing)
		}
	})
}

func TestTokenOfAnotherAppIsNotFound(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		other := shop
		other.ID = "other"
		wantErr(t, second(h.Token(t.Context(), other, p.id, consent.TokenRequest{})), consent.ErrNotFound)
		wantErr(t, second(h.Consent(t.Context(), other, p.id)), consent.ErrNotFound)
		_, _, err := h.Renew(t.Context(), other, p.id)
		wantErr(t, err, consent.ErrNotFound)
	})
}

func TestNinetyDays(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		for time.Until(end) > 12*time.Hour {
			time.Sleep(12 * time.Hour)
			got, err := p.token(t, consent.TokenRequest{})
			must(t, err)
			if !got.EndsAt.Equal(end) {
				t.Fatalf("a refresh moved the end from %s to %s", end, got.EndsAt)
			}
		}
		time.Sleep(time.Until(end) - time.Millisecond)
		must(t, second(p.token(t, consent.TokenRequest{})))
		time.Sleep(time.Millisecond)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrExpired)
		p.wantStatus(t, consent.Expired, consent.CauseLapsed)
		p.link = r.Renewal.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		if c := p.wantStatus(t, consent.Valid, ""); !c.EndsAt.After(end.Add(89 * 24 * time.Hour)) {
			t.Errorf("connected again until %s", c.EndsAt)
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestRenewalKeepsTheIDAndMovesTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		time.Sleep(80 * 24 * time.Hour)
		ask, err := h.Ask(t.Context(), p.again(t).link)
		must(t, err)
		if !ask.Renewal {
			t.Error("the page does not know that it renews")
		}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		if c := p.wantStatus(t, consent.Valid, ""); !c.EndsAt.Equal(end.Add(80 * 24 * time.Hour)) {
			t.Errorf("renewed until %s, before %s", c.EndsAt, end)
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
		synctest.Wait()
		if got := h.mail.what(); len(got) != 2 || got[1] != consent.ToldRenewed {
			t.Errorf("told %v", got)
		}
	})
}

func TestRenewalThatFailsLeavesTheLiveGrantAlone(t *testing.T) {
	tests := map[string]struct {
		do     sandbox.Customer
		fault  *sandbox.Fault
		ending consent.Ending
	}{
		"cancelled":           {do: sandbox.Customer{User: gudrun, Cancel: true}, ending: consent.EndCancelled},
		"another person":      {do: sandbox.Customer{User: anna}, ending: consent.EndWrongPerson},
		"permission left out": {do: sandbox.Customer{User: gudrun, Untick: []string{"payments"}}, ending: consent.EndLeftOut},
		"bank down":           {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{}, ending: consent.EndBankDown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.granted(t)
				before := p.wantStatus(t, consent.Valid, "")
				if test.fault != nil {
					h.bank.Fail(sandbox.EndpointToken, 1, *test.fault)
				}
				wantEnding(t, p.again(t).visit(t, test.do), test.ending)
				after := p.wantStatus(t, consent.Valid, "")
				if !after.EndsAt.Equal(before.EndsAt) || len(after.Granted) != len(before.Granted) {
					t.Errorf("consent changed: %+v", after)
				}
				time.Sleep(10 * time.Minute)
				must(t, second(p.token(t, consent.TokenRequest{})))
			})
		})
	}
}

// The app named nobody at first: whom it confirmed by code is the right person
// from then on.
func TestRenewalByAnotherPersonThanWasConfirmedIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		must(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)))
		before := p.wantStatus(t, consent.Valid, "")
		time.Sleep(80 * day)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: anna}), consent.EndWrongPerson)
		if after := p.wantStatus(t, consent.Valid, ""); !after.EndsAt.Equal(before.EndsAt) || after.Term != before.Term {
			t.Errorf("consent changed: %+v", after)
		}
		got, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		if got.Access.NationalID != gudrunID {
			t.Error("somebody else's token is handed out")
		}
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
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

func TestEveryHandOutIsOnRecord(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "allowed"})))
		wantErr(t, second(p.token(t, consent.TokenRequest{RequestID: "scope", Scopes: []string{"accounts"}})), consent.ErrInsufficientScope)
		time.Sleep(6 * time.Minute)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{})
		wantErr(t, second(p.token(t, consent.TokenRequest{RequestID: "bank"})), consent.ErrBankUnavailable)
		time.Sleep(2 * time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "refreshed"})))
		records, err := h.store.HandOuts(t.Context(), p.id.Partition(), 10)
		must(t, err)
		want := []string{"refreshed allowed", "bank bank-unavailable", "scope insufficient-scope", "allowed allowed"}
		for i, w := range want {
			if i >= len(records) || records[i].RequestID+" "+string(records[i].Outcome) != w {
				t.Fatalf("on record: %+v, want %v", records, want)
			}
		}
	})
}

func TestSwappedCiphertextDoesNotOpen(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		one, two := h.granted(t), h.granted(t)
		from, to := "{p:"+one.id.Partition()+"}:grant:"+string(one.id), "{p:"+two.id.Partition()+"}:grant:"+string(two.id)
		for _, field := range []string{"access", "cid"} {
			h.redis.HSet(to, field, h.redis.HGet(from, field))
		}
		wantErr(t, second(two.token(t, consent.TokenRequest{})), token.ErrSealBroken)
		two.wantStatus(t, consent.Valid, "")
		must(t, second(one.token(t, consent.TokenRequest{})))
	})
}

func TestShutdownIsToldApart(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(6 * time.Minute)
		must(t, errors.Join(h.Close(t.Context()), h.vault.Close(t.Context())))
		wantErr(t, second(p.token(t, consent.TokenRequest{})), token.ErrStoreUnavailable)
		p.wantStatus(t, consent.Valid, "")
	})
}

// fewHandOuts is a store whose partitions hold no more than they have.
type fewHandOuts struct{ consent.Store }

func (s fewHandOuts) HandOutLog(ctx context.Context, p consent.Partition, place string, limit int) (consent.HandOutPage, error) {
	page, err := s.Store.HandOutLog(ctx, p, place, limit)
	page.Full = true
	return page, err
}

func TestHandOutLogSaysWhatMayBeMissing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		start := h.Now()
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "first"})))
		time.Sleep(time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{RequestID: "second"})))
		read := func(s *consent.Service, since time.Time) (ids []string, cut int) {
			cut, err := s.HandOutLog(t.Context(), since, func(r consent.HandOutRecord) error { ids = append(ids, r.RequestID); return nil })
			must(t, err)
			return ids, cut
		}
		if ids, cut := read(h.Service, start.Add(-time.Hour)); !slices.Equal(ids, []string{"first", "second"}) || cut != 0 {
			t.Errorf("log = %v, cut %d", ids, cut)
		}
		if ids, _ := read(h.Service, start.Add(time.Second)); !slices.Equal(ids, []string{"second"}) {
			t.Errorf("log = %v", ids)
		}
		config := h.config
		config.Store = fewHandOuts{h.store}
		full, err := consent.New(config)
		must(t, err)
		for since, want := range map[time.Duration]int{-time.Hour: 1, time.Second: 0} {
			if _, cut := read(full, start.Add(since)); cut != want {
				t.Errorf("since %s: cut %d, want %d", since, cut, want)
			}
		}
	})
}
