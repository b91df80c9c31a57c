package redisstore_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// TestTurnAfterAReplicaThatKnewNoOrder: while replicas are replaced one after
// another, an older one settles a delivery without taking it off the list.
func TestTurnAfterAReplicaThatKnewNoOrder(t *testing.T) {
	_, client := redistest.Embedded(t)
	store, now := newStore(t, client), time.Now().UTC().Truncate(time.Millisecond)
	id := consent.ID("cns_7f00000000000000000000000001")
	var work consent.Work
	for _, notice := range []string{"log connected 1", "webhook connected 1", "webhook warning-7 1", "webhook warning-3 1"} {
		work.Add = append(work.Add, consent.Task{Kind: consent.TaskDeliver, ID: id, Arg: notice, Due: now})
	}
	if err := store.Schedule(t.Context(), id, work); err != nil {
		t.Fatal(err)
	}
	if err := client.ZRem(t.Context(), "{p:7f}:due", work.Add[1].Name(), work.Add[2].Name()).Err(); err != nil {
		t.Fatal(err)
	}
	if turn, err := store.InTurn(t.Context(), work.Add[3], now); err != nil || !turn.Come {
		t.Errorf("turn = %+v, %v, want it to go", turn, err)
	}
	if lines, err := client.HGet(t.Context(), "{p:7f}:telling", string(id)).Result(); err != nil || lines != "log connected 1\nwebhook warning-3 1" {
		t.Errorf("telling = %q, %v", lines, err)
	}
}
