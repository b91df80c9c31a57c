package redisstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// BenchmarkBooks reads the overview, and pages of what staff and apps look
// for, among more and more consents on a real Redis.
func BenchmarkBooks(b *testing.B) {
	for _, stored := range []int{10_000, 100_000, 1_000_000} {
		client := redistest.Start(b, "--appendonly", "no").Client(b)
		store, err := redisstore.New(redisstore.Config{Client: client})
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		fillBooks(b, client, stored, now)
		began := time.Now()
		if n, err := store.Rebuild(b.Context(), nobody); err != nil || n != int64(stored) {
			b.Fatalf("%d entered, %v", n, err)
		}
		b.Logf("%d consents entered in %s; Redis uses %s", stored, time.Since(began).Round(time.Millisecond), usedMemory(b, client))
		fillDays(b, client, now)
		benchBooks(b, store, stored, now)
	}
}

func benchBooks(b *testing.B, store *redisstore.Store, stored int, now time.Time) {
	b.Run(fmt.Sprintf("overview/stored=%d", stored), func(b *testing.B) {
		for b.Loop() {
			o, err := store.Overview(b.Context(), now)
			if err != nil || len(o.Consents) == 0 || len(o.HandOuts) != 4*consent.PastDays || len(o.Refreshes) != 3*consent.PastDays {
				b.Fatalf("%d counts, %d and %d days, %v", len(o.Consents), len(o.HandOuts), len(o.Refreshes), err)
			}
		}
	})
	middle := consent.Place{Score: now.Add(45 * 24 * time.Hour).UnixMilli(), ID: benchID(0)}
	queries := map[string]consent.Query{
		"all":             {Order: consent.ByChange},
		"valid":           {Filter: consent.Filter{Status: consent.Valid}},
		"valid-of-an-app": {Filter: consent.Filter{Status: consent.Valid, App: "app-1", Bank: "bank-1"}},
		"a-page-halfway":  {Filter: consent.Filter{Status: consent.Valid}, After: middle},
		"ends-soon":       {Filter: consent.Filter{EndsAfter: now, EndsBefore: now.Add(7 * 24 * time.Hour)}},
		"failing":         {Filter: consent.Filter{Failing: true}},
		"needed-longer":   {Filter: consent.Filter{Short: true}},
		"changed-lately":  {Filter: consent.Filter{App: "app-1", ChangedSince: now.Add(-2 * 24 * time.Hour)}, Order: consent.ByChange},
	}
	for name, q := range queries {
		if q.Order == "" {
			q.Order = consent.ByEnd
		}
		q.Now, q.Limit = now, 51
		b.Run(fmt.Sprintf("page=%s/stored=%d", name, stored), func(b *testing.B) {
			for b.Loop() {
				if places, _, err := store.Select(b.Context(), q); err != nil || len(places) != q.Limit {
					b.Fatalf("%d places, %v", len(places), err)
				}
			}
		})
	}
}

// fillBooks stores records of four apps at three banks, in all statuses, that
// end on ninety days.
func fillBooks(b *testing.B, client redis.UniversalClient, stored int, now time.Time) {
	b.Helper()
	const chunk = 2000
	statuses := []consent.Status{consent.Valid, consent.Valid, consent.Valid, consent.Valid, consent.Valid,
		consent.Received, consent.Rejected, consent.RevokedByPsu, consent.TerminatedByTpp, consent.TerminatedByAspsp}
	for from := 0; from < stored; from += chunk {
		pipe := client.Pipeline()
		for n := from; n < min(from+chunk, stored); n++ {
			id, random := benchID(n), n*2654435761>>7
			created := now.Add(-time.Duration(random%90_000) * time.Minute)
			fields := []any{"app", fmt.Sprint("app-", random%4), "bank", fmt.Sprint("bank-", random/4%3), "status", string(statuses[random/12%10]),
				"version", 2, "term", 1, "created", created.UnixMilli()}
			if s := statuses[random/12%10]; s != consent.Received && s != consent.Rejected {
				ends := now.Add(time.Duration(1+random/120%(90*24*60)) * time.Minute).UnixMilli()
				fields = append(fields, "ends", ends, "failing", n%50/49, "needed", ends+int64(n%60/59))
			}
			pipe.HSet(b.Context(), "{p:"+id.Partition()+"}:consent:"+string(id), fields...)
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// fillDays stores what hand-outs and refreshes count on each day.
func fillDays(b *testing.B, client redis.UniversalClient, now time.Time) {
	b.Helper()
	for p := range 256 {
		pipe := client.Pipeline()
		for ago := range int64(31) {
			key := fmt.Sprintf("{p:%02x}:day:%d", p, now.Unix()/86_400-ago)
			for n := range 4 {
				pipe.HSet(b.Context(), key, fmt.Sprint("allowed app-", n), 40, fmt.Sprint("denied app-", n), 2)
			}
			for n := range 3 {
				pipe.HSet(b.Context(), key, fmt.Sprint("failed bank-", n), 3, fmt.Sprint("refused bank-", n), 1)
			}
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func usedMemory(b *testing.B, client redis.UniversalClient) string {
	b.Helper()
	info, err := client.InfoMap(b.Context(), "memory").Result()
	if err != nil {
		b.Fatal(err)
	}
	return info["Memory"]["used_memory_human"]
}
