package redisstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

// wantSelections compares what can be chosen with what the records say.
func (p *player) wantSelections(t *testing.T) {
	t.Helper()
	var all []consent.Consent
	for n := range players {
		if c, err := p.store.Consent(t.Context(), consent.ID(fmt.Sprintf("cns_%02x%026d", n%3, n))); err == nil {
			all = append(all, c)
		}
	}
	for _, now := range []time.Time{p.now, p.now.Add(10 * 24 * time.Hour), p.now.Add(20 * 24 * time.Hour)} {
		for _, f := range []consent.Filter{{}, {App: "shop"}, {Bank: "two"}, {Status: consent.Valid}, {Status: consent.Expired},
			{Status: consent.RevokedByPsu, App: "lender"}, {EndsBefore: p.now}, {EndsAfter: p.now, Status: consent.Valid},
			{EndsBefore: p.now.Add(-time.Hour), Status: consent.Expired}, {ChangedSince: p.now.Add(-9 * 24 * time.Hour)},
			{ChangedSince: p.start, Status: consent.Valid}, {ChangedSince: p.start, Status: consent.Expired, Bank: "one"},
			{App: "shop", Bank: "one"}, {App: "lender", Status: consent.Valid, EndsBefore: p.now.Add(50 * 24 * time.Hour)},
			{Failing: true}, {Failing: true, App: "shop"}, {Failing: true, Bank: "three", ChangedSince: p.start},
			{Short: true}, {Short: true, Bank: "one"}, {Short: true, App: "lender", ChangedSince: p.start}} {
			p.wantSelection(t, f, now, all)
		}
	}
}

func (p *player) wantSelection(t *testing.T, f consent.Filter, now time.Time, all []consent.Consent) {
	t.Helper()
	want := 0
	for _, c := range all {
		if p.chooses(f, c, now) {
			want++
		}
	}
	order := consent.ByEnd
	if !f.ChangedSince.IsZero() {
		order = consent.ByChange
	}
	q := consent.Query{Filter: f, Order: order, Now: now, Limit: 2}
	got := 0
	for {
		places, total, err := p.store.Select(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if int(total) != want {
			t.Fatalf("%+v at %s: total = %d, want %d", f, now, total, want)
		}
		for _, place := range places {
			if q.After.ID != "" && place.Compare(q.After) <= 0 {
				t.Fatalf("%+v: %v after %v", f, place, q.After)
			}
			q.After = place
			got++
		}
		if len(places) < q.Limit {
			break
		}
	}
	if got != want {
		t.Fatalf("%+v at %s: chose %d, want %d", f, now, got, want)
	}
}

// chooses is Filter.Chooses with what only a consent's hash tells.
func (p *player) chooses(f consent.Filter, c consent.Consent, now time.Time) bool {
	alive := c.StatusAt(now) == consent.Valid
	return f.Chooses(c, now) && (!f.Failing || alive && c.Failing) && (!f.Short || alive && c.NeededUntil.After(c.EndsAt))
}
