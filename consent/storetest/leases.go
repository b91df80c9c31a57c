package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// over is the length of a lease, or of a rest, that is over as soon as it
// begins.
const over = -time.Second

func wantBusy(t *testing.T, err error, failed bool) {
	t.Helper()
	busy, ok := errors.AsType[*token.BusyError](err)
	if !ok || busy.Failed != failed || busy.RetryAfter <= 0 || busy.RetryAfter > time.Minute {
		t.Fatalf("error = %v, want busy (failed: %t) for up to a minute", err, failed)
	}
}

func next(f *fixture, commit string) token.Sealed {
	return token.Sealed{CommitID: commit, Access: []byte{4}, Refresh: []byte{5}, IssuedAt: f.now.Add(time.Minute),
		AccessExpiry: f.now.Add(6 * time.Minute), Scopes: []string{"openid", "payments"}}
}

func acquireOneHolder(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	l := f.acquire(t, id, 1, "a", time.Minute)
	if diff := cmp.Diff(f.activation("commit-1").Sealed, l.Sealed); diff != "" || l.Version != 1 || l.Unsure || l.Bank != bank {
		t.Errorf("lease = %+v\n%s", l, diff)
	}
	_, err := f.Acquire(t.Context(), string(id), 1, "b", time.Minute)
	wantBusy(t, err, false)
	h, err := f.HandOut(t.Context(), f.request(id))
	if err != nil || !h.Resting {
		t.Errorf("hand-out while a lease runs = %+v, %v", h, err)
	}
}

func acquireSameOwner(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	first := f.acquire(t, id, 1, "a", time.Minute)
	if diff := cmp.Diff(first, f.acquire(t, id, 1, "a", time.Minute)); diff != "" {
		t.Error(diff)
	}
}

func acquireOlder(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	_, err := f.Acquire(t.Context(), string(id), 0, "a", time.Minute)
	wantErr(t, err, token.ErrNewer)
}

func acquireRace(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	var got atomic.Int32
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := f.Acquire(t.Context(), string(id), 1, string(rune('a'+i)), time.Minute); err == nil {
				got.Add(1)
			}
		})
	}
	all.Wait()
	if got.Load() != 1 {
		t.Errorf("%d holders, want 1", got.Load())
	}
}

func acquireDoubt(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	first := f.acquire(t, id, 1, "a", over)
	second := f.acquire(t, id, 1, "b", over)
	if first.Unsure || !second.Unsure || second.Number <= first.Number {
		t.Errorf("leases = %+v, %+v", first, second)
	}
	must(t, f.Commit(t.Context(), string(id), second, next(f, "commit-2")))
	if third := f.acquire(t, id, 2, "c", time.Minute); third.Unsure {
		t.Error("doubt outlived a commit")
	}
}

func releaseRests(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	l := f.acquire(t, id, 1, "a", time.Minute)
	for range 2 {
		must(t, f.Release(t.Context(), string(id), l, true, time.Minute, f.now))
	}
	_, err := f.Acquire(t.Context(), string(id), 1, "b", time.Minute)
	wantBusy(t, err, true)
	must(t, f.Release(t.Context(), string(id), l, true, over, f.now))
	if l = f.acquire(t, id, 1, "b", time.Minute); l.Unsure {
		t.Error("a known failure left doubt")
	}
}

func releaseKeepsDoubt(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Release(t.Context(), string(id), f.acquire(t, id, 1, "a", time.Minute), false, over, f.now))
	must(t, f.Release(t.Context(), string(id), f.acquire(t, id, 1, "b", time.Minute), true, over, f.now))
	if l := f.acquire(t, id, 1, "c", time.Minute); !l.Unsure {
		t.Error("doubt was forgotten without a commit")
	}
}

func releaseOld(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	old := f.acquire(t, id, 1, "a", over)
	f.acquire(t, id, 1, "b", time.Minute)
	must(t, f.Release(t.Context(), string(id), old, true, over, f.now))
	_, err := f.Acquire(t.Context(), string(id), 1, "c", time.Minute)
	wantBusy(t, err, false)
}

func commitNext(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	want := next(f, "commit-2")
	must(t, f.Commit(t.Context(), string(id), f.acquire(t, id, 1, "a", time.Minute), want))
	l := f.acquire(t, id, 2, "b", time.Minute)
	if diff := cmp.Diff(want, l.Sealed); diff != "" || l.Version != 2 {
		t.Errorf("lease = %+v\n%s", l, diff)
	}
	if c := wantStatus(t, f, id, consent.Valid); !c.EndsAt.Equal(f.now.Add(90 * 24 * time.Hour)) {
		t.Errorf("a refresh moved the consent's end to %s", c.EndsAt)
	}
}

func commitKeepsRefresh(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	s := next(f, "commit-2")
	s.Refresh = nil
	must(t, f.Commit(t.Context(), string(id), f.acquire(t, id, 1, "a", time.Minute), s))
	if l := f.acquire(t, id, 2, "b", time.Minute); len(l.Sealed.Refresh) == 0 {
		t.Error("the refresh token is gone")
	}
}

func commitAgain(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	l := f.acquire(t, id, 1, "a", time.Minute)
	for range 3 {
		must(t, f.Commit(t.Context(), string(id), l, next(f, "commit-2")))
	}
	f.acquire(t, id, 2, "b", time.Minute)
}

func commitFenced(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	old := f.acquire(t, id, 1, "a", over)
	newer := f.acquire(t, id, 1, "b", time.Minute)
	must(t, f.Commit(t.Context(), string(id), newer, next(f, "newer")))
	wantErr(t, f.Commit(t.Context(), string(id), old, next(f, "older")), token.ErrFenced)
	if l := f.acquire(t, id, 2, "c", time.Minute); l.Sealed.CommitID != "newer" {
		t.Errorf("stored commit = %s", l.Sealed.CommitID)
	}
}

func commitAfterEnd(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	l := f.acquire(t, id, 1, "a", time.Minute)
	must(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, f.now))
	wantErr(t, f.Commit(t.Context(), string(id), l, next(f, "late")), token.ErrNoGrant)
	_, err := f.Acquire(t.Context(), string(id), 1, "b", time.Minute)
	wantErr(t, err, token.ErrNoGrant)
}

func markDeadEnds(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	l := f.acquire(t, id, 1, "a", time.Minute)
	for range 2 {
		must(t, f.MarkDead(t.Context(), string(id), l, token.ErrLost, f.now))
	}
	c := wantStatus(t, f, id, consent.TerminatedByAspsp)
	if c.Cause != (consent.Cause{Actor: consent.ByBank, Code: consent.CauseLost}) || !c.EndedAt.Equal(f.now) || c.Version != 3 {
		t.Errorf("consent = %+v", c)
	}
	h, err := f.HandOut(t.Context(), f.request(id))
	if err != nil || h.Outcome != consent.OutcomeRenewal || len(h.Sealed.Access) > 0 {
		t.Errorf("hand-out = %+v, %v", h, err)
	}
}

func markDeadOlder(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	old := f.acquire(t, id, 1, "a", over)
	newer := f.acquire(t, id, 1, "b", time.Minute)
	wantErr(t, f.MarkDead(t.Context(), string(id), old, token.ErrRefused, f.now), token.ErrNewer)
	must(t, f.Commit(t.Context(), string(id), newer, next(f, "newer")))
	wantErr(t, f.MarkDead(t.Context(), string(id), newer, token.ErrRefused, f.now), token.ErrNewer)
	wantStatus(t, f, id, consent.Valid)
}

func markDeadThenActivate(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	old := f.acquire(t, id, 1, "a", time.Minute)
	must(t, f.MarkDead(t.Context(), string(id), old, token.ErrRefused, f.now))
	again := f.activation("commit-2")
	again.Version = 3
	must(t, f.Activate(t.Context(), id, again))
	wantErr(t, f.Commit(t.Context(), string(id), old, next(f, "late")), token.ErrFenced)
	if l := f.acquire(t, id, 2, "b", time.Minute); l.Number <= old.Number {
		t.Errorf("lease %d after %d", l.Number, old.Number)
	}
}
