package redisstore

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/token"
)

// Sessions keeps what is known of signed-in browsers, as the session library
// of package web/staff wants it (scs.CtxStore). Names of sessions must come
// hashed. What is kept is sealed and bound to its name, and Redis forgets it
// at its end.
type Sessions struct {
	store *Store
	keys  *token.Keyring
	kind  string
}

// Sessions returns the sessions of one kind: one for each cookie.
func (s *Store) Sessions(keys *token.Keyring, kind string) *Sessions {
	return &Sessions{store: s, keys: keys, kind: kind}
}

// endedFor is longer than any request that may still hold a session runs.
const endedFor = 5 * time.Minute

// FindCtx reads a session. One that does not open counts as none.
func (s *Sessions) FindCtx(ctx context.Context, name string) (data []byte, found bool, err error) {
	box, err := s.store.c.Client.Get(ctx, s.key(name)).Bytes()
	if errors.Is(err, redis.Nil) || err == nil && len(box) == 0 {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unavailable("session", err)
	}
	data, err = s.keys.Open(token.PurposeFlow, box, "session", s.kind, name)
	return data, err == nil, nil
}

// CommitCtx keeps a session until until. One that was ended stays ended.
func (s *Sessions) CommitCtx(ctx context.Context, name string, data []byte, until time.Time) error {
	box, err := s.keys.Seal(token.PurposeFlow, data, "session", s.kind, name)
	if err != nil {
		return err
	}
	return s.store.verdict(ctx, "putsession", nil, []string{s.key(name)}, box, millis(until))
}

// DeleteCtx ends a session.
func (s *Sessions) DeleteCtx(ctx context.Context, name string) error {
	return s.store.verdict(ctx, "endsession", nil, []string{s.key(name)}, endedFor.Milliseconds())
}

// Find is FindCtx without a context.
func (s *Sessions) Find(name string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), name)
}

// Commit is CommitCtx without a context.
func (s *Sessions) Commit(name string, data []byte, until time.Time) error {
	return s.CommitCtx(context.Background(), name, data, until)
}

// Delete is DeleteCtx without a context.
func (s *Sessions) Delete(name string) error { return s.DeleteCtx(context.Background(), name) }

// EndAll ends every session that somebody had begun by at. It is remembered
// for keep, the longest that a session lasts.
func (s *Sessions) EndAll(ctx context.Context, who string, at time.Time, keep time.Duration) error {
	key, err := s.endKey(who)
	if err != nil {
		return err
	}
	return s.store.verdict(ctx, "endsessions", nil, []string{key}, millis(at), keep.Milliseconds())
}

// EndedAll is when the sessions of any of those named were last ended all at
// once; zero for never, or so long ago that no session is left from before.
func (s *Sessions) EndedAll(ctx context.Context, who ...string) (latest time.Time, err error) {
	pipe := s.store.c.Client.Pipeline()
	var ended []*redis.StringCmd
	for _, w := range who {
		key, err := s.endKey(w)
		if err != nil {
			return time.Time{}, err
		}
		ended = append(ended, pipe.Get(ctx, key))
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, e := range ended {
		if err := e.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return time.Time{}, unavailable("ended sessions", err)
		}
		if at := instant(e.Val()); at.After(latest) {
			latest = at
		}
	}
	return latest, nil
}

// SeenFirst is when a token with that id came first: at, unless it came
// before. It is remembered for keep.
func (s *Sessions) SeenFirst(ctx context.Context, id string, at time.Time, keep time.Duration) (time.Time, error) {
	index, err := s.keys.Index("session", s.kind, "token "+id)
	if err != nil {
		return time.Time{}, err
	}
	first, err := s.store.run(ctx, "seenfirst", []string{s.key("seen:" + hex.EncodeToString(index))}, millis(at), keep.Milliseconds()).Text()
	if err != nil {
		return time.Time{}, unavailable("seen", err)
	}
	return instant(first), nil
}

func (s *Sessions) endKey(who string) (string, error) {
	index, err := s.keys.Index("session", s.kind, who)
	return s.key("ended:" + hex.EncodeToString(index)), err
}

func (s *Sessions) key(name string) string { return "session:" + s.kind + ":" + name }
