package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func (f *fixture) overview(t *testing.T, now time.Time) consent.Overview {
	t.Helper()
	o, err := f.Overview(t.Context(), now)
	must(t, err)
	return o
}

func overviewCounts(t *testing.T, f *fixture) {
	today := f.now.Truncate(24 * time.Hour)
	soon := today.Add(24*time.Hour - time.Millisecond)
	f.add(t, 1, app, bank, soon)
	f.add(t, 2, app, bank, today.Add(25*time.Hour))
	f.add(t, 3, app, "second", today.Add(26*time.Hour))
	f.add(t, 4, "other", bank, time.Time{})
	f.end(t, f.add(t, 5, app, bank, soon))
	want := []consent.Count{{App: "other", Bank: bank, Status: consent.Received, N: 1},
		{App: app, Bank: bank, Status: consent.RevokedByPsu, N: 1}, {App: app, Bank: bank, Status: consent.Valid, N: 2},
		{App: app, Bank: "second", Status: consent.Valid, N: 1}}
	o := f.overview(t, f.now)
	if diff := cmp.Diff(want, o.Consents); diff != "" {
		t.Error(diff)
	}
	if len(o.Lapses) != consent.LapseDays || !o.Lapses[0].Day.Equal(today) || o.Lapses[0].N != 1 || o.Lapses[1].N != 2 || o.Lapses[2].N != 0 {
		t.Errorf("lapses = %v", o.Lapses[:3])
	}
	want[2].N = 1
	want = slices.Insert(want, 1, consent.Count{App: app, Bank: bank, Status: consent.Expired, N: 1})
	o = f.overview(t, soon)
	if diff := cmp.Diff(want, o.Consents); diff != "" {
		t.Errorf("once one is over: %s", diff)
	}
	if o.Lapses[0].N != 0 || o.Lapses[1].N != 2 {
		t.Errorf("lapses once one is over = %v", o.Lapses[:3])
	}
	must(t, f.Lapse(t.Context(), anywhere(1), soon, consent.Work{}))
	if diff := cmp.Diff(want, f.overview(t, soon).Consents); diff != "" {
		t.Errorf("once that is done: %s", diff)
	}
}

func overviewDays(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	for _, scope := range []string{"payments", "payments", "nothing"} {
		r := f.request(id)
		r.Scopes = []string{scope}
		_, err := f.HandOut(t.Context(), r)
		must(t, err)
	}
	late := f.request(id)
	late.Now = f.now.Add(24 * time.Hour)
	must(t, f.RecordDenied(t.Context(), late, consent.OutcomeBank))
	l := f.acquire(t, id, 1, "a", time.Minute)
	for range 2 {
		must(t, f.Release(t.Context(), string(id), l, true, over, f.now))
	}
	l = f.acquire(t, id, 1, "b", time.Minute)
	for range 2 {
		must(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, late.Now))
	}
	today := f.now.Truncate(24 * time.Hour)
	tomorrow := today.Add(24 * time.Hour)
	o := f.overview(t, late.Now)
	handOuts := []consent.HandOutsDay{{Day: today, App: app, Allowed: 2, Denied: 1}, {Day: tomorrow, App: app, Denied: 1}}
	if diff := cmp.Diff(handOuts, o.HandOuts); diff != "" {
		t.Error(diff)
	}
	refreshes := []consent.RefreshDay{{Day: today, Bank: bank, Failed: 1}, {Day: tomorrow, Bank: bank, Refused: 1}}
	if diff := cmp.Diff(refreshes, o.Refreshes); diff != "" {
		t.Error(diff)
	}
	if o = f.overview(t, f.now.Add(consent.PastDays*24*time.Hour)); len(o.HandOuts) != 1 {
		t.Errorf("hand-outs of %d days later = %v", consent.PastDays, o.HandOuts)
	}
}

func overviewUndelivered(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	message := task(id, consent.TaskDeliver, "mail expired 1", f.now)
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{message}}))
	due := f.claim(t, f.now)
	must(t, f.Delivered(t.Context(), due[0], consent.Delivery{Outcome: consent.DeliveryFailed, At: f.now}))
	if o := f.overview(t, f.now); o.Undelivered != 1 {
		t.Errorf("undelivered = %d, want 1", o.Undelivered)
	}
	must(t, f.Purge(t.Context(), id, customer, nil, consent.Work{}))
	if o := f.overview(t, f.now); o.Undelivered != 0 {
		t.Errorf("undelivered after the purge = %d, want 0", o.Undelivered)
	}
}
