package redisstore

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

// Held implements [consent.Store]. One person's consents may lie in any
// partition; the search fans out in one pipeline, and takes a page from each.
func (s *Store) Held(ctx context.Context, h consent.Holder, after consent.Place, limit int) ([]consent.Place, bool, error) {
	behind := &redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(limit) + 1}
	at := strconv.FormatInt(after.Score, 10)
	if after.ID != "" {
		behind.Max = "(" + at
	}
	pipe := s.c.Client.Pipeline()
	var found, same []*redis.ZSliceCmd
	for _, list := range heldLists(h) {
		found = append(found, pipe.ZRevRangeByScoreWithScores(ctx, list, behind))
		if after.ID != "" { // those of the same millisecond, of which there are few
			same = append(same, pipe.ZRevRangeByScoreWithScores(ctx, list, &redis.ZRangeBy{Min: at, Max: at}))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, false, unavailable("held", err)
	}
	var all []consent.Place
	more := false
	for _, f := range found {
		more = more || int64(len(f.Val())) == behind.Count
	}
	for _, f := range slices.Concat(found, same) {
		all = append(all, placesBehind(after, f.Val())...)
	}
	slices.SortFunc(all, func(a, b consent.Place) int { return b.Compare(a) })
	all = eachOnce(all)
	if len(all) > limit {
		all, more = all[:limit], true
	}
	return all, more, nil
}

// heldLists are the keys under which a holder's consents are entered.
func heldLists(h consent.Holder) []string {
	var all []string
	if len(h.Customer) > 0 {
		k := keys{partition: hex.EncodeToString(h.Customer[:1])}
		all = append(all, k.customer(h.Customer))
	}
	for p := range partitions {
		k := keys{partition: partition(p)}
		if len(h.Person) > 0 {
			all = append(all, k.person(h.Person))
		}
		if len(h.Subject) > 0 {
			all = append(all, k.subject(h.Subject))
		}
	}
	return all
}

// placesBehind leaves out what is not after after, newest first.
func placesBehind(after consent.Place, found []redis.Z) []consent.Place {
	var out []consent.Place
	for _, z := range found {
		id, _ := z.Member.(string)
		p := consent.Place{Score: int64(z.Score), ID: consent.ID(id)}
		if after.ID == "" || p.Compare(after) < 0 {
			out = append(out, p)
		}
	}
	return out
}

// eachOnce leaves out the later places of what has several: the lists may be
// read before and after a renewal moves it to the front.
func eachOnce(all []consent.Place) []consent.Place {
	seen := make(map[consent.ID]bool)
	return slices.DeleteFunc(all, func(p consent.Place) bool {
		before := seen[p.ID]
		seen[p.ID] = true
		return before
	})
}
