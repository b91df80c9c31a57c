package redisstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

// The states besides the statuses that consents are listed under; both are of
// valid ones only.
const (
	stateFailing = "failing"
	stateShort   = "short"
)

// list is one of the books of a partition, as far as a query goes.
type list struct {
	key      string
	min, max int64 // bounds of the score, both included
	count    int64 // how many there are within them

	places []consent.Place // read and not used yet, in order
	seen   consent.Place   // the last one that was read
	more   int64           // how many to read the next time
	dry    bool            // there is nothing after seen

	// The books do not know of an end that passed a moment ago. Where that
	// matters, late is the list by end of the same consents, and what is
	// overdue there is left out, or is all that counts.
	late     string
	onlyLate bool
	hidden   map[consent.ID]bool
}

// Select implements [consent.Books]: it merges the lists of all partitions,
// reading a few places of each and more of those that run out. There is a list
// for each app and bank that a query can name, so how many are read depends
// on neither.
func (s *Store) Select(ctx context.Context, q consent.Query) ([]consent.Place, int64, error) {
	lists := listsOf(q)
	total, err := s.total(ctx, lists)
	if err != nil {
		return nil, 0, err
	}
	lists = slices.DeleteFunc(lists, func(l *list) bool { return l.count == 0 && !l.onlyLate })
	for _, l := range lists {
		l.seen, l.more = q.After, int64(q.Limit/len(lists)+2)
	}
	late, err := s.findLate(ctx, q, lists)
	if err != nil {
		return nil, 0, err
	}
	places, err := s.merge(ctx, q, lists)
	return places, total + late, err
}

// states are all that consents are listed under.
var states = []string{string(consent.Received), string(consent.Valid), string(consent.Rejected), string(consent.PartiallyAuthorised),
	string(consent.Expired), string(consent.RevokedByPsu), string(consent.TerminatedByTpp), string(consent.TerminatedByAspsp),
	stateFailing, stateShort}

// listsOf are the lists that have what a query chooses. An app or bank that
// the query does not name is empty in their names too.
func listsOf(q consent.Query) []*list {
	var out []*list
	for _, state := range states {
		name := ":" + q.App + ":" + q.Bank + ":" + state
		for p := range partitions {
			l := listOf(q, state)
			if l == nil {
				break
			}
			k := keys{partition: partition(p)}
			l.key = k.tagged(string(q.Order) + name)
			if l.late != "" {
				l.late = k.tagged(string(consent.ByEnd) + name)
			}
			out = append(out, l)
		}
	}
	return out
}

// listOf is the part of a state's list that a query chooses, nil for none.
func listOf(q consent.Query, state string) *list {
	want, now := string(q.Status), q.Now.UnixMilli()
	switch {
	case q.Failing && (want == "" || want == string(consent.Valid)):
		want = stateFailing
	case q.Short && (want == "" || want == string(consent.Valid)):
		want = stateShort
	case q.Failing, q.Short:
		return nil
	}
	overdue := want == string(consent.Expired) && state == string(consent.Valid)
	if want != state && !overdue && (want != "" || state == stateFailing || state == stateShort) {
		return nil
	}
	alive := want == string(consent.Valid) || want == stateFailing || want == stateShort
	l := &list{min: math.MinInt64, max: math.MaxInt64}
	if q.Order == consent.ByChange {
		if !q.ChangedSince.IsZero() {
			l.min = q.ChangedSince.UnixMilli()
		}
		if alive || overdue {
			l.late, l.onlyLate = "yes", overdue
		}
		return l
	}
	return l.endsWithin(q, alive, overdue, now)
}

// endsWithin sets the bounds of a list by end.
func (l *list) endsWithin(q consent.Query, alive, overdue bool, now int64) *list {
	after, bounded := int64(0), !q.EndsBefore.IsZero()
	if !q.EndsAfter.IsZero() {
		after, bounded = q.EndsAfter.UnixMilli(), true
	}
	if alive {
		after, bounded = max(after, now), true
	}
	if bounded {
		l.min = after + 1
	}
	if !q.EndsBefore.IsZero() {
		l.max = q.EndsBefore.UnixMilli() - 1
	}
	if overdue {
		l.max = min(l.max, now)
	}
	return l
}

// bound writes a bound of a score.
func bound(score int64) string {
	switch score {
	case math.MinInt64:
		return "-inf"
	case math.MaxInt64:
		return "+inf"
	}
	return strconv.FormatInt(score, 10)
}

// total counts what the lists have within their bounds.
func (s *Store) total(ctx context.Context, lists []*list) (int64, error) {
	pipe := s.c.Client.Pipeline()
	counts := make(map[*list]*redis.IntCmd, len(lists))
	for _, l := range lists {
		switch {
		case l.onlyLate:
		case l.min == math.MinInt64 && l.max == math.MaxInt64:
			counts[l] = pipe.ZCard(ctx, l.key)
		default:
			counts[l] = pipe.ZCount(ctx, l.key, bound(l.min), bound(l.max))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, unavailable("count", err)
	}
	var total int64
	for l, n := range counts {
		l.count = n.Val()
		total += l.count
	}
	return total, nil
}

// findLate finds what is overdue and still in the books as valid: no more
// than what has lapsed since somebody did what is due. It returns by how much
// the total is wrong.
func (s *Store) findLate(ctx context.Context, q consent.Query, lists []*list) (int64, error) {
	pipe := s.c.Client.Pipeline()
	overdue := make(map[*list]*redis.StringSliceCmd)
	for _, l := range lists {
		if l.late != "" {
			overdue[l] = pipe.ZRangeByScore(ctx, l.late, &redis.ZRangeBy{Min: "-inf", Max: millis(q.Now)})
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, unavailable("overdue", err)
	}
	var wrong int64
	for l, ids := range overdue {
		changed, err := s.places(ctx, l.key, ids.Val())
		if err != nil {
			return 0, err
		}
		changed = slices.DeleteFunc(changed, func(p consent.Place) bool {
			return !q.ChangedSince.IsZero() && p.Score < q.ChangedSince.UnixMilli()
		})
		wrong += l.settle(q, changed)
	}
	return wrong, nil
}

// settle makes of what is overdue all that a list has, or nothing of it.
func (l *list) settle(q consent.Query, overdue []consent.Place) int64 {
	if !l.onlyLate {
		l.hidden = make(map[consent.ID]bool)
		for _, p := range overdue {
			l.hidden[p.ID] = true
		}
		return -int64(len(overdue))
	}
	n := len(overdue)
	slices.SortFunc(overdue, consent.Place.Compare)
	l.places = slices.DeleteFunc(overdue, func(p consent.Place) bool { return !follows(p, q.After) })
	l.dry = true
	return int64(n)
}

// places reads where members stand in a list.
func (s *Store) places(ctx context.Context, key string, ids []string) ([]consent.Place, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := s.c.Client.Pipeline()
	scores := make([]*redis.FloatCmd, len(ids))
	for i, id := range ids {
		scores[i] = pipe.ZScore(ctx, key, id)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var out []consent.Place
	for i, score := range scores {
		switch err := score.Err(); {
		case err == nil:
			out = append(out, consent.Place{Score: int64(score.Val()), ID: consent.ID(ids[i])})
		case !errors.Is(err, redis.Nil): // nil: moved meanwhile
			return nil, unavailable("places", err)
		}
	}
	return out, nil
}

func partition(p int) string { return fmt.Sprintf("%02x", p) }

// ByRequest implements [consent.Books].
func (s *Store) ByRequest(ctx context.Context, requestID string, now time.Time) ([]consent.ID, error) {
	pipe := s.c.Client.Pipeline()
	var found []*redis.StringCmd
	for p := range partitions {
		for ago := time.Duration(0); ago <= s.c.Requests; ago += day {
			found = append(found, pipe.HGet(ctx, keys{partition: partition(p)}.requests(now.Add(-ago)), requestID))
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var out []consent.ID
	for _, f := range found {
		if err := f.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, unavailable("by request", err)
		}
		for id := range strings.FieldsSeq(f.Val()) {
			if !slices.Contains(out, consent.ID(id)) {
				out = append(out, consent.ID(id))
			}
		}
	}
	return out, nil
}
