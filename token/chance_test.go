package token_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// TestRefreshNeverLosesAGrant plays chance: slow banks, callers that leave,
// lost replies of bank and store, on three replicas. Whatever happens, the
// stored token is the newest that the bank knows, or the record says why not.
func TestRefreshNeverLosesAGrant(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) { chance(t, h, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func chance(t *testing.T, h *house, r *rand.Rand) {
	var mu sync.Mutex // guards r
	draw := func(n int64) int64 { mu.Lock(); defer mu.Unlock(); return r.Int64N(n) }
	h.bank.before = func(ctx context.Context) error {
		time.Sleep(time.Duration(draw(5)) * time.Second)
		if draw(10) == 0 {
			return &token.BankError{Op: "refresh", Err: token.ErrNotDone}
		}
		return nil
	}
	lossy := func() error {
		if draw(3) == 0 {
			return fmt.Errorf("%w: chance", token.ErrStoreUnavailable)
		}
		return nil
	}
	var done sync.WaitGroup
	var replicas []*token.Vault
	for range 3 {
		v := h.replica(t, &faulty{Store: h.store, commits: lossy, lost: lossy})
		replicas = append(replicas, v)
		for range 40 {
			done.Go(func() {
				time.Sleep(time.Duration(draw(600)) * time.Second)
				ctx, leave := context.WithTimeout(t.Context(), time.Duration(1+draw(20))*time.Second)
				defer leave()
				out, err := h.store.HandOut(ctx, consent.HandOutRequest{ID: consentID, App: "shop", Now: time.Now(), MinTTL: time.Hour})
				if err == nil && out.Outcome == consent.OutcomeStale {
					_ = v.Refresh(ctx, string(consentID), out.Generation)
				}
			})
		}
	}
	done.Wait()
	for _, v := range replicas {
		if err := v.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2 * lease)
	h.bank.before = nil
	out, _ := h.stored(t)
	if h.bank.dead || out.Status != consent.Valid {
		t.Fatalf("the grant died after %d refreshes (status %s, cause %s)", h.bank.count(), out.Status, out.Cause.Code)
	}
	h.wantAlive(t)
	h.wantToken(t, fmt.Sprintf("access-%d", h.bank.count()))
}
