package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/token"
)

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
		p.handOut, p.need(lapse), p.told, p.keep, p.remind, p.purge)
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

func (p *player) remind(ctx context.Context, id consent.ID) error {
	n := num(string(id[6:]))
	return p.store.Remind(ctx, id, []byte{byte(n % 3), 1}, p.rand.IntN(2) == 0, p.now)
}

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
	for _, kind := range []string{"consent:*", "grant:*", "timeline:*", "customer:*", "reminders:*", "by:*", "undelivered"} {
		if left := keysLike(t, p.redis, "{p:*}:"+kind); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
