package redisstore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	_, embedded := redistest.Embedded(t)
	for name, client := range map[string]redis.UniversalClient{"embedded": embedded, "real": redistest.Start(t).Client(t), "cluster": redistest.Cluster(t)} {
		t.Run(name, func(t *testing.T) { testSessions(t, client) })
	}
}

func testSessions(t *testing.T, client redis.UniversalClient) {
	ctx := t.Context()
	keys, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, client).Sessions(keys, "staff")
	find := func(name, want string) {
		t.Helper()
		got, found, err := s.FindCtx(ctx, name)
		if err != nil || string(got) != want || found != (want != "") {
			t.Errorf("Find(%s) = %q, %t, %v, want %q", name, got, found, err, want)
		}
	}
	until := time.Now().Add(time.Hour)
	find("a", "")
	for _, data := range []string{"gudrun of support", "gudrun again"} {
		if err := s.CommitCtx(ctx, "a", []byte(data), until); err != nil {
			t.Fatal(err)
		}
		find("a", data)
	}
	box, err := client.Get(ctx, "session:staff:a").Bytes()
	if err != nil || bytes.Contains(box, []byte("gudrun")) {
		t.Errorf("at rest = %q, %v, want it sealed", box, err)
	}
	if left := client.PTTL(ctx, "session:staff:a").Val(); left <= 0 || left > time.Hour {
		t.Errorf("kept for %s, want an hour at most", left)
	}
	if err := client.Set(ctx, "session:staff:b", box, 0).Err(); err != nil {
		t.Fatal(err)
	}
	find("b", "") // another session's box does not open
	if err := s.DeleteCtx(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	find("a", "")
	if err := s.CommitCtx(ctx, "a", []byte("a request that was under way"), until); err != nil {
		t.Fatal(err)
	}
	find("a", "")
	if err := s.DeleteCtx(ctx, "made-up"); err != nil {
		t.Fatal(err)
	}
	if client.Exists(ctx, "session:staff:made-up").Val() != 0 {
		t.Error("a name that nobody had is kept")
	}
	if at, err := s.EndedAll(ctx, "audur"); err != nil || !at.IsZero() {
		t.Errorf("EndedAll = %s, %v, want never", at, err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	if err := s.EndAll(ctx, "audur", now, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.EndAll(ctx, "audur", now.Add(-time.Minute), time.Hour); err != nil { // late
		t.Fatal(err)
	}
	for who, want := range map[string]time.Time{"audur": now, "bjorn": {}} {
		if at, err := s.EndedAll(ctx, "session-7", who); err != nil || !at.Equal(want) {
			t.Errorf("EndedAll(%s) = %s, %v, want %s", who, at, err, want)
		}
	}
	for _, at := range []time.Time{now, now.Add(time.Second)} {
		if first, err := s.SeenFirst(ctx, "jti-1", at, time.Hour); err != nil || !first.Equal(now) {
			t.Errorf("SeenFirst at %s = %s, %v, want %s", at, first, err, now)
		}
	}
}
