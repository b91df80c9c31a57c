package redisstore_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
)

const (
	year  = 365 * 24 * time.Hour
	grace = 30 * 24 * time.Hour
)

// TestKeptUntilAfterThePurge: whatever makes the purge later makes everything
// outlive it that the purge needs to find.
func TestKeptUntilAfterThePurge(t *testing.T) {
	t.Parallel()
	_, embedded := redistest.Embedded(t)
	for name, c := range map[string]redis.UniversalClient{
		"embedded": embedded, "real": redistest.Start(t, "--appendonly", "no").Client(t),
	} {
		t.Run(name, func(t *testing.T) {
			store, now := newStore(t, c), time.Now().UTC().Truncate(time.Millisecond)
			id := consent.ID("cns_7f00000000000000000000000001")
			hangingOn(t, store, id, now)
			ends := now.Add(90 * 24 * time.Hour)
			wantDropped(t, c, id, ends.Add(2*year+grace))
			renewed := ends.Add(year)
			if err := store.Activate(t.Context(), id, consent.Activation{Version: 2, Status: consent.Valid, AuthorizedAt: now, EndsAt: renewed,
				Sealed: token.Sealed{CommitID: "commit-2", Access: []byte{1}, IssuedAt: now, AccessExpiry: now.Add(time.Hour)}}); err != nil {
				t.Fatal(err)
			}
			wantDropped(t, c, id, renewed.Add(2*year+grace))
			if err := store.Keep(t.Context(), id, 3, now.Add(9*year)); err != nil {
				t.Fatal(err)
			}
			wantDropped(t, c, id, now.Add(9*year+grace))
			if err := store.End(t.Context(), id, consent.End{Status: consent.TerminatedByTpp, At: now.Add(8 * year), ForgetBy: now.Add(9 * year)}); err != nil {
				t.Fatal(err)
			}
			wantDropped(t, c, id, now.Add(10*year+grace))
		})
	}
}

// hangingOn stores a consent that is valid for 90 days, with everything that
// can hang on a record.
func hangingOn(t *testing.T, s *redisstore.Store, id consent.ID, now time.Time) {
	t.Helper()
	a := consent.Activation{Version: 1, Status: consent.Valid, AuthorizedAt: now, EndsAt: now.Add(90 * 24 * time.Hour), Person: []byte{1},
		Sealed: token.Sealed{CommitID: "commit-1", Access: []byte{1}, Refresh: []byte{2}, IssuedAt: now, AccessExpiry: now.Add(time.Hour)}}
	tell := consent.Task{Kind: consent.TaskDeliver, ID: id, Arg: "mail connected 1", Due: now}
	for _, do := range []func() error{
		func() error {
			return s.Create(t.Context(), consent.Consent{ID: id, App: "shop", Bank: "one", Status: consent.Received, Version: 1, CreatedAt: now}, []byte{0x7f}, consent.Work{})
		},
		func() error { return s.Activate(t.Context(), id, a) },
		func() error {
			_, err := s.HandOut(t.Context(), consent.HandOutRequest{ID: id, App: "shop", RequestID: "r", Now: now})
			return err
		},
		func() error { _, _, err := s.Tried(t.Context(), tell, now); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
}

func wantDropped(t *testing.T, c redis.UniversalClient, id consent.ID, want time.Time) {
	t.Helper()
	for _, kind := range []string{"consent", "timeline", "uses", "deliveries"} {
		ms := val(c.PExpireTime(t.Context(), "{p:"+id.Partition()+"}:"+kind+":"+string(id)).Result())(t)
		if got := time.UnixMilli(ms.Milliseconds()); got.Sub(want).Abs() > time.Second {
			t.Errorf("%s is dropped at %s, want %s", kind, got.UTC(), want)
		}
	}
}
