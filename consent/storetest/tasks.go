package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

func task(id consent.ID, kind consent.TaskKind, arg string, due time.Time) consent.Task {
	return consent.Task{Kind: kind, ID: id, Arg: arg, Due: due}
}

// claim takes everything that is due now.
func (f *fixture) claim(t *testing.T, at time.Time) []consent.Task {
	t.Helper()
	due, err := f.Due(t.Context(), at)
	must(t, err)
	var tasks []consent.Task
	for _, p := range due {
		got, err := f.Claim(t.Context(), p, at, at.Add(time.Minute), 100)
		must(t, err)
		tasks = append(tasks, got...)
	}
	return tasks
}

func names(tasks []consent.Task) []string {
	out := []string{}
	for _, t := range tasks {
		out = append(out, t.Name())
	}
	slices.Sort(out)
	return out
}

func claimDue(t *testing.T, f *fixture) {
	one, two := consent.ID("cns_0000000000000000000000000001"), consent.ID("cns_ff00000000000000000000000002")
	for _, id := range []consent.ID{one, two} {
		must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{
			task(id, consent.TaskPurge, "", f.now), task(id, consent.TaskExpire, "", f.now.Add(time.Millisecond))}}))
	}
	want := []string{"purge " + string(one), "purge " + string(two)}
	if diff := cmp.Diff(want, names(f.claim(t, f.now))); diff != "" {
		t.Error(diff)
	}
	if again := f.claim(t, f.now); len(again) != 0 {
		t.Errorf("claimed twice: %v", names(again))
	}
	due, err := f.DueBy(t.Context(), consent.TaskExpire, f.now.Add(time.Second))
	if err != nil || len(due) != 2 {
		t.Errorf("due: %v, %v", names(due), err)
	}
}

func claimAgain(t *testing.T, f *fixture) {
	id := id(1)
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{task(id, consent.TaskPurge, "", f.now)}}))
	f.claim(t, f.now)
	got := f.claim(t, f.now.Add(time.Minute))
	if len(got) != 1 {
		t.Fatal("a claim that was never settled is lost")
	}
	must(t, f.Finish(t.Context(), got[0]))
	if left := f.claim(t, f.now.Add(24*time.Hour)); len(left) != 0 {
		t.Errorf("finished, and due again: %v", names(left))
	}
}

func settleMoved(t *testing.T, f *fixture) {
	id := id(1)
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{task(id, consent.TaskWarn, "", f.now)}}))
	got := f.claim(t, f.now)[0]
	later := task(id, consent.TaskWarn, "", f.now.Add(time.Hour))
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{later}}))
	must(t, f.Finish(t.Context(), got))
	must(t, f.Postpone(t.Context(), got, f.now.Add(2*time.Hour)))
	if left := f.claim(t, f.now.Add(time.Hour)); len(left) != 1 {
		t.Error("settling an old claim took the new task along")
	}
}

func deliverUndelivered(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	tell := task(id, consent.TaskDeliver, "mail connected 1", f.now)
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{tell}}))
	got := f.claim(t, f.now)[0]
	for range 2 {
		must(t, f.Delivered(t.Context(), got, consent.Delivery{Outcome: consent.DeliveryFailed, Detail: "no such mailbox", At: f.now}))
	}
	left, err := f.Undelivered(t.Context(), 10)
	must(t, err)
	if len(left) != 1 || left[0].Name() != tell.Name() {
		t.Fatalf("undelivered: %v", names(left))
	}
	lines, err := f.Timeline(t.Context(), id, 1)
	must(t, err)
	if lines[0].Event != "message_undelivered" || lines[0].Detail != "mail connected 1: no such mailbox" {
		t.Errorf("timeline: %+v", lines)
	}
	must(t, f.Redeliver(t.Context(), left[0], f.now))
	wantErr(t, f.Redeliver(t.Context(), left[0], f.now), consent.ErrNotFound)
	if due := f.claim(t, f.now); len(due) != 1 || due[0].Arg != tell.Arg {
		t.Errorf("due: %v", names(due))
	}
}

func triedCounts(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	tell := task(id, consent.TaskDeliver, "mail connected 1", f.now)
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{tell}}))
	for want := 1; want <= 3; want++ {
		tries, since, err := f.Tried(t.Context(), tell, f.now.Add(time.Duration(want)*time.Hour))
		if err != nil || tries != want || !since.Equal(f.now.Add(time.Hour)) {
			t.Errorf("tries = %d since %s, %v, want %d", tries, since, err, want)
		}
	}
	must(t, f.Delivered(t.Context(), f.claim(t, f.now)[0], consent.Delivery{Outcome: consent.DeliverySent, At: f.now}))
	if tries, _, err := f.Tried(t.Context(), tell, f.now); err != nil || tries != 1 {
		t.Errorf("tries = %d, %v after a delivery", tries, err)
	}
}

func spendBudget(t *testing.T, f *fixture) {
	for i := range 4 {
		if ok, err := f.Spend(t.Context(), bank, f.now, 3); err != nil || ok != (i < 3) {
			t.Errorf("call %d: %t, %v", i, ok, err)
		}
	}
	if ok, err := f.Spend(t.Context(), bank, f.now.Add(time.Minute), 3); err != nil || !ok {
		t.Errorf("next minute: %t, %v", ok, err)
	}
}

func purgeUndelivered(t *testing.T, f *fixture) {
	kept, gone := f.valid(t, 1), f.valid(t, 2)
	for _, id := range []consent.ID{kept, gone} {
		for _, arg := range []string{"mail connected 1", "webhook connected 1"} {
			must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{task(id, consent.TaskDeliver, arg, f.now)}}))
		}
	}
	for _, got := range f.claim(t, f.now) {
		must(t, f.Delivered(t.Context(), got, consent.Delivery{Outcome: consent.DeliveryFailed, At: f.now}))
	}
	must(t, f.Purge(t.Context(), gone, customer, []byte{0xaa, 1}, consent.Work{}))
	left, err := f.Undelivered(t.Context(), 10)
	must(t, err)
	if want := []string{"deliver " + string(kept) + " mail connected 1", "deliver " + string(kept) + " webhook connected 1"}; !slices.Equal(names(left), want) {
		t.Errorf("undelivered: %v", names(left))
	}
}
