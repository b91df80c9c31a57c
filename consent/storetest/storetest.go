// Package storetest checks that a store keeps the promises of
// [consent.Store] and [token.Store]. Every store runs it, on every server
// that it supports.
package storetest

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Run runs the suite. Each sub-test gets a store of its own, which must be
// empty.
func Run(t *testing.T, newStore func(t *testing.T) consent.Store) {
	tests := map[string]func(*testing.T, *fixture){
		"Create/can be read back":                              createReadsBack,
		"Create/again changes nothing":                         createAgain,
		"Consent/unknown is not found":                         unknownNotFound,
		"Activate/stores the grant":                            activateStores,
		"Activate/same commit again is no error":               activateAgain,
		"Activate/changed record is a conflict":                activateConflict,
		"Activate/fences off a refresh of the replaced grant":  activateFences,
		"Reject/leaves a valid consent alone":                  rejectLeavesValid,
		"Reject/received gets status and cause":                rejectReceived,
		"Confirm/right code makes it valid, and again":         confirmRight,
		"Confirm/wrong and late codes do not":                  confirmWrong,
		"HandOut/decides":                                      handOutDecides,
		"HandOut/records before it answers":                    handOutRecords,
		"HandOut/stale is not on record":                       handOutStale,
		"Acquire/one holder":                                   acquireOneHolder,
		"Acquire/same owner gets the same lease":               acquireSameOwner,
		"Acquire/older generation is told":                     acquireOlder,
		"Acquire/one of many at once":                          acquireRace,
		"Acquire/abandoned lease leaves doubt until a commit":  acquireDoubt,
		"Release/lets the bank rest":                           releaseRests,
		"Release/doubt outlives a known failure":               releaseKeepsDoubt,
		"Release/of an old lease does nothing":                 releaseOld,
		"Commit/is the next generation":                        commitNext,
		"Commit/keeps the refresh token that was not replaced": commitKeepsRefresh,
		"Commit/same commit again is no error":                 commitAgain,
		"Commit/older lease is fenced off":                     commitFenced,
		"Commit/never brings back what ended":                  commitAfterEnd,
		"MarkDead/ends the consent and deletes the grant":      markDeadEnds,
		"MarkDead/of an older generation changes nothing":      markDeadOlder,
		"MarkDead/then a new grant has higher numbers":         markDeadThenActivate,
		"Link/one browser":                                     linkOneBrowser,
		"Flow/taken once":                                      flowTakenOnce,
		"Find/by customer and by person":                       find,
		"Timeline/in order":                                    timeline,
		"Reserve/the first box stands":                         reserveOnce,
		"Events/each once, in the order of coming":             eventsInOrder,
		"Events/a gap is told, and only a gap":                 eventsAreDropped,
		"Events/a position that never was is told":             eventsOfAnotherLife,
		"DropEvents/of a log that nothing is added to":         dropOfTheIdle,
		"DropEvents/some of it is a gap, told as such":         dropOfSome,
		"Made/of a key that is gone does nothing":              madeOfNothing,
	}
	maps.Copy(tests, lifecycle())
	maps.Copy(tests, audit())
	maps.Copy(tests, incidents())
	maps.Copy(tests, books())
	maps.Copy(tests, held())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test(t, &fixture{Store: newStore(t), now: time.Now().UTC().Truncate(time.Millisecond)})
		})
	}
}

// fixture is a store with one consent at a time.
type fixture struct {
	consent.Store
	now time.Time
}

const (
	bank = "sandbox"
	app  = "shop"
)

var customer = []byte{0x7f, 1, 2, 3}

// id makes an id in the partition of customer.
func id(n int) consent.ID { return consent.ID(fmt.Sprintf("cns_7f%026d", n)) }

func (f *fixture) create(t *testing.T, n int) consent.Consent {
	t.Helper()
	c := consent.Consent{ID: id(n), App: app, Bank: bank, Status: consent.Received, Version: 1,
		Asked: []string{"openid", "payments"}, ReturnTo: "done", Language: "is", CreatedAt: f.now, ChangedAt: f.now,
		Personal: []byte{0, 1, 0xff}}
	must(t, f.Create(t.Context(), c, customer, consent.Work{}))
	return c
}

func (f *fixture) activation(commit string) consent.Activation {
	return consent.Activation{
		Version: 1, Status: consent.Valid, AuthorizedAt: f.now, EndsAt: f.now.Add(90 * 24 * time.Hour),
		Granted: []string{"openid", "payments"}, TextVersion: "1", Personal: []byte{9}, Person: []byte{0xaa, 1},
		Sealed: token.Sealed{CommitID: commit, Access: []byte{0, 1, 2}, Refresh: []byte{3, 0xfe}, IssuedAt: f.now,
			AccessExpiry: f.now.Add(5 * time.Minute), Scopes: []string{"openid", "payments"}},
	}
}

// valid stores a consent that is valid, of generation 1.
func (f *fixture) valid(t *testing.T, n int) consent.ID {
	t.Helper()
	f.create(t, n)
	must(t, f.Activate(t.Context(), id(n), f.activation("commit-1")))
	return id(n)
}

func (f *fixture) request(id consent.ID) consent.HandOutRequest {
	return consent.HandOutRequest{ID: id, App: app, RequestID: "req-1", Now: f.now, MinTTL: time.Second}
}

func (f *fixture) acquire(t *testing.T, id consent.ID, seen int64, owner string, ttl time.Duration) token.Lease {
	t.Helper()
	l, err := f.Acquire(t.Context(), string(id), seen, owner, ttl)
	must(t, err)
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error = %v, want %v", got, want)
	}
}

func wantStatus(t *testing.T, f *fixture, id consent.ID, want consent.Status) consent.Consent {
	t.Helper()
	c, err := f.Consent(t.Context(), id)
	must(t, err)
	if c.Status != want {
		t.Fatalf("status = %s, want %s", c.Status, want)
	}
	return c
}

func createReadsBack(t *testing.T, f *fixture) {
	want := f.create(t, 1)
	got, err := f.Consent(t.Context(), want.ID)
	must(t, err)
	if diff := cmp.Diff(want, got, cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
		t.Error(diff)
	}
}

func createAgain(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	f.create(t, 1)
	wantStatus(t, f, id, consent.Valid)
}

func unknownNotFound(t *testing.T, f *fixture) {
	_, err := f.Consent(t.Context(), id(1))
	wantErr(t, err, consent.ErrNotFound)
	wantErr(t, f.Activate(t.Context(), id(1), f.activation("c")), consent.ErrNotFound)
	wantErr(t, f.Note(t.Context(), id(1), consent.Entry{At: f.now}), consent.ErrNotFound)
	wantErr(t, f.Confirm(t.Context(), id(1), consent.Confirmation{Hash: "h", At: f.now}), consent.ErrNotFound)
	_, err = f.Acquire(t.Context(), string(id(1)), 1, "a", time.Minute)
	wantErr(t, err, token.ErrNoGrant)
	if _, err := f.Consent(t.Context(), id(1)); !errors.Is(err, consent.ErrNotFound) {
		t.Error("a write to an unknown consent created it")
	}
}

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

func handOutDecides(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	end := f.now.Add(90 * 24 * time.Hour)
	tests := map[string]struct {
		change func(*consent.HandOutRequest)
		want   consent.Outcome
	}{
		"as it is":                 {func(*consent.HandOutRequest) {}, consent.OutcomeAllowed},
		"another app":              {func(r *consent.HandOutRequest) { r.App = "other" }, consent.OutcomeNotFound},
		"a moment before the end":  {func(r *consent.HandOutRequest) { r.Now, r.MinTTL = end.Add(-time.Millisecond), -365*24*time.Hour }, consent.OutcomeAllowed},
		"at the end":               {func(r *consent.HandOutRequest) { r.Now = end }, consent.OutcomeExpired},
		"needed until the end":     {func(r *consent.HandOutRequest) { r.NeededUntil = end }, consent.OutcomeAllowed},
		"needed longer":            {func(r *consent.HandOutRequest) { r.NeededUntil = end.Add(time.Second) }, consent.OutcomeRenewal},
		"a scope it has":           {func(r *consent.HandOutRequest) { r.Scopes = []string{"payments", "openid"} }, consent.OutcomeAllowed},
		"a scope it lacks":         {func(r *consent.HandOutRequest) { r.Scopes = []string{"accounts"} }, consent.OutcomeScope},
		"a part of a scope's name": {func(r *consent.HandOutRequest) { r.Scopes = []string{"payment"} }, consent.OutcomeScope},
		"just enough life":         {func(r *consent.HandOutRequest) { r.MinTTL = 5 * time.Minute }, consent.OutcomeAllowed},
		"more life than there is":  {func(r *consent.HandOutRequest) { r.MinTTL = 5*time.Minute + time.Millisecond }, consent.OutcomeStale},
		"the token expired":        {func(r *consent.HandOutRequest) { r.Now = f.now.Add(time.Hour) }, consent.OutcomeStale},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := f.request(id)
			test.change(&r)
			h, err := f.HandOut(t.Context(), r)
			must(t, err)
			if h.Outcome != test.want {
				t.Errorf("outcome = %s, want %s", h.Outcome, test.want)
			}
			if allowed := h.Outcome == consent.OutcomeAllowed || h.Outcome == consent.OutcomeStale; allowed != (len(h.Sealed.Access) > 0) {
				t.Errorf("outcome %s came with a token: %t", h.Outcome, !allowed)
			}
		})
	}
}

func handOutRecords(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	for _, a := range []string{app, "other"} {
		r := f.request(id)
		r.App = a
		_, err := f.HandOut(t.Context(), r)
		must(t, err)
	}
	must(t, f.RecordDenied(t.Context(), f.request(id), consent.OutcomeBank))
	got, err := f.HandOuts(t.Context(), id.Partition(), 10)
	must(t, err)
	line := consent.HandOutRecord{At: f.now, Consent: id, App: app, RequestID: "req-1"}
	want := []consent.HandOutRecord{line, line} // another app's requests must not push these out
	want[0].Outcome, want[1].Outcome = consent.OutcomeBank, consent.OutcomeAllowed
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	uses, err := f.Uses(t.Context(), id)
	must(t, err)
	if diff := cmp.Diff(map[string]int64{f.now.Format(time.DateOnly): 1}, uses); diff != "" {
		t.Error(diff)
	}
	if c := wantStatus(t, f, id, consent.Valid); !c.LastUsedAt.Equal(f.now) {
		t.Errorf("last used at %s, want %s", c.LastUsedAt, f.now)
	}
}

func handOutStale(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	r := f.request(id)
	r.MinTTL = time.Hour
	_, err := f.HandOut(t.Context(), r)
	must(t, err)
	if got, err := f.HandOuts(t.Context(), id.Partition(), 10); err != nil || len(got) != 0 {
		t.Errorf("on record: %v, %v", got, err)
	}
}

func find(t *testing.T, f *fixture) {
	first := f.valid(t, 1)
	f.now = f.now.Add(time.Second)
	second := f.valid(t, 2)
	for _, by := range []func() ([]consent.ID, error){
		func() ([]consent.ID, error) { return f.ByCustomer(t.Context(), customer) },
		func() ([]consent.ID, error) { return f.ByPerson(t.Context(), []byte{0xaa, 1}) },
	} {
		got, err := by()
		must(t, err)
		if diff := cmp.Diff([]consent.ID{second, first}, got); diff != "" {
			t.Error(diff)
		}
	}
	if got, err := f.ByPerson(t.Context(), []byte{0xbb}); err != nil || len(got) != 0 {
		t.Errorf("unknown person has %v, %v", got, err)
	}
}

func timeline(t *testing.T, f *fixture) {
	id := f.unconfirmed(t)
	must(t, f.Note(t.Context(), id, consent.Entry{At: f.now, Actor: consent.BySystem, Event: "noted", Detail: "x"}))
	must(t, f.Confirm(t.Context(), id, consent.Confirmation{Hash: "hash", At: f.now}))
	got, err := f.Timeline(t.Context(), id, 10)
	must(t, err)
	want := []consent.Entry{
		{At: f.now, Actor: consent.ByApp, Event: "requested"},
		{At: f.now, Actor: consent.ByCustomer, Event: "granted", Detail: "1"},
		{At: f.now, Actor: consent.BySystem, Event: "noted", Detail: "x"},
		{At: f.now, Actor: consent.ByApp, Event: "confirmed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err = f.Timeline(t.Context(), id, 1); err != nil || len(got) != 1 || got[0].Event != "confirmed" {
		t.Errorf("newest entry = %v, %v", got, err)
	}
}

func linkOneBrowser(t *testing.T, f *fixture) {
	ctx := t.Context()
	_, err := f.Link(ctx, "key")
	wantErr(t, err, consent.ErrLinkGone)
	_, err = f.UseLink(ctx, "key", "mine")
	wantErr(t, err, consent.ErrLinkGone)
	must(t, f.PutLink(ctx, "key", []byte{1, 0}, f.now.Add(time.Minute)))
	for range 3 {
		box, err := f.Link(ctx, "key")
		must(t, err)
		if string(box) != "\x01\x00" {
			t.Fatalf("box = %q", box)
		}
	}
	for range 2 {
		_, err = f.UseLink(ctx, "key", "mine")
		must(t, err)
	}
	_, err = f.UseLink(ctx, "key", "other")
	wantErr(t, err, consent.ErrLinkUsed)
	must(t, f.PutLink(ctx, "late", []byte{1}, f.now.Add(-time.Second)))
	_, err = f.Link(ctx, "late")
	wantErr(t, err, consent.ErrLinkGone)
}

func flowTakenOnce(t *testing.T, f *fixture) {
	ctx := t.Context()
	wantErr(t, f.TakeFlow(ctx, "key", "a"), consent.ErrFlowGone)
	must(t, f.PutFlow(ctx, "key", []byte{7}, f.now.Add(time.Minute)))
	won := make(chan string, 20)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if taker := fmt.Sprint(i); f.TakeFlow(ctx, "key", taker) == nil {
				won <- taker
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Fatalf("taken %d times, want once", len(won))
	}
	must(t, f.TakeFlow(ctx, "key", <-won))
	wantErr(t, f.TakeFlow(ctx, "key", "another"), consent.ErrFlowTaken)
	r, err := f.Flow(ctx, "key")
	must(t, err)
	if !r.Taken || string(r.Box) != "\x07" || r.Result != nil {
		t.Errorf("flow = %+v", r)
	}
	must(t, f.PutResult(ctx, "key", []byte{8}, f.now.Add(time.Hour)))
	if r, err = f.Flow(ctx, "key"); err != nil || string(r.Result) != "\x08" || len(r.Box) != 0 || !r.Taken {
		t.Errorf("flow = %+v, %v", r, err)
	}
}
