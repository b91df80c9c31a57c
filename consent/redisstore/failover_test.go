package redisstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
)

// TestSentinelPutsTheReplicaInPlace: a consent that the replica has is there
// after the switch, and until then nobody is told that it is not.
func TestSentinelPutsTheReplicaInPlace(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinel(t)
	client := w.Client(t)
	store := newStore(t, client)
	c := consent.Consent{ID: "cns_7f00000000000000000000000001", App: "shop", Bank: "sandbox", Status: consent.Received, Version: 1,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond)}
	if err := store.Create(t.Context(), c, []byte{1}, consent.Work{}); err != nil {
		t.Fatal(err)
	}
	if n := val(client.Do(t.Context(), "wait", 1, 5000).Int())(t); n != 1 {
		t.Fatalf("%d replicas have it", n)
	}
	w.Master.Kill()
	if _, err := store.Consent(t.Context(), c.ID); !errors.Is(err, token.ErrStoreUnavailable) {
		t.Errorf("without a master: %v", err)
	}
	w.Switch(t)
	if got, err := newStore(t, w.Client(t)).Consent(t.Context(), c.ID); err != nil || got.ID != c.ID {
		t.Errorf("after the switch: %+v, %v", got, err)
	}
}
