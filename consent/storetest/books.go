package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// books are the tests of what finds and counts consents.
func books() map[string]func(*testing.T, *fixture) {
	return map[string]func(*testing.T, *fixture){
		"Select/by end, page by page":              selectPages,
		"Select/many at one moment":                selectTies,
		"Select/by what they are":                  selectFilters,
		"Select/valid and expired by the date":     selectByDate,
		"Select/what changed, in order":            selectChanged,
		"Select/failing until a refresh succeeds":  selectFailing,
		"Select/needed beyond the end":             selectShort,
		"Select/nothing after a purge":             selectPurged,
		"Overview/counts consents and their ends":  overviewCounts,
		"Overview/counts hand-outs and failures":   overviewDays,
		"Overview/counts what was not delivered":   overviewUndelivered,
		"Request/finds its consents, for a while":  byRequest,
		"Timeline/says where a change comes from":  timelineOrigin,
		"Consents/reads several, without the gone": consentsRead,
	}
}

// add stores a consent of any partition; ends zero: nobody has granted it.
func (f *fixture) add(t *testing.T, n int, app, bank string, ends time.Time) consent.ID {
	t.Helper()
	id := anywhere(n)
	must(t, f.Create(t.Context(), consent.Consent{ID: id, App: app, Bank: bank, Status: consent.Received, Version: 1, CreatedAt: f.now,
		Personal: []byte{1}}, []byte{byte(n), 1}, consent.Work{}))
	if !ends.IsZero() {
		a := f.activation("commit-" + string(id))
		a.EndsAt = ends
		must(t, f.Activate(t.Context(), id, a))
	}
	return id
}

// anywhere makes an id in one of a few partitions.
func anywhere(n int) consent.ID { return consent.ID(fmt.Sprintf("cns_%02x%026d", n%3, n)) }

// choose reads all pages of a query.
func (f *fixture) choose(t *testing.T, q consent.Query) []consent.ID {
	t.Helper()
	if q.Order == "" {
		q.Order = consent.ByEnd
	}
	if q.Now.IsZero() {
		q.Now = f.now
	}
	if q.Limit == 0 {
		q.Limit = 3
	}
	out := []consent.ID{}
	for {
		places, total, err := f.Select(t.Context(), q)
		must(t, err)
		for _, p := range places {
			out = append(out, p.ID)
		}
		if len(places) < q.Limit {
			if total != int64(len(out)) {
				t.Errorf("%+v: total = %d, found %d", q.Filter, total, len(out))
			}
			return out
		}
		q.After = places[len(places)-1]
	}
}

func wantIDs(t *testing.T, got []consent.ID, want ...consent.ID) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found\n     %v\nwant %v", got, want)
	}
}

func selectPages(t *testing.T, f *fixture) {
	var want []consent.ID
	for n := range 20 {
		want = append(want, f.add(t, (n*7)%20, app, bank, f.now.Add(time.Duration(n+1)*time.Hour)))
	}
	for limit := 1; limit <= 21; limit++ {
		wantIDs(t, f.choose(t, consent.Query{Limit: limit}), want...)
	}
}

func selectTies(t *testing.T, f *fixture) {
	var want []consent.ID
	for n := range 40 {
		want = append(want, f.add(t, n, app, bank, f.now.Add(time.Hour)))
	}
	slices.Sort(want)
	for _, limit := range []int{1, 2, 7, 40, 41} {
		wantIDs(t, f.choose(t, consent.Query{Limit: limit}), want...)
	}
}

func selectFilters(t *testing.T, f *fixture) {
	end := f.now.Add(time.Hour)
	a := f.add(t, 1, app, bank, end)
	b := f.add(t, 2, app, "second", end.Add(time.Hour))
	c := f.add(t, 3, "other", bank, end.Add(2*time.Hour))
	d := f.add(t, 4, app, bank, time.Time{})
	tests := map[string]struct {
		consent.Filter
		want []consent.ID
	}{
		"all":            {consent.Filter{}, []consent.ID{d, a, b, c}},
		"app":            {consent.Filter{App: app}, []consent.ID{d, a, b}},
		"bank":           {consent.Filter{Bank: bank}, []consent.ID{d, a, c}},
		"both":           {consent.Filter{App: app, Bank: "second"}, []consent.ID{b}},
		"status":         {consent.Filter{Status: consent.Received}, []consent.ID{d}},
		"valid":          {consent.Filter{Status: consent.Valid, App: app}, []consent.ID{a, b}},
		"of a bank":      {consent.Filter{Status: consent.Valid, Bank: bank}, []consent.ID{a, c}},
		"nobody's":       {consent.Filter{App: "nobody"}, nil},
		"before":         {consent.Filter{EndsBefore: end.Add(time.Hour)}, []consent.ID{a}},
		"after":          {consent.Filter{EndsAfter: end}, []consent.ID{b, c}},
		"between":        {consent.Filter{EndsAfter: end, EndsBefore: end.Add(2 * time.Hour)}, []consent.ID{b}},
		"ended, not yet": {consent.Filter{EndsAfter: end, Status: consent.Expired}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { wantIDs(t, f.choose(t, consent.Query{Filter: test.Filter}), test.want...) })
	}
}

func selectByDate(t *testing.T, f *fixture) {
	end := f.now.Add(time.Hour)
	a := f.add(t, 1, app, bank, end)
	b := f.add(t, 2, app, bank, end.Add(time.Millisecond))
	c := f.add(t, 3, app, bank, end.Add(-time.Minute))
	must(t, f.Lapse(t.Context(), c, end, consent.Work{}))
	for _, order := range []consent.Order{consent.ByEnd, consent.ByChange} {
		valid := consent.Query{Filter: consent.Filter{Status: consent.Valid}, Order: order, Now: end}
		wantIDs(t, f.choose(t, valid), b)
		if order == consent.ByEnd { // a page that was asked for before the end
			read, total, err := f.Select(t.Context(), consent.Query{Filter: valid.Filter, Order: order, Now: end, Limit: 9,
				After: consent.Place{Score: end.Add(-time.Hour).UnixMilli(), ID: a}})
			if err != nil || total != 1 || len(read) != 1 || read[0].ID != b {
				t.Errorf("after an earlier page: %v of %d, %v", read, total, err)
			}
		}
		expired := consent.Query{Filter: consent.Filter{Status: consent.Expired}, Order: order, Now: end}
		got := f.choose(t, expired)
		slices.Sort(got)
		want := []consent.ID{a, c}
		slices.Sort(want)
		wantIDs(t, got, want...)
		expired.ChangedSince = f.now.Add(time.Millisecond)
		if order == consent.ByChange {
			wantIDs(t, f.choose(t, expired), c)
			valid.ChangedSince = f.now.Add(time.Millisecond)
			wantIDs(t, f.choose(t, valid))
		}
	}
}

func selectChanged(t *testing.T, f *fixture) {
	a := f.add(t, 1, app, bank, f.now.Add(time.Hour))
	f.now = f.now.Add(time.Minute)
	b := f.add(t, 2, app, bank, time.Time{})
	changed := consent.Query{Order: consent.ByChange}
	wantIDs(t, f.choose(t, changed), a, b)
	f.now = f.now.Add(time.Minute)
	f.end(t, a)
	wantIDs(t, f.choose(t, changed), b, a)
	changed.ChangedSince = f.now
	wantIDs(t, f.choose(t, changed), a)
	_, err := f.HandOut(t.Context(), f.request(b))
	must(t, err)
	must(t, f.Note(t.Context(), b, consent.Entry{At: f.now.Add(time.Second), Event: "noted"}))
	wantIDs(t, f.choose(t, changed), a)
	if c := wantStatus(t, f, a, consent.RevokedByPsu); !c.ChangedAt.Equal(f.now) {
		t.Errorf("changed at %s, want %s", c.ChangedAt, f.now)
	}
}

func selectFailing(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	failing := consent.Query{Filter: consent.Filter{Failing: true}}
	wantIDs(t, f.choose(t, failing))
	fail := func(seen int64) {
		must(t, f.Release(t.Context(), string(id), f.acquire(t, id, seen, "a", time.Minute), true, over, f.now))
	}
	fail(1)
	wantIDs(t, f.choose(t, failing), id)
	failing.Status, failing.Bank = consent.Valid, bank
	wantIDs(t, f.choose(t, failing), id)
	failing.Status = consent.Received
	wantIDs(t, f.choose(t, failing))
	failing = consent.Query{Filter: consent.Filter{Failing: true}}
	must(t, f.Commit(t.Context(), string(id), f.acquire(t, id, 1, "b", time.Minute), next(f, "commit-2")))
	wantIDs(t, f.choose(t, failing))
	fail(2)
	failing.Now = f.now.Add(90 * 24 * time.Hour)
	wantIDs(t, f.choose(t, failing)) // it has ended
	failing.Now = time.Time{}
	f.end(t, id)
	wantIDs(t, f.choose(t, failing))
}

func selectPurged(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Release(t.Context(), string(id), f.acquire(t, id, 1, "a", time.Minute), true, over, f.now))
	for range 2 {
		must(t, f.Purge(t.Context(), id, customer, []byte{0xaa, 1}, consent.Work{}))
	}
	wantIDs(t, f.choose(t, consent.Query{}))
	wantIDs(t, f.choose(t, consent.Query{Order: consent.ByChange}))
	o := f.overview(t, f.now)
	if len(o.Consents)+len(o.Failing) > 0 || o.Lapses[0].N+o.Lapses[consent.LapseDays-1].N > 0 {
		t.Errorf("overview = %+v", o)
	}
}

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
	if diff := cmp.Diff(want, f.overview(t, soon).Consents); diff != "" {
		t.Errorf("once one is over: %s", diff)
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
