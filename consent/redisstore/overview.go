package redisstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

// dayOf is the number of a day since 1970, in UTC, and dayAt its beginning.
func dayOf(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }
func dayAt(n int64) time.Time { return time.Unix(n*int64(day/time.Second), 0).UTC() }

// counted is one partition's part of an overview.
type counted struct {
	counts, lapses *redis.MapStringStringCmd
	late           *redis.IntCmd // that ended and are in the books as valid still
	undelivered    *redis.IntCmd
	days           []*redis.MapStringStringCmd
}

// Overview implements [consent.Books].
func (s *Store) Overview(ctx context.Context, now time.Time) (consent.Overview, error) {
	pipe := s.c.Client.Pipeline()
	parts := make([]counted, partitions)
	for p := range parts {
		k := keys{partition: partition(p)}
		parts[p] = counted{counts: pipe.HGetAll(ctx, k.counts()), lapses: pipe.HGetAll(ctx, k.tagged("lapses")),
			late: pipe.ZCount(ctx, k.tagged(string(consent.ByEnd)+":::"+string(consent.Valid)), "-inf", millis(now)), undelivered: pipe.ZCard(ctx, k.undelivered())}
		for ago := range int64(consent.PastDays) {
			parts[p].days = append(parts[p].days, pipe.HGetAll(ctx, k.day(dayOf(now)-ago)))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return consent.Overview{}, unavailable("overview", err)
	}
	return s.sum(ctx, parts, now)
}

// sum puts the partitions together.
func (s *Store) sum(ctx context.Context, parts []counted, now time.Time) (consent.Overview, error) {
	o := consent.Overview{At: now}
	counts, lapses := make(map[string]int64), make(map[int64]int64)
	late := make(map[int]map[string]int64)
	past := make([]map[string]int64, consent.PastDays)
	for p, part := range parts {
		here := countsOf(part.counts.Val())
		addAll(counts, here)
		if part.late.Val() > 0 {
			late[p] = here
		}
		for d, n := range part.lapses.Val() {
			lapses[number(d)] += number(n)
		}
		o.Undelivered += part.undelivered.Val()
		for ago, h := range part.days {
			if past[ago] == nil {
				past[ago] = make(map[string]int64)
			}
			addAll(past[ago], countsOf(h.Val()))
		}
	}
	over, err := s.putRight(ctx, counts, late, now)
	if err != nil {
		return consent.Overview{}, err
	}
	lapses[dayOf(now)] -= over
	addCounts(&o, counts)
	for d := range int64(consent.LapseDays) {
		o.Lapses = append(o.Lapses, consent.DayCount{Day: dayAt(dayOf(now) + d), N: lapses[dayOf(now)+d]})
	}
	for ago, h := range slices.Backward(past) {
		addDay(&o, dayAt(dayOf(now)-int64(ago)), h)
	}
	return o, nil
}

func addAll(to, from map[string]int64) {
	for field, n := range from {
		to[field] += n
	}
}

// putRight counts as expired what has ended and is in the books as valid
// still, because nobody has done what is due since, and says how many of those
// ended today. Only the partitions that have any are asked for more.
func (s *Store) putRight(ctx context.Context, counts map[string]int64, parts map[int]map[string]int64, now time.Time) (today int64, err error) {
	pipe := s.c.Client.Pipeline()
	late := make(map[string][]*redis.IntCmd)
	var ended []*redis.IntCmd
	for p, fields := range parts {
		for field := range fields {
			if app, bank, state := splitCount(field); ofValid(state) {
				key := keys{partition: partition(p)}.tagged(string(consent.ByEnd) + ":" + app + ":" + bank + ":" + state)
				late[field] = append(late[field], pipe.ZCount(ctx, key, "-inf", millis(now)))
				if state == string(consent.Valid) {
					ended = append(ended, pipe.ZCount(ctx, key, millis(dayAt(dayOf(now))), millis(now)))
				}
			}
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, unavailable("overview", err)
	}
	for _, n := range ended {
		today += n.Val()
	}
	for field, all := range late {
		app, bank, state := splitCount(field)
		for _, n := range all {
			counts[field] -= n.Val()
			if state == string(consent.Valid) {
				counts[app+" "+bank+" "+string(consent.Expired)] += n.Val()
			}
		}
	}
	return today, nil
}

// countsOf are the counters of a partition, without the epoch.
func countsOf(h map[string]string) map[string]int64 {
	out := make(map[string]int64, len(h))
	for field, n := range h {
		if strings.Contains(field, " ") {
			out[field] = number(n)
		}
	}
	return out
}

func splitCount(field string) (app, bank, state string) {
	app, rest, _ := strings.Cut(field, " ")
	bank, state, _ = strings.Cut(rest, " ")
	return app, bank, state
}

func ofValid(state string) bool {
	return state == string(consent.Valid) || state == stateFailing || state == stateShort
}

func addCounts(o *consent.Overview, counts map[string]int64) {
	for field, n := range counts {
		app, bank, state := splitCount(field)
		c := consent.Count{App: app, Bank: bank, N: n}
		switch {
		case n == 0:
		case state == stateFailing:
			c.Status = consent.Valid
			o.Failing = append(o.Failing, c)
		case state == stateShort:
			c.Status = consent.Valid
			o.Short = append(o.Short, c)
		default:
			c.Status = consent.Status(state)
			o.Consents = append(o.Consents, c)
		}
	}
	for _, list := range [][]consent.Count{o.Consents, o.Failing, o.Short} {
		slices.SortFunc(list, func(a, b consent.Count) int {
			return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Bank, b.Bank), cmp.Compare(a.Status, b.Status))
		})
	}
}

// addDay adds what was counted on one day.
func addDay(o *consent.Overview, at time.Time, counts map[string]int64) {
	refreshes, handOuts := make(map[string]consent.RefreshDay), make(map[string]consent.HandOutsDay)
	for field, n := range counts {
		what, who, _ := strings.Cut(field, " ")
		r, h := refreshes[who], handOuts[who]
		switch what {
		case "failed":
			r.Failed = n
		case "refused":
			r.Refused = n
		case "allowed":
			h.Allowed = n
		case "denied":
			h.Denied = n
		}
		if what == "failed" || what == "refused" {
			r.Day, r.Bank = at, who
			refreshes[who] = r
		} else {
			h.Day, h.App = at, who
			handOuts[who] = h
		}
	}
	for _, bank := range slices.Sorted(maps.Keys(refreshes)) {
		o.Refreshes = append(o.Refreshes, refreshes[bank])
	}
	for _, app := range slices.Sorted(maps.Keys(handOuts)) {
		o.HandOuts = append(o.HandOuts, handOuts[app])
	}
}
