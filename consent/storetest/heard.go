package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// back gives a refused grant back, and returns what is due then.
func (f *fixture) back(t *testing.T, id consent.ID) []string {
	t.Helper()
	at := f.now.Add(2 * time.Minute)
	work := consent.Work{Remove: []consent.Task{task(id, consent.TaskBelieve, "", at)}}
	must(t, f.Restore(t.Context(), id, at, work, task(id, consent.TaskDeliver, "log recovered-1 1", at)))
	return names(f.claim(t, at))
}

func restoreTellsWhoHeard(t *testing.T, f *fixture) {
	unheard, _ := f.refused(t, 1)
	if due := f.back(t, unheard); len(due) != 0 {
		t.Errorf("told of an end that nobody heard of: %v", due)
	}
	denied, _ := f.refused(t, 2)
	if h, err := f.HandOut(t.Context(), f.request(denied)); err != nil || h.Outcome != consent.OutcomeRevoked {
		t.Fatalf("hand-out = %+v, %v", h, err)
	}
	if due := f.back(t, denied); !slices.Equal(due, []string{"deliver " + string(denied) + " log recovered-1 1"}) {
		t.Errorf("after a denied hand-out due: %v", due)
	}
	heard, _ := f.refused(t, 3)
	for range 2 { // the second time is a lost reply's
		must(t, f.Heard(t.Context(), heard))
	}
	if due := f.back(t, heard); !slices.Equal(due, []string{"deliver " + string(heard) + " log recovered-1 1"}) {
		t.Errorf("after it was heard of due: %v", due)
	}

	// Each end is heard of anew.
	c, err := f.Consent(t.Context(), heard)
	must(t, err)
	a := f.activation("commit-2")
	a.Version = c.Version
	must(t, f.Activate(t.Context(), heard, a))
	l := f.acquire(t, heard, 2, "b", time.Minute)
	must(t, f.MarkDead(t.Context(), string(heard), l, token.ErrRefused, f.now))
	if due := f.back(t, heard); len(due) != 0 {
		t.Errorf("told of the end before: %v", due)
	}
}

func heardOfWhatLives(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Heard(t.Context(), id))
	l := f.acquire(t, id, 1, "a", time.Minute)
	must(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, f.now))
	if due := f.back(t, id); len(due) != 0 {
		t.Errorf("due: %v", due)
	}
	must(t, f.Heard(t.Context(), consent.ID("cns_7f00000000000000000000000099")))
	_, err := f.Consent(t.Context(), consent.ID("cns_7f00000000000000000000000099"))
	wantErr(t, err, consent.ErrNotFound)
}
