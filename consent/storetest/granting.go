package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func activateStores(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	c := wantStatus(t, f, id, consent.Valid)
	if !c.EndsAt.Equal(f.now.Add(90*24*time.Hour)) || !c.AuthorizedAt.Equal(f.now) || string(c.Personal) != "\x09" {
		t.Errorf("consent = %+v", c)
	}
	h, err := f.HandOut(t.Context(), f.request(id))
	must(t, err)
	want := f.activation("commit-1").Sealed
	want.Refresh = nil
	if diff := cmp.Diff(want, h.Sealed); diff != "" || h.Outcome != consent.OutcomeAllowed || h.Generation != 1 || h.Bank != bank {
		t.Errorf("hand-out = %+v\n%s", h, diff)
	}
}

func activateAgain(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Activate(t.Context(), id, f.activation("commit-1")))
	if c := wantStatus(t, f, id, consent.Valid); c.Version != 2 {
		t.Errorf("version = %d after the same activation twice, want 2", c.Version)
	}
}

func activateConflict(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	wantErr(t, f.Activate(t.Context(), id, f.activation("commit-2")), consent.ErrConflict)
}

func activateFences(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	old := f.acquire(t, id, 1, "a", time.Minute)
	renewal := f.activation("commit-2")
	renewal.Version = 2
	must(t, f.Activate(t.Context(), id, renewal))
	wantErr(t, f.Commit(t.Context(), string(id), old, token.Sealed{CommitID: "late"}), token.ErrFenced)
	wantErr(t, f.MarkDead(t.Context(), string(id), old, token.ErrRefused, f.now), token.ErrNewer)
	wantStatus(t, f, id, consent.Valid)
}

func rejectLeavesValid(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Reject(t.Context(), id, consent.Rejection{Status: consent.Rejected, At: f.now,
		Cause: consent.Cause{Actor: consent.ByCustomer, Code: consent.CauseCancelled}}))
	c := wantStatus(t, f, id, consent.Valid)
	if c.Cause != (consent.Cause{}) || len(c.Granted) != 2 {
		t.Errorf("consent = %+v", c)
	}
}

func rejectReceived(t *testing.T, f *fixture) {
	c := f.create(t, 1)
	why := consent.Cause{Actor: consent.ByCustomer, Code: consent.CauseLeftOut}
	for range 2 {
		must(t, f.Reject(t.Context(), c.ID, consent.Rejection{Status: consent.PartiallyAuthorised, Granted: []string{"openid"}, Cause: why, At: f.now}))
	}
	got := wantStatus(t, f, c.ID, consent.PartiallyAuthorised)
	if got.Cause != why || got.Version != 2 || len(got.Granted) != 1 {
		t.Errorf("consent = %+v", got)
	}
	h, err := f.HandOut(t.Context(), f.request(c.ID))
	must(t, err)
	if h.Outcome != consent.OutcomeScope || h.Cause != why {
		t.Errorf("hand-out = %+v", h)
	}
}

func (f *fixture) unconfirmed(t *testing.T) consent.ID {
	t.Helper()
	c := f.create(t, 1)
	a := f.activation("commit-1")
	a.Status, a.ConfirmHash, a.ConfirmUntil, a.Person = consent.Received, "hash", f.now.Add(time.Minute), nil
	must(t, f.Activate(t.Context(), c.ID, a))
	return c.ID
}

func confirmRight(t *testing.T, f *fixture) {
	id := f.unconfirmed(t)
	h, err := f.HandOut(t.Context(), f.request(id))
	must(t, err)
	if h.Outcome != consent.OutcomeUnconfirmed {
		t.Errorf("outcome before confirmation = %s", h.Outcome)
	}
	for range 2 {
		must(t, f.Confirm(t.Context(), id, consent.Confirmation{Hash: "hash", Person: []byte{0xaa, 1}, At: f.now}))
	}
	c := wantStatus(t, f, id, consent.Valid)
	if !c.ConfirmUntil.IsZero() || c.Version != 3 {
		t.Errorf("consent = %+v", c)
	}
	if h, err = f.HandOut(t.Context(), f.request(id)); err != nil || h.Outcome != consent.OutcomeAllowed {
		t.Errorf("hand-out = %+v, %v", h, err)
	}
}

func confirmWrong(t *testing.T, f *fixture) {
	id := f.unconfirmed(t)
	wantErr(t, f.Confirm(t.Context(), id, consent.Confirmation{Hash: "other", At: f.now}), consent.ErrConfirmation)
	wantErr(t, f.Confirm(t.Context(), id, consent.Confirmation{Hash: "hash", At: f.now.Add(time.Minute)}), consent.ErrConfirmation)
	wantStatus(t, f, id, consent.Received)
}
