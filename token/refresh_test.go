package token_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func TestRefreshOnceAcrossReplicas(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.bank.before = func(context.Context) error { time.Sleep(300 * time.Millisecond); return nil }
		var done sync.WaitGroup
		for range 3 {
			v := h.replica(t, h.store)
			for range 70 {
				done.Go(func() {
					for {
						err := v.Refresh(t.Context(), string(consentID), 1)
						busy, isBusy := errors.AsType[*token.BusyError](err)
						if err == nil {
							return
						}
						if !isBusy || busy.Failed {
							t.Error(err)
							return
						}
						time.Sleep(10 * time.Millisecond)
					}
				})
			}
		}
		done.Wait()
		if h.bank.count() != 1 {
			t.Errorf("%d refreshes at the bank, want 1", h.bank.count())
		}
		h.wantToken(t, "access-1")
	})
}

func TestRefreshSurvivesCaller(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		ctx, leave := context.WithCancel(t.Context())
		h.bank.before = func(context.Context) error { leave(); time.Sleep(time.Second); return nil }
		v := h.replica(t, h.store)
		if err := v.Refresh(ctx, string(consentID), 1); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want the caller's own", err)
		}
		if err := v.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.wantToken(t, "access-1")
	})
}

func TestRefreshRepeatsTheSaveUntilItIsKnown(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		down := time.Now().Add(5 * time.Minute)
		store := &faulty{Store: h.store, commits: func() error {
			if time.Now().Before(down) {
				return fmt.Errorf("%w: down", token.ErrStoreUnavailable)
			}
			return nil
		}}
		if err := h.replica(t, store).Refresh(t.Context(), string(consentID), 1); err != nil {
			t.Fatal(err)
		}
		if h.bank.count() != 1 {
			t.Errorf("%d refreshes at the bank, want 1", h.bank.count())
		}
		h.wantToken(t, "access-1")
		h.wantAlive(t)
	})
}

func TestRefreshSurvivesALostReplyOfTheStore(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		var n atomic.Int32
		store := &faulty{Store: h.store, lost: func() error {
			if n.Add(1) <= 3 {
				return fmt.Errorf("%w: reply lost", token.ErrStoreUnavailable)
			}
			return nil
		}}
		if err := h.replica(t, store).Refresh(t.Context(), string(consentID), 1); err != nil {
			t.Fatal(err)
		}
		if out, _ := h.stored(t); out.Generation != 2 {
			t.Errorf("generation = %d, want 2", out.Generation)
		}
		h.wantAlive(t)
	})
}

func TestRefreshSlowerThanTheLeaseStaysOne(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.bank.before = func(ctx context.Context) error { // answers long after the lease
			select {
			case <-time.After(lease + 5*time.Second):
				return nil
			case <-ctx.Done():
				return &token.BankError{Op: "refresh", Err: token.ErrOutcomeUnknown}
			}
		}
		v, other := h.replica(t, h.store), h.replica(t, h.store)
		if err := v.Refresh(t.Context(), string(consentID), 1); !errors.Is(err, token.ErrOutcomeUnknown) {
			t.Fatalf("error = %v", err)
		}
		err := other.Refresh(t.Context(), string(consentID), 1)
		if busy, ok := errors.AsType[*token.BusyError](err); !ok || !busy.Failed {
			t.Errorf("error = %v, want the bank left alone", err)
		}
	})
}

func TestRefreshCrashBetweenAnswerAndSave(t *testing.T) {
	for _, test := range []struct {
		name  string
		grace time.Duration
		want  consent.Outcome
		cause string
	}{
		{"a strict bank has ended it, and we say lost", 0, consent.OutcomeRenewal, consent.CauseLost},
		{"a grace period heals it", 10 * time.Minute, consent.OutcomeAllowed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				h.bank.grace = test.grace
				l, err := h.store.Acquire(t.Context(), string(consentID), 1, "crashed", lease)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := h.bank.rotate("refresh-0"); err != nil { // and the process is gone
					t.Fatal(err)
				}
				time.Sleep(lease + time.Second)
				err = h.replica(t, h.store).Refresh(t.Context(), string(consentID), l.Version)
				if (test.cause == "") != (err == nil) {
					t.Errorf("error = %v", err)
				}
				out, _ := h.stored(t)
				if out.Outcome != test.want || out.Cause.Code != test.cause {
					t.Errorf("hand-out = %s because %q, want %s because %q", out.Outcome, out.Cause.Code, test.want, test.cause)
				}
				if h.bank.count() != 2 {
					t.Errorf("%d calls at the bank, want the lost one and one more", h.bank.count())
				}
			})
		})
	}
}

func TestRefreshFailureEndsAConsentOnlyOnProof(t *testing.T) {
	tests := map[string]struct {
		failure error
		ended   bool
	}{
		"time-out":       {token.ErrOutcomeUnknown, false},
		"429":            {token.ErrNotDone, false},
		"invalid_client": {token.ErrMisconfigured, false},
		"anything else":  {errors.New("odd"), false},
		"invalid_grant":  {token.ErrRefused, true},
		"another person": {token.ErrAnswerRejected, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				h.bank.before = func(context.Context) error { return &token.BankError{Op: "refresh", Err: test.failure} }
				err := h.replica(t, h.store).Refresh(t.Context(), string(consentID), 1)
				if !errors.Is(err, test.failure) {
					t.Errorf("error = %v, want %v", err, test.failure)
				}
				if out, _ := h.stored(t); (out.Status == consent.TerminatedByAspsp) != test.ended {
					t.Errorf("status = %s", out.Status)
				}
				if test.ended {
					return
				}
				h.bank.before = nil
				time.Sleep(lease + time.Second)
				h.wantAlive(t)
			})
		})
	}
}

func TestRefreshRefusalOfAnOlderGenerationIsIgnored(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		v := h.replica(t, h.store)
		h.bank.before = func(context.Context) error { // a renewal comes in between
			h.bank.before = nil
			r, err := v.Redeem("bank", string(consentID), token.Redemption{})
			if err != nil {
				return err
			}
			c, err := h.store.Consent(t.Context(), consentID)
			if err != nil {
				return err
			}
			err = h.store.Activate(t.Context(), consentID, consent.Activation{Version: c.Version, Sealed: r.Sealed, Renewal: true,
				Status: consent.Valid, AuthorizedAt: time.Now(), EndsAt: time.Now().Add(90 * 24 * time.Hour), Granted: []string{"payments"}})
			return errors.Join(err, &token.BankError{Op: "refresh", Err: token.ErrRefused})
		}
		if err := v.Refresh(t.Context(), string(consentID), 1); err != nil {
			t.Errorf("error = %v, want none: a newer generation is stored", err)
		}
		if out, _ := h.stored(t); out.Outcome != consent.OutcomeAllowed {
			t.Errorf("outcome = %s", out.Outcome)
		}
	})
}

func TestRefreshCannotResurrect(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.bank.after = func(ctx context.Context) error { // ended while the answer is on its way
			l := token.Lease{Number: 2, Version: 1} // activating took the first
			return h.store.MarkDead(ctx, string(consentID), l, token.ErrRefused, time.Now())
		}
		err := h.replica(t, h.store).Refresh(t.Context(), string(consentID), 1)
		if !errors.Is(err, token.ErrNoGrant) {
			t.Errorf("error = %v", err)
		}
		if len(h.bank.revoked) != 1 || h.bank.revoked[0].Reveal() != "refresh-1" {
			t.Errorf("revoked %d tokens, want the new one", len(h.bank.revoked))
		}
		if out, _ := h.stored(t); out.Status != consent.TerminatedByAspsp {
			t.Errorf("status = %s", out.Status)
		}
	})
}

func TestRefreshWithoutRefreshToken(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, err := h.store.Consent(t.Context(), consentID)
		if err != nil {
			t.Fatal(err)
		}
		err = h.store.Activate(t.Context(), consentID, consent.Activation{Version: c.Version, Status: consent.Valid,
			AuthorizedAt: time.Now(), EndsAt: time.Now().Add(time.Hour), Sealed: token.Sealed{CommitID: "x", Access: []byte("x")}})
		if err != nil {
			t.Fatal(err)
		}
		err = h.replica(t, h.store).Refresh(t.Context(), string(consentID), 2)
		if !errors.Is(err, token.ErrNoRefreshToken) || h.bank.count() != 0 {
			t.Errorf("error = %v after %d calls", err, h.bank.count())
		}
	})
}
