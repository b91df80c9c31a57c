package redisstore_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
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
			p.wantSelections(t)
			if seed%5 == 0 {
				p.rebuild(t)
			}
			p.purgeAll(t)
		})
	}
}

// TestBooksOnEmbeddedRedis: what the demo and most tests run on.
func TestBooksOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	_, c := redistest.Embedded(t)
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

// player does to a few consents whatever can be done.
type player struct {
	store *redisstore.Store
	redis redis.UniversalClient
	rand  *rand.Rand
	start time.Time
	now   time.Time
	steps int
}

const players = 12

func newPlayer(t *testing.T, s *redisstore.Store, c redis.UniversalClient, seed uint64) *player {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	return &player{store: s, redis: c, rand: rand.New(rand.NewPCG(seed, 0)), start: now, now: now}
}

func (p *player) id() consent.ID {
	n := p.rand.IntN(players)
	return consent.ID(fmt.Sprintf("cns_%02x%026d", n%3, n))
}

func one[T any](p *player, of ...T) T { return of[p.rand.IntN(len(of))] }

// step does one thing, which may be refused, now and then twice.
func (p *player) step(t *testing.T) {
	t.Helper()
	p.steps++
	p.now = p.now.Add(time.Duration(p.rand.IntN(30)) * time.Hour)
	id, act := p.id(), p.act(t)
	for range one(p, 1, 1, 1, 2) {
		err := act(t.Context(), id)
		if errors.Is(err, token.ErrStoreUnavailable) {
			t.Fatal(err)
		}
	}
}

type action func(context.Context, consent.ID) error

func (p *player) act(t *testing.T) action {
	commit, status, owner := fmt.Sprintf("commit-%d", p.steps), p.status(), fmt.Sprint(p.steps)
	lapse := p.rand.IntN(2) == 0
	return one(p,
		p.create, p.create, p.activate(commit, status), p.activate(commit, status), p.activate(commit, status),
		p.reject, p.confirm, p.end, p.lapse, p.lapse, p.abandon,
		p.refresh(owner, p.fails), p.refresh(owner, p.fails), p.refresh(owner, p.succeeds), p.refresh(owner, p.refused),
		p.handOut, p.need(lapse), p.told, p.keep, p.purge)
}

func (p *player) status() consent.Status {
	return one(p, consent.Valid, consent.Valid, consent.Received)
}

func (p *player) create(ctx context.Context, id consent.ID) error {
	n := num(string(id[6:]))
	return p.store.Create(ctx, consent.Consent{ID: id, App: []string{"shop", "lender"}[n%2], Bank: []string{"one", "two", "three"}[n%3],
		Status: consent.Received, Version: 1, CreatedAt: p.now}, []byte{byte(n % 3), 1}, consent.Work{})
}

func (p *player) activate(commit string, status consent.Status) action {
	ends := p.now.Add(one(p, 24*time.Hour, 40*24*time.Hour, 90*24*time.Hour))
	return func(ctx context.Context, id consent.ID) error {
		c, err := p.store.Consent(ctx, id)
		if err != nil {
			return err
		}
		a := consent.Activation{Version: c.Version, Status: status, AuthorizedAt: p.now, EndsAt: ends, Person: []byte{1}, Subject: []byte{byte(len(commit) % 3)},
			Sealed: token.Sealed{CommitID: commit, Access: []byte{1}, Refresh: []byte{2}, IssuedAt: p.now, AccessExpiry: p.now.Add(time.Hour)}}
		if status != consent.Valid {
			a.ConfirmHash, a.ConfirmUntil = "hash", p.now.Add(24*time.Hour)
		}
		return p.store.Activate(ctx, id, a)
	}
}

func (p *player) reject(ctx context.Context, id consent.ID) error {
	return p.store.Reject(ctx, id, consent.Rejection{Status: one(p, consent.Rejected, consent.PartiallyAuthorised), At: p.now})
}

func (p *player) confirm(ctx context.Context, id consent.ID) error {
	return p.store.Confirm(ctx, id, consent.Confirmation{Hash: "hash", At: p.now, Person: []byte{1}, Subject: []byte{9}})
}

func (p *player) end(ctx context.Context, id consent.ID) error {
	return p.store.End(ctx, id, consent.End{Status: one(p, consent.RevokedByPsu, consent.TerminatedByTpp), At: p.now, ForgetBy: p.now.Add(time.Hour)})
}

func (p *player) lapse(ctx context.Context, id consent.ID) error {
	return p.store.Lapse(ctx, id, p.now, consent.Work{})
}

func (p *player) abandon(ctx context.Context, id consent.ID) error {
	return p.store.Abandon(ctx, id, p.now)
}

func (p *player) refresh(owner string, then func(context.Context, string, token.Lease) error) action {
	return func(ctx context.Context, id consent.ID) error {
		newest, err := p.store.Newest(ctx, id)
		if err != nil {
			return err
		}
		l, err := p.store.Acquire(ctx, string(id), newest.Generation, owner, -time.Second)
		if err != nil {
			return err
		}
		return then(ctx, string(id), l)
	}
}

func (p *player) fails(ctx context.Context, id string, l token.Lease) error {
	return p.store.Release(ctx, id, l, true, -time.Second, p.now)
}

func (p *player) succeeds(ctx context.Context, id string, l token.Lease) error {
	return p.store.Commit(ctx, id, l, token.Sealed{CommitID: "refresh-" + l.Owner, IssuedAt: p.now, AccessExpiry: p.now.Add(time.Hour)})
}

func (p *player) refused(ctx context.Context, id string, l token.Lease) error {
	return p.store.MarkDead(ctx, id, l, token.ErrRefused, p.now)
}

func (p *player) handOut(ctx context.Context, id consent.ID) error {
	_, err := p.store.HandOut(ctx, consent.HandOutRequest{ID: id, App: "shop", RequestID: "r", Now: p.now})
	return err
}

// need says until when an app needs a consent.
func (p *player) need(longer bool) action {
	until := p.now.Add(time.Hour)
	if longer {
		until = p.now.Add(100 * 24 * time.Hour)
	}
	return func(ctx context.Context, id consent.ID) error {
		_, err := p.store.HandOut(ctx, consent.HandOutRequest{ID: id, App: "shop", RequestID: "r", Now: p.now, NeededUntil: until})
		return err
	}
}

func (p *player) told(ctx context.Context, id consent.ID) error {
	commit := val2(p.redis.HGet(ctx, "{p:"+id.Partition()+"}:consent:"+string(id), "ended_grant").Result())
	return p.store.Told(ctx, consent.Task{Kind: consent.TaskRevoke, ID: id, Arg: commit}, token.RevocationConfirmed, p.now)
}

// val2 is the value, or a zero one.
func val2[T any](v T, _ error) T { return v }

func (p *player) keep(ctx context.Context, id consent.ID) error {
	c, err := p.store.Consent(ctx, id)
	if err != nil {
		return err
	}
	return p.store.Keep(ctx, id, c.Version, p.now.Add(10*365*24*time.Hour))
}

func (p *player) purge(ctx context.Context, id consent.ID) error {
	if p.rand.IntN(3) > 0 {
		return nil
	}
	n := num(string(id[6:]))
	return p.store.Purge(ctx, id, []byte{byte(n % 3), 1}, []byte{1}, consent.Work{})
}

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

// purgeAll leaves nothing behind that finds anybody.
func (p *player) purgeAll(t *testing.T) {
	t.Helper()
	for n := range players {
		id := consent.ID(fmt.Sprintf("cns_%02x%026d", n%3, n))
		if err := p.store.Purge(t.Context(), id, []byte{byte(n % 3), 1}, []byte{1}, consent.Work{}); err != nil {
			t.Fatal(err)
		}
	}
	if left := booksOf(t, p.redis); len(left) > 0 {
		t.Fatalf("left in the books: %v", left)
	}
	for _, kind := range []string{"consent:*", "grant:*", "timeline:*", "customer:*", "by:*", "undelivered"} {
		if left := keysLike(t, p.redis, "{p:*}:"+kind); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
