package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

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

func consentsRead(t *testing.T, f *fixture) {
	first, second := f.valid(t, 1), f.add(t, 1, app, bank, time.Time{})
	got, err := f.Consents(t.Context(), []consent.ID{second, id(9), first})
	must(t, err)
	if len(got) != 2 || got[0].ID != second || got[1].ID != first || got[1].Status != consent.Valid {
		t.Errorf("consents = %+v", got)
	}
	if got, err = f.Consents(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of none: %v, %v", got, err)
	}
}

func byRequest(t *testing.T, f *fixture) {
	ctx := consent.WithOrigin(t.Context(), consent.Origin{RequestID: "req-1"})
	first, second := f.valid(t, 1), f.valid(t, 2)
	for _, id := range []consent.ID{first, second, first} {
		_, err := f.HandOut(ctx, f.request(id))
		must(t, err)
	}
	r := f.request(first)
	r.RequestID = "req-2"
	must(t, f.RecordDenied(ctx, r, consent.OutcomeBank))
	elsewhere := f.add(t, 1, app, bank, time.Time{})
	must(t, f.Note(ctx, elsewhere, consent.Entry{At: f.now.Add(24 * time.Hour), Event: "noted"}))
	tests := map[string]struct {
		after time.Duration
		want  []consent.ID
	}{
		"req-1": {24 * time.Hour, []consent.ID{elsewhere, first, second}},
		"req-2": {0, []consent.ID{first}},
		"req-3": {0, nil},
	}
	for request, test := range tests {
		got, err := f.ByRequest(t.Context(), request, f.now.Add(test.after))
		must(t, err)
		slices.Sort(got)
		wantIDs(t, got, test.want...)
	}
}

func timelineOrigin(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	o := consent.Origin{RequestID: "req-1", Staff: "s-17", Reason: "customer called"}
	ctx := consent.WithOrigin(t.Context(), o)
	must(t, f.Note(ctx, id, consent.Entry{At: f.now, Actor: consent.ByApp, Event: "noted"}))
	must(t, f.Note(ctx, id, consent.Entry{At: f.now, Event: "noted", RequestID: "req-2", Staff: "s-18", Reason: "another"}))
	must(t, f.End(ctx, id, consent.End{Status: consent.TerminatedByTpp, At: f.now, ForgetBy: f.now.Add(time.Hour)}))
	got, err := f.Timeline(t.Context(), id, 10)
	must(t, err)
	want := []consent.Entry{
		{At: f.now, Actor: consent.ByApp, Event: "requested"},
		{At: f.now, Actor: consent.ByCustomer, Event: "granted", Detail: "1"},
		{At: f.now, Actor: consent.ByApp, Event: "noted", RequestID: o.RequestID, Staff: o.Staff, Reason: o.Reason},
		{At: f.now, Event: "noted", RequestID: "req-2", Staff: "s-18", Reason: "another"},
		{At: f.now, Event: "terminatedByTpp", RequestID: o.RequestID, Staff: o.Staff, Reason: o.Reason},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
