package token_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
)

const consentID = consent.ID("cns_7f00000000000000000000000001")

// rotating is a bank that replaces a refresh token at each use and ends the
// grant when it sees a used one again, once its grace is over.
type rotating struct {
	mu       sync.Mutex
	newest   string
	replaced map[string]time.Time // used refresh tokens, and when
	dead     bool
	grace    time.Duration
	calls    int
	revoked  []token.Secret

	// before and after, when set, run around the bank's work; an error from
	// after is an answer that got lost.
	before func(ctx context.Context) error
	after  func(ctx context.Context) error
}

func newRotating() *rotating {
	return &rotating{newest: "refresh-0", replaced: make(map[string]time.Time)}
}

func (b *rotating) Refresh(ctx context.Context, refresh token.Secret, _ []string, who token.Identity) (token.Grant, error) {
	if b.before != nil {
		if err := b.before(ctx); err != nil {
			return token.Grant{}, err
		}
	}
	g, err := b.rotate(refresh.Reveal())
	if err == nil && b.after != nil {
		err = b.after(ctx)
	}
	if err == nil && who.Subject != "anna" {
		err = &token.BankError{Op: "refresh", Err: token.ErrAnswerRejected}
	}
	return g, err
}

func (b *rotating) rotate(refresh string) (token.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	used, known := b.replaced[refresh]
	if b.dead || (refresh != b.newest && (!known || time.Since(used) > b.grace)) {
		b.dead = true
		return token.Grant{}, &token.BankError{Op: "refresh", Status: 400, Code: "invalid_grant", Err: token.ErrRefused}
	}
	b.replaced[refresh] = time.Now()
	b.newest = fmt.Sprintf("refresh-%d", b.calls)
	return token.Grant{
		Access: token.Secret(fmt.Sprintf("access-%d", b.calls)), Refresh: token.Secret(b.newest), TokenType: "Bearer",
		IssuedAt: time.Now(), AccessExpiry: time.Now().Add(5 * time.Minute), Scopes: []string{"payments"},
	}, nil
}

func (b *rotating) count() int { b.mu.Lock(); defer b.mu.Unlock(); return b.calls }

func (b *rotating) AuthorizationURL(context.Context, token.AuthorizationRequest) (string, error) {
	return "https://bank.example/authorize", nil
}
func (b *rotating) CheckIssuer(string) error { return nil }
func (b *rotating) Revoke(_ context.Context, g token.Grant) (token.Revocation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked = append(b.revoked, g.Refresh)
	return token.RevocationConfirmed, nil
}

func (b *rotating) Redeem(context.Context, token.Redemption) (token.Grant, token.Identity, error) {
	now := time.Now()
	g := token.Grant{Access: "access-0", Refresh: "refresh-0", TokenType: "Bearer", IssuedAt: now,
		AccessExpiry: now.Add(5 * time.Minute), Scopes: []string{"payments"}}
	return g, token.Identity{Issuer: "bank", Subject: "anna", NationalID: "0501809999"}, nil
}

// faulty is a store whose replies get lost on demand.
type faulty struct {
	consent.Store
	commits func() error // before a commit
	lost    func() error // after it
}

func (f *faulty) Commit(ctx context.Context, id string, l token.Lease, s token.Sealed) error {
	if f.commits != nil {
		if err := f.commits(); err != nil {
			return err
		}
	}
	err := f.Store.Commit(ctx, id, l, s)
	if err == nil && f.lost != nil {
		return f.lost()
	}
	return err
}

// house is a bank, a store with one valid consent, and replicas.
type house struct {
	bank     *rotating
	store    *redisstore.Store
	keys     *token.Keyring
	rotation token.Rotation
}

const (
	lease    = 60 * time.Second
	deadline = 20 * time.Second
)

func newHouse(t *testing.T) *house {
	t.Helper()
	_, client := redistest.Embedded(t)
	store, err := redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{bank: newRotating(), store: store, keys: newKeyring(t), rotation: token.RotationStrict}
	v := h.replica(t, store)
	r, err := v.Redeem("bank", string(consentID), token.Redemption{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := consent.Consent{ID: consentID, App: "shop", Bank: "bank", Status: consent.Received, Version: 1, CreatedAt: now}
	if err := store.Create(t.Context(), c, []byte{0x7f}, consent.Work{}); err != nil {
		t.Fatal(err)
	}
	err = store.Activate(t.Context(), consentID, consent.Activation{Version: 1, Sealed: r.Sealed, Status: consent.Valid,
		AuthorizedAt: now, EndsAt: now.Add(90 * 24 * time.Hour), Granted: []string{"payments"}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// replica is one process of several.
func (h *house) replica(t *testing.T, store token.Store) *token.Vault {
	t.Helper()
	v, err := token.New(token.Config{Keys: h.keys, Store: store, Lease: lease, BankDeadline: deadline, Margin: 10 * time.Second,
		Banks: map[string]token.BankEntry{"bank": {Bank: h.bank, Rotation: h.rotation, InFlight: 16}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close(context.WithoutCancel(t.Context())) })
	return v
}

// stored reads what is stored now: its generation and, opened, its token.
func (h *house) stored(t *testing.T) (consent.HandOut, string) {
	t.Helper()
	out, err := h.store.HandOut(t.Context(), consent.HandOutRequest{ID: consentID, App: "shop", Now: time.Now(), MinTTL: -time.Hour * 24 * 365})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Sealed.Access) == 0 {
		return out, ""
	}
	a, err := h.keys.OpenAccess("bank", string(consentID), out.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	return out, a.Token.Reveal()
}

func (h *house) wantToken(t *testing.T, want string) {
	t.Helper()
	if _, got := h.stored(t); got != want {
		t.Errorf("stored token = %q, want %q", got, want)
	}
}

// wantAlive fails unless the grant works at the bank from here on.
func (h *house) wantAlive(t *testing.T) {
	t.Helper()
	out, _ := h.stored(t)
	if err := h.replica(t, h.store).Refresh(t.Context(), string(consentID), out.Generation); err != nil {
		t.Errorf("the grant does not refresh any more: %v", err)
	}
}

func bubble(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newHouse(t)) })
}

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

func TestNewReportsAllMistakes(t *testing.T) {
	_, err := token.New(token.Config{Lease: time.Second, BankDeadline: time.Second, Margin: time.Second,
		Banks: map[string]token.BankEntry{"b": {}}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"keys", "lease", `bank "b"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

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
