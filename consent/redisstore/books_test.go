package redisstore_test

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// books is what stands in all partitions' lists and counters: for a list the
// score of each member, for a hash its fields.
type books map[string]map[string]string

// booksOf reads the books as they are.
func booksOf(t *testing.T, c redis.UniversalClient) books {
	t.Helper()
	out := books{}
	for _, kind := range []string{"ends:*", "changed:*"} {
		for _, key := range keysLike(t, c, "{p:*}:"+kind) {
			out[key] = map[string]string{}
			for _, z := range val(c.ZRangeWithScores(t.Context(), key, 0, -1).Result())(t) {
				out[key][z.Member.(string)] = strconv.FormatInt(int64(z.Score), 10)
			}
		}
	}
	for _, kind := range []string{"counts", "lapses"} {
		for _, key := range keysLike(t, c, "{p:*}:"+kind) {
			h := val(c.HGetAll(t.Context(), key).Result())(t)
			delete(h, "epoch")
			if len(h) > 0 {
				out[key] = h
			}
		}
	}
	return out
}

// booksByRecords is what should stand there, from the records alone.
func booksByRecords(t *testing.T, c redis.UniversalClient) books {
	t.Helper()
	out := books{}
	put := func(key, field, value string) {
		if out[key] == nil {
			out[key] = map[string]string{}
		}
		out[key][field] = value
	}
	add := func(key, field string) {
		n, _ := strconv.Atoi(out[key][field])
		put(key, field, strconv.Itoa(n+1))
	}
	for _, key := range keysLike(t, c, "{p:*}:consent:*") {
		tag, id, _ := strings.Cut(key, "consent:")
		h := val(c.HGetAll(t.Context(), key).Result())(t)
		ends := num(h["ends"])
		states := []string{h["status"]}
		if h["status"] == "valid" && h["lapsed"] != "" && h["lapsed"] == h["term"] {
			states = []string{"expired"}
		} else if h["status"] == "valid" {
			if h["failing"] == "1" {
				states = append(states, "failing")
			}
			if num(h["needed"]) > ends {
				states = append(states, "short")
			}
			add(tag+"lapses", strconv.FormatInt(ends/86_400_000, 10))
		}
		for _, state := range states {
			for _, whose := range []string{h["app"] + ":" + h["bank"], h["app"] + ":", ":" + h["bank"], ":"} {
				put(tag+"ends:"+whose+":"+state, id, cmp.Or(h["ends"], "-"+h["created"]))
				put(tag+"changed:"+whose+":"+state, id, h["changed"])
			}
			add(tag+"counts", h["app"]+" "+h["bank"]+" "+state)
		}
	}
	return out
}

func num(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }

func val[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func keysLike(t *testing.T, c redis.UniversalClient, pattern string) []string {
	t.Helper()
	return redistest.Keys(t, c, pattern)
}

func wantBooksTrue(t *testing.T, c redis.UniversalClient) {
	t.Helper()
	if diff := gocmp.Diff(booksByRecords(t, c), booksOf(t, c)); diff != "" {
		t.Fatalf("the books do not say what the records say (-records +books):\n%s", diff)
	}
}

// TestBooksSayWhatTheRecordsSay does what comes to a few consents in any
// order, each thing now and then twice, and compares.
func TestBooksSayWhatTheRecordsSay(t *testing.T) {
	t.Parallel()
	c := redistest.Start(t, "--appendonly", "no").Client(t)
	store := newStore(t, c)
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			redistest.Clear(t, c)
			p := newPlayer(t, store, c, seed)
			for n := range 200 {
				p.step(t)
				if n%20 == 0 {
					wantBooksTrue(t, c)
				}
			}
			wantBooksTrue(t, c)
			if seed%5 == 0 { // they read what was just compared
				p.wantSelections(t)
				p.rebuild(t)
			}
			p.purgeAll(t)
		})
	}
}

// TestBooksOnEmbeddedRedis: what the demo and most tests run on.
func TestBooksOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	m, c := redistest.Embedded(t)
	m.ClockTTL(false) // with it, each command looks at every key
	playOn(t, c)
}

func TestBooksOnRedisCluster(t *testing.T) {
	t.Parallel()
	playOn(t, redistest.Cluster(t))
}

func playOn(t *testing.T, c redis.UniversalClient) {
	t.Helper()
	p := newPlayer(t, newStore(t, c), c, 1)
	for range 100 {
		p.step(t)
	}
	wantBooksTrue(t, c)
	p.wantSelections(t)
	p.rebuild(t)
	p.purgeAll(t)
}

// rebuild throws lists and counters away, adds what should not be there, and
// makes all of it anew.
func (p *player) rebuild(t *testing.T) {
	t.Helper()
	before := booksOf(t, p.redis)
	for i, key := range append(keysLike(t, p.redis, "{p:*}:ends:*"), keysLike(t, p.redis, "{p:*}:counts")...) {
		if i%3 != 0 {
			val(p.redis.Del(t.Context(), key).Result())(t)
		}
	}
	val(p.redis.ZAdd(t.Context(), "{p:05}:ends:gone:gone:valid", redis.Z{Score: 1, Member: "cns_05"}).Result())(t)
	val(p.redis.HSet(t.Context(), "{p:05}:counts", "gone gone valid", 1).Result())(t)
	want := len(keysLike(t, p.redis, "{p:*}:consent:*"))
	for range 2 {
		n, err := p.store.Rebuild(t.Context(), nobody)
		if err != nil || int(n) != want {
			t.Fatalf("rebuilt from %d records, %v; want %d", n, err, want)
		}
		if diff := gocmp.Diff(before, booksOf(t, p.redis)); diff != "" {
			t.Fatalf("after a rebuild (-before +after):\n%s", diff)
		}
	}
	for range 50 {
		p.step(t)
	}
	wantBooksTrue(t, p.redis)
}

// nobody says that a rebuild finds out no holders.
func nobody(context.Context, consent.Consent) (consent.Holder, error) { return consent.Holder{}, nil }
