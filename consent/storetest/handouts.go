package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

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
