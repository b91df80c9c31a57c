package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

// schedule adds deliveries, each due now.
func (f *fixture) schedule(t *testing.T, id consent.ID, notices ...string) {
	t.Helper()
	for _, n := range notices {
		must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{task(id, consent.TaskDeliver, n, f.now)}}))
	}
}

// claimedOf takes the delivery with a notice out of a claim.
func claimedOf(t *testing.T, tasks []consent.Task, notice string) consent.Task {
	t.Helper()
	for _, got := range tasks {
		if got.Arg == notice {
			return got
		}
	}
	t.Fatalf("%q was not claimed: %v", notice, names(tasks))
	return consent.Task{}
}

func (f *fixture) turn(t *testing.T, of consent.Task, again time.Time) consent.Turn {
	t.Helper()
	turn, err := f.InTurn(t.Context(), of, again)
	must(t, err)
	return turn
}

func inTurnWaits(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	const first, second, third, other = "webhook connected 1", "webhook warning-7 1", "webhook warning-3 1", "log warning-7 1"
	f.schedule(t, id, first, second, third, other, first) // the first again: it keeps its place
	got := f.claim(t, f.now)
	one := claimedOf(t, got, first)
	for _, of := range []consent.Task{one, claimedOf(t, got, other)} {
		if turn := f.turn(t, of, f.now); !turn.Come {
			t.Errorf("%s waits: %+v", of.Arg, turn)
		}
	}
	later := f.now.Add(10 * time.Minute)
	must(t, f.Postpone(t.Context(), one, later))
	for notice, again := range map[string]time.Time{second: f.now.Add(time.Second), third: later.Add(time.Hour)} {
		turn := f.turn(t, claimedOf(t, got, notice), again)
		if turn.Come || turn.Ahead == nil || (notice == second && (turn.Ahead.Arg != first || !turn.Ahead.Due.Equal(later))) {
			t.Errorf("turn of %s = %+v", notice, turn)
		}
		if turn := f.turn(t, claimedOf(t, got, notice), again); turn.Come || turn.Ahead != nil {
			t.Errorf("turn of %s, which was given back: %+v", notice, turn)
		}
	}
	must(t, f.Finish(t.Context(), claimedOf(t, got, other)))
	if left := f.claim(t, later.Add(-time.Millisecond)); len(left) != 0 {
		t.Errorf("claimed early: %v", names(left))
	}
	if left := f.claim(t, later.Add(time.Hour)); !slices.Contains(names(left), "deliver "+string(id)+" "+third) {
		t.Errorf("claimed: %v", names(left))
	}
}

// inTurnClaimedSince: what waits is not made due under the hands of whoever
// has claimed it since.
func inTurnClaimedSince(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	f.schedule(t, id, "webhook a 1", "webhook b 1")
	got := f.claim(t, f.now)
	one := claimedOf(t, got, "webhook a 1")
	f.turn(t, claimedOf(t, got, "webhook b 1"), f.now.Add(time.Minute))
	must(t, f.Postpone(t.Context(), one, f.now.Add(time.Minute)))
	got = f.claim(t, f.now.Add(time.Minute))
	must(t, f.Finish(t.Context(), claimedOf(t, got, "webhook a 1")))
	if twice := f.claim(t, f.now.Add(time.Minute)); len(twice) != 0 {
		t.Errorf("claimed twice: %v", names(twice))
	}
	if turn := f.turn(t, claimedOf(t, got, "webhook b 1"), f.now); !turn.Come {
		t.Errorf("turn = %+v, want it to go", turn)
	}
}

// inTurnFollows: what waits is due as soon as the one ahead is gone, however
// that goes, and then only once.
func inTurnFollows(t *testing.T, f *fixture) {
	n := 0
	for name, settle := range map[string]func(consent.Task) error{
		"finished": func(c consent.Task) error { return f.Finish(t.Context(), c) },
		"taken out": func(c consent.Task) error {
			return f.Schedule(t.Context(), c.ID, consent.Work{Remove: []consent.Task{c}})
		},
		"delivered": func(c consent.Task) error {
			return f.Delivered(t.Context(), c, consent.Delivery{Outcome: consent.DeliverySent, At: f.now})
		},
		"given up": func(c consent.Task) error {
			return f.Delivered(t.Context(), c, consent.Delivery{Outcome: consent.DeliveryFailed, At: f.now})
		},
	} {
		n++
		id := id(n)
		f.schedule(t, id, "webhook a 1", "webhook b 1", "webhook c 1")
		got := f.claim(t, f.now)
		for _, n := range []string{"webhook b 1", "webhook c 1"} {
			f.turn(t, claimedOf(t, got, n), f.now.Add(time.Hour))
		}
		must(t, settle(claimedOf(t, got, "webhook a 1")))
		must(t, settle(claimedOf(t, got, "webhook a 1")))
		next := f.claim(t, f.now)
		if diff := cmp.Diff([]string{"deliver " + string(id) + " webhook b 1"}, names(next)); diff != "" {
			t.Fatalf("%s: %s", name, diff)
		}
		if turn := f.turn(t, next[0], f.now); !turn.Come {
			t.Errorf("%s: the next one waits: %+v", name, turn)
		}
		must(t, f.Finish(t.Context(), next[0]))
		must(t, f.Finish(t.Context(), f.claim(t, f.now)[0]))
		if left := f.claim(t, f.now.Add(48*time.Hour)); len(left) != 0 {
			t.Errorf("%s: left %v", name, names(left))
		}
	}
}
