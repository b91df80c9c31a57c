package redisstore

import (
	"container/heap"
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

func follows(p, after consent.Place) bool { return after.ID == "" || p.Compare(after) > 0 }

// merge takes the first places of all lists.
func (s *Store) merge(ctx context.Context, q consent.Query, lists []*list) ([]consent.Place, error) {
	var out []consent.Place
	h := &heads{}
	for waiting := lists; len(out) < q.Limit; {
		if err := s.readOn(ctx, waiting); err != nil {
			return nil, err
		}
		for _, l := range waiting {
			if len(l.places) > 0 {
				heap.Push(h, l)
			}
		}
		waiting = nil
		for len(waiting) == 0 && len(out) < q.Limit && h.Len() > 0 {
			l := (*h)[0]
			out = append(out, l.places[0])
			l.places = l.places[1:]
			switch {
			case len(l.places) > 0:
				heap.Fix(h, 0)
			case l.dry:
				heap.Pop(h)
			default:
				waiting = append(waiting, heap.Pop(h).(*list))
			}
		}
		if len(waiting) == 0 {
			break
		}
	}
	return out, nil
}

// readOn reads more of lists, until each has something or nothing is left.
func (s *Store) readOn(ctx context.Context, lists []*list) error {
	for {
		pipe := s.c.Client.Pipeline()
		reads := make(map[*list]*redis.ZSliceCmd)
		for _, l := range lists {
			if len(l.places) > 0 || l.dry {
				continue
			}
			from := l.min
			if l.seen.ID != "" {
				from = max(from, l.seen.Score)
			}
			reads[l] = pipe.ZRangeByScoreWithScores(ctx, l.key, &redis.ZRangeBy{Min: bound(from), Max: bound(l.max), Count: l.more})
		}
		if len(reads) == 0 {
			return nil
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return unavailable("select", err)
		}
		for l, read := range reads {
			l.take(read.Val())
		}
	}
}

// take keeps what was read and not seen before. Those at the score where
// reading stopped come again; if they were all, more is read the next time.
func (l *list) take(read []redis.Z) {
	l.dry = int64(len(read)) < l.more
	for _, z := range read {
		id, _ := z.Member.(string)
		p := consent.Place{Score: int64(z.Score), ID: consent.ID(id)}
		if follows(p, l.seen) {
			l.seen = p
			if !l.hidden[p.ID] {
				l.places = append(l.places, p)
			}
		}
	}
	l.more *= 2
}

// heads is a heap of lists by their first place.
type heads []*list

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].places[0].Compare(h[j].places[0]) < 0 }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements [heap.Interface].
func (h *heads) Push(l any) { *h = append(*h, l.(*list)) }

// Pop implements [heap.Interface].
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
