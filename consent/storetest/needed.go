package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

// needs asks for a token as long as the consent lives until a moment.
func (f *fixture) needs(t *testing.T, id consent.ID, until time.Time, want consent.Outcome) time.Time {
	t.Helper()
	r := f.request(id)
	r.NeededUntil = until
	h, err := f.HandOut(t.Context(), r)
	must(t, err)
	if h.Outcome != want {
		t.Errorf("needed until %s: %s, want %s", until, h.Outcome, want)
	}
	c, err := f.Consent(t.Context(), id)
	must(t, err)
	return c.NeededUntil
}

func handOutNeeded(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	end := f.now.Add(90 * 24 * time.Hour)
	if got := f.needs(t, id, end, consent.OutcomeAllowed); !got.IsZero() {
		t.Errorf("needed until %s, which is not beyond the end", got)
	}
	for _, test := range []struct{ ask, want time.Duration }{{2, 2}, {2, 2}, {1, 2}, {3, 3}} {
		if got := f.needs(t, id, end.Add(test.ask*time.Hour), consent.OutcomeRenewal); !got.Equal(end.Add(test.want * time.Hour)) {
			t.Errorf("needed until %s, want %d hours beyond the end", got, test.want)
		}
	}
	told := f.claim(t, f.now)
	if diff := cmp.Diff([]string{"deliver " + string(id) + " all needed 1"}, names(told)); diff != "" {
		t.Fatal(diff)
	}
	must(t, f.Finish(t.Context(), told[0]))
	f.needs(t, id, end.Add(4*time.Hour), consent.OutcomeRenewal)
	if again := f.claim(t, f.now); len(again) != 0 {
		t.Errorf("told again: %v", names(again))
	}
}

func activateCovers(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	end := f.now.Add(90 * 24 * time.Hour)
	needed := end.Add(2 * time.Hour)
	f.needs(t, id, needed, consent.OutcomeRenewal)
	a := f.activation("commit-2")
	a.Version, a.EndsAt = 2, end.Add(time.Hour)
	must(t, f.Activate(t.Context(), id, a))
	if c := wantStatus(t, f, id, consent.Valid); !c.NeededUntil.Equal(needed) {
		t.Errorf("needed until %s, want %s still", c.NeededUntil, needed)
	}
	f.needs(t, id, needed, consent.OutcomeRenewal)
	if got := names(f.claim(t, f.now)); len(got) != 2 || got[1] != "deliver "+string(id)+" all needed 2" {
		t.Errorf("due: %v, want both terms'", got)
	}
	a = f.activation("commit-3")
	a.Version, a.EndsAt = 3, needed
	must(t, f.Activate(t.Context(), id, a))
	if c := wantStatus(t, f, id, consent.Valid); !c.NeededUntil.IsZero() {
		t.Errorf("needed until %s, which is covered", c.NeededUntil)
	}
}

func selectShort(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	f.valid(t, 2)
	end := f.now.Add(90 * 24 * time.Hour)
	short := consent.Query{Filter: consent.Filter{Short: true}}
	wantIDs(t, f.choose(t, short))
	f.needs(t, id, end, consent.OutcomeAllowed)
	wantIDs(t, f.choose(t, short))
	f.needs(t, id, end.Add(time.Hour), consent.OutcomeRenewal)
	wantIDs(t, f.choose(t, short), id)
	for _, fits := range []consent.Filter{{App: app}, {Bank: bank}, {App: app, Bank: bank, Status: consent.Valid}, {EndsBefore: end.Add(time.Second)}} {
		fits.Short = true
		wantIDs(t, f.choose(t, consent.Query{Filter: fits}), id)
	}
	for _, other := range []consent.Filter{{App: "other"}, {Bank: "other"}, {Status: consent.Expired}, {Status: consent.Received}, {EndsBefore: end}} {
		other.Short = true
		wantIDs(t, f.choose(t, consent.Query{Filter: other}))
	}
	if o := f.overview(t, f.now); len(o.Short) != 1 || o.Short[0] != (consent.Count{App: app, Bank: bank, Status: consent.Valid, N: 1}) {
		t.Errorf("overview of those needed longer = %+v", o.Short)
	}
	short.Now = end
	wantIDs(t, f.choose(t, short)) // it has ended
	if o := f.overview(t, end); len(o.Short) != 0 {
		t.Errorf("overview at the end = %+v", o.Short)
	}
	short.Now = time.Time{}
	a := f.activation("commit-2")
	a.Version, a.EndsAt = 2, end.Add(time.Hour)
	must(t, f.Activate(t.Context(), id, a))
	wantIDs(t, f.choose(t, short)) // a renewal covers it
}
