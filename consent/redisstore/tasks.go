package redisstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

// purgeGrace is how long after its purge is due Redis drops a record by
// itself.
const purgeGrace = 30 * 24 * time.Hour

// scheduled are the arguments that the scripts' schedule function reads.
func scheduled(w consent.Work) []any {
	out := []any{len(w.Add)}
	for _, t := range w.Add {
		out = append(out, t.Due.UnixMilli(), t.Name())
	}
	out = append(out, len(w.Remove))
	for _, t := range w.Remove {
		out = append(out, t.Name())
	}
	return out
}

// Due implements [consent.Store]: one look at every partition, in one
// pipeline.
func (s *Store) Due(ctx context.Context, now time.Time) ([]consent.Partition, error) {
	pipe := s.c.Client.Pipeline()
	looks := make([]*redis.StringSliceCmd, partitions)
	for p := range looks {
		looks[p] = pipe.ZRangeByScore(ctx, duePartition(p), &redis.ZRangeBy{Min: "-inf", Max: millis(now), Count: 1})
	}
	_, err := pipe.Exec(ctx)
	var out []consent.Partition
	for p, look := range looks {
		if len(look.Val()) > 0 {
			out = append(out, consent.Partition(p))
		}
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] }) // none waits behind the others
	if err != nil {
		return out, unavailable("due", err)
	}
	return out, nil
}

// Claim implements [consent.Store].
func (s *Store) Claim(ctx context.Context, p consent.Partition, now, until time.Time, most int) ([]consent.Task, error) {
	names, err := s.run(ctx, "claim", []string{duePartition(int(p))}, millis(now), millis(until), most).StringSlice()
	if err != nil {
		return nil, unavailable("claim", err)
	}
	return appendTasks(nil, names, until.Truncate(time.Millisecond)), nil
}

func duePartition(p int) string { return keys{partition: partition(p)}.due() }

// appendTasks leaves out what is no task: one such name must not keep the
// others from being done.
func appendTasks(out []consent.Task, names []string, until time.Time) []consent.Task {
	for _, name := range names {
		if t, err := consent.ParseTask(name, until); err == nil {
			out = append(out, t)
		}
	}
	return out
}

// Finish implements [consent.Store].
func (s *Store) Finish(ctx context.Context, t consent.Task) error {
	return s.verdict(ctx, "settle", nil, []string{keysOf(t.ID).due()}, t.Name(), t.Due.UnixMilli(), "")
}

// Postpone implements [consent.Store].
func (s *Store) Postpone(ctx context.Context, t consent.Task, to time.Time) error {
	return s.verdict(ctx, "settle", nil, []string{keysOf(t.ID).due()}, t.Name(), t.Due.UnixMilli(), millis(to))
}

// Schedule implements [consent.Store].
func (s *Store) Schedule(ctx context.Context, id consent.ID, work consent.Work) error {
	return s.verdict(ctx, "schedule", nil, []string{keysOf(id).due()}, scheduled(work)...)
}

// DueBy implements [consent.Store].
func (s *Store) DueBy(ctx context.Context, kind consent.TaskKind, at time.Time) ([]consent.Task, error) {
	all, err := s.everywhere(ctx, "due", func(pipe redis.Pipeliner, key string) *redis.ZSliceCmd {
		return pipe.ZRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: "-inf", Max: millis(at)})
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(t consent.Task) bool { return t.Kind != kind }), nil
}

// Undelivered implements [consent.Store]. A purge takes what it knows of along;
// a record that Redis dropped, or whose list of deliveries it dropped before,
// leaves lines behind, which are taken out here.
func (s *Store) Undelivered(ctx context.Context, limit int) ([]consent.Task, error) {
	for {
		all, err := s.everywhere(ctx, "undelivered", func(pipe redis.Pipeliner, key string) *redis.ZSliceCmd {
			return pipe.ZRevRangeWithScores(ctx, key, 0, int64(limit)-1)
		})
		if err != nil {
			return nil, err
		}
		slices.SortFunc(all, func(a, b consent.Task) int { return b.Due.Compare(a.Due) })
		all = all[:min(limit, len(all))]
		if left, err := s.takeOut(ctx, all); err != nil || left == 0 {
			return all, err
		}
	}
}

// takeOut takes what was not delivered of consents that are gone, which never
// come back, out of the list, and says how much that was.
func (s *Store) takeOut(ctx context.Context, undelivered []consent.Task) (int, error) {
	if len(undelivered) == 0 {
		return 0, nil
	}
	look, there := s.c.Client.Pipeline(), make([]*redis.IntCmd, len(undelivered))
	for i, t := range undelivered {
		there[i] = look.Exists(ctx, keysOf(t.ID).consent())
	}
	if _, err := look.Exec(ctx); err != nil {
		return 0, unavailable("undelivered", err)
	}
	gone, n := s.c.Client.Pipeline(), 0
	for i, t := range undelivered {
		if there[i].Val() == 0 {
			gone.ZRem(ctx, keysOf(t.ID).undelivered(), t.Name())
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	if _, err := gone.Exec(ctx); err != nil {
		return 0, unavailable("undelivered", err)
	}
	return n, nil
}

// everywhere reads a sorted set of tasks in every partition, in one pipeline.
func (s *Store) everywhere(ctx context.Context, kind string, read func(redis.Pipeliner, string) *redis.ZSliceCmd) ([]consent.Task, error) {
	pipe := s.c.Client.Pipeline()
	var found []*redis.ZSliceCmd
	for p := range partitions {
		found = append(found, read(pipe, keys{partition: fmt.Sprintf("%02x", p)}.tagged(kind)))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, unavailable(kind, err)
	}
	var out []consent.Task
	for _, f := range found {
		for _, z := range f.Val() {
			name, _ := z.Member.(string)
			out = appendTasks(out, []string{name}, time.UnixMilli(int64(z.Score)).UTC())
		}
	}
	return out, nil
}

// Redeliver implements [consent.Store].
func (s *Store) Redeliver(ctx context.Context, t consent.Task, at time.Time) error {
	k := keysOf(t.ID)
	return s.verdict(ctx, "redeliver", notFound, []string{k.undelivered(), k.due(), k.deliveries()}, t.Name(), millis(at))
}

// Tried implements [consent.Store].
func (s *Store) Tried(ctx context.Context, t consent.Task, at time.Time) (int, time.Time, error) {
	k := keysOf(t.ID)
	r, err := s.run(ctx, "tried", []string{k.deliveries(), k.consent()}, t.Name(), millis(at), asideFor.Milliseconds()).StringSlice()
	if err != nil {
		return 0, time.Time{}, unavailable("tried", err)
	}
	return int(number(r[0])), instant(r[1]), nil
}

// InTurn implements [consent.Store].
func (s *Store) InTurn(ctx context.Context, t consent.Task, again time.Time) (consent.Turn, error) {
	r, err := s.run(ctx, "inturn", []string{keysOf(t.ID).due()}, t.Name(), t.Due.UnixMilli(), millis(again)).StringSlice()
	if err != nil {
		return consent.Turn{}, unavailable("in turn", err)
	}
	if r[0] != "WAIT" {
		return consent.Turn{Come: r[0] == "TURN"}, nil
	}
	ahead, err := consent.ParseTask(r[1], instant(r[2]))
	return consent.Turn{Ahead: &ahead}, err
}

// Delivered implements [consent.Store].
func (s *Store) Delivered(ctx context.Context, t consent.Task, d consent.Delivery) error {
	k := keysOf(t.ID)
	return s.change(ctx, "delivered", nil,
		[]string{k.consent(), k.timeline(), k.due(), k.deliveries(), k.undelivered()},
		t.Name(), t.Due.UnixMilli(), t.Arg, string(d.Outcome), d.Detail, millis(d.At))
}
