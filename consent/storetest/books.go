package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
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
