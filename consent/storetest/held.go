package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

func held() map[string]func(*testing.T, *fixture) {
	return map[string]func(*testing.T, *fixture){
		"Held/newest first, page by page, each once":         heldInPages,
		"Held/more of one moment than a page holds":          heldAtOnce,
		"Held/not before it is confirmed":                    heldOnceConfirmed,
		"Activate/another holder takes the place of the one": heldByAnother,
		"Activate/moves it to the front of each list":        heldByWhoSaidLess,
		"Purge/leaves no holder":                             heldNoMore,
		"Rebuild/enters consents under their holders":        heldAgain,
	}
}

var (
	person  = []byte{0xaa, 1}
	subject = []byte{0xcc, 2}
	other   = []byte{0xcc, 3}
)

// holds stores a valid consent of a partition, granted at a moment.
func (f *fixture) holds(t *testing.T, partition, n int, at time.Time, person, subject []byte) consent.ID {
	t.Helper()
	id := consent.ID(fmt.Sprintf("cns_%02x%026d", partition, n))
	must(t, f.Create(t.Context(), consent.Consent{ID: id, App: app, Bank: bank, Status: consent.Received, Version: 1, CreatedAt: at},
		[]byte{byte(partition), 1}, consent.Work{}))
	a := f.activation("commit-1")
	a.AuthorizedAt, a.Person, a.Subject = at, person, subject
	must(t, f.Activate(t.Context(), id, a))
	return id
}

// wantHeld compares what a holder has with what they should have.
func wantHeld(t *testing.T, f *fixture, h consent.Holder, want ...consent.ID) {
	t.Helper()
	places, more, err := f.Held(t.Context(), h, consent.Place{}, 50)
	must(t, err)
	var got []consent.ID
	for _, p := range places {
		got = append(got, p.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" || more {
		t.Errorf("held, more: %v (-want +got):\n%s", more, diff)
	}
}

func heldInPages(t *testing.T, f *fixture) {
	var all []consent.ID
	for n := range 12 { // the newest first, in pairs of the same millisecond
		p, s := person, subject
		if n%4 == 1 {
			p = nil
		} else if n%4 == 2 {
			s = nil
		}
		all = append(all, f.holds(t, 0x20-n%2*0x10, 12-n, f.now.Add(-time.Duration(n/2)*time.Second), p, s))
	}
	f.holds(t, 7, 1, f.now, other, other)
	for i := 0; i < len(all); i += 2 { // in the same millisecond the greater id comes first
		if all[i] < all[i+1] {
			all[i], all[i+1] = all[i+1], all[i]
		}
	}
	h := consent.Holder{Person: person, Subject: subject}
	wantHeld(t, f, h, all...)
	for _, limit := range []int{1, 2, 5, 12} {
		var got []consent.ID
		var after consent.Place
		for more := true; more; {
			var places []consent.Place
			var err error
			places, more, err = f.Held(t.Context(), h, after, limit)
			must(t, err)
			if len(places) == 0 || len(places) > limit {
				t.Fatalf("a page of %d has %d", limit, len(places))
			}
			for _, p := range places {
				got = append(got, p.ID)
			}
			after = places[len(places)-1]
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	wantHeld(t, f, consent.Holder{Customer: []byte{0x10, 1}}, all[1], all[3], all[5], all[7], all[9], all[11])
	wantHeld(t, f, consent.Holder{})
}

// heldAtOnce stores more in one millisecond than fit a page.
func heldAtOnce(t *testing.T, f *fixture) {
	for n := range 7 {
		f.holds(t, 0x20, n, f.now, person, nil)
	}
	seen := 0
	var after consent.Place
	for more := true; more; {
		var places []consent.Place
		var err error
		places, more, err = f.Held(t.Context(), consent.Holder{Person: person}, after, 3)
		must(t, err)
		if len(places) == 0 {
			t.Fatalf("an empty page after %d", seen)
		}
		seen, after = seen+len(places), places[len(places)-1]
	}
	if seen != 7 {
		t.Errorf("found %d, want 7", seen)
	}
}

func heldOnceConfirmed(t *testing.T, f *fixture) {
	id := f.unconfirmed(t)
	h := consent.Holder{Person: person, Subject: subject}
	wantHeld(t, f, h)
	for range 2 {
		must(t, f.Confirm(t.Context(), id, consent.Confirmation{Hash: "hash", At: f.now, Person: person, Subject: subject}))
	}
	wantHeld(t, f, consent.Holder{Person: person}, id)
	wantHeld(t, f, consent.Holder{Subject: subject}, id)
}

func heldByAnother(t *testing.T, f *fixture) {
	id := f.holds(t, 0x7f, 1, f.now, person, subject)
	a := f.activation("commit-2")
	a.Version, a.Subject, a.Person = 2, other, nil
	must(t, f.Activate(t.Context(), id, a))
	wantHeld(t, f, consent.Holder{Subject: subject})
	wantHeld(t, f, consent.Holder{Subject: other}, id)
	wantHeld(t, f, consent.Holder{Person: person}, id) // a bank that says less takes nothing back
}

// heldByWhoSaidLess renews at a bank that names no national id this time.
func heldByWhoSaidLess(t *testing.T, f *fixture) {
	renewed := f.holds(t, 0x7f, 1, f.now, person, subject)
	newer := f.holds(t, 0x7f, 2, f.now.Add(time.Second), person, subject)
	a := f.activation("commit-2")
	a.Version, a.AuthorizedAt, a.Subject, a.Person = 2, f.now.Add(time.Hour), subject, nil
	must(t, f.Activate(t.Context(), renewed, a))
	wantHeld(t, f, consent.Holder{Person: person}, renewed, newer)
	h := consent.Holder{Person: person, Subject: subject}
	wantHeld(t, f, h, renewed, newer)
	first, _, err := f.Held(t.Context(), h, consent.Place{}, 1)
	must(t, err)
	second, more, err := f.Held(t.Context(), h, first[0], 1)
	must(t, err)
	if len(second) != 1 || second[0].ID != newer || more {
		t.Errorf("the second page has %v, more: %v", second, more)
	}
}

func heldNoMore(t *testing.T, f *fixture) {
	id := f.holds(t, 0x7f, 1, f.now, person, subject)
	for range 2 {
		must(t, f.Purge(t.Context(), id, customer, nil, consent.Work{}))
	}
	wantHeld(t, f, consent.Holder{Person: person, Subject: subject, Customer: customer})
}

func heldAgain(t *testing.T, f *fixture) {
	id := f.holds(t, 0x7f, 1, f.now, nil, nil)
	f.create(t, 2) // nobody has granted it
	broken := errors.New("broken")
	_, err := f.Rebuild(t.Context(), func(context.Context, consent.Consent) (consent.Holder, error) { return consent.Holder{}, broken })
	wantErr(t, err, broken)
	for range 2 {
		n, err := f.Rebuild(t.Context(), func(_ context.Context, c consent.Consent) (consent.Holder, error) {
			return consent.Holder{Person: person, Subject: subject}, nil
		})
		if err != nil || n != 2 {
			t.Fatalf("rebuilt from %d records, %v; want 2", n, err)
		}
	}
	wantHeld(t, f, consent.Holder{Person: person}, id)
	wantHeld(t, f, consent.Holder{Subject: subject}, id)
	changed, err := f.Rebuild(t.Context(), func(ctx context.Context, c consent.Consent) (consent.Holder, error) {
		if c.ID != id {
			return consent.Holder{}, nil
		}
		a := f.activation("commit-2") // it is renewed between reading and entering
		a.Version, a.Person, a.Subject = c.Version, person, other
		return consent.Holder{Person: person, Subject: subject}, f.Activate(ctx, id, a)
	})
	if err != nil || changed != 2 {
		t.Fatalf("rebuilt from %d records, %v; want 2", changed, err)
	}
	wantHeld(t, f, consent.Holder{Subject: other}, id)
	wantHeld(t, f, consent.Holder{Subject: subject})
}
