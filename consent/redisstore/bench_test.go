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

// dueTasks is how many tasks a sweep finds, however many consents there are.
const dueTasks = 1000

// BenchmarkSweep claims and finishes the same number of due tasks among more
// and more stored consents on a real Redis. The times must not differ: work
// grows with what is due.
func BenchmarkSweep(b *testing.B) {
	for _, stored := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("stored=%d", stored), func(b *testing.B) {
			client := redistest.Start(b, "--appendonly", "no").Client(b)
			store, err := redisstore.New(redisstore.Config{Client: client})
			if err != nil {
				b.Fatal(err)
			}
			now := time.Now().UTC().Truncate(time.Millisecond)
			fill(b, client, stored, now.Add(24*time.Hour))
			for b.Loop() {
				b.StopTimer()
				schedule(b, client, now)
				b.StartTimer()
				sweep(b, store, now)
			}
		})
	}
}

func benchID(n int) consent.ID { return consent.ID(fmt.Sprintf("cns_%02x%026d", n%256, n)) }

// fill stores consents as redisstore does, each with the tasks that a valid
// one has, none of them due.
func fill(b *testing.B, client redis.UniversalClient, stored int, later time.Time) {
	b.Helper()
	const chunk = 2000
	personal := string(make([]byte, 200))
	for from := 0; from < stored; from += chunk {
		pipe := client.Pipeline()
		for n := from; n < min(from+chunk, stored); n++ {
			id := benchID(n)
			tag := "{p:" + id.Partition() + "}:"
			pipe.HSet(b.Context(), tag+"consent:"+string(id), "app", "shop", "bank", "sandbox", "status", "valid", "version", "2",
				"term", "1", "ends", later.UnixMilli(), "granted", "openid profile customer payments", "personal", personal)
			at := float64(later.Add(time.Duration(n) * time.Second).UnixMilli())
			pipe.ZAdd(b.Context(), tag+"due", redis.Z{Score: at, Member: "warn " + string(id)},
				redis.Z{Score: at, Member: "expire " + string(id)}, redis.Z{Score: at, Member: "purge " + string(id)})
		}
		if _, err := pipe.Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// schedule makes tasks due, spread over all partitions.
func schedule(b *testing.B, client redis.UniversalClient, now time.Time) {
	b.Helper()
	pipe := client.Pipeline()
	for n := range dueTasks {
		id := benchID(n)
		pipe.ZAdd(b.Context(), "{p:"+id.Partition()+"}:due", redis.Z{Score: float64(now.UnixMilli()), Member: "probe " + string(id)})
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// sweep claims and finishes all that is due, as a replica does.
func sweep(b *testing.B, store *redisstore.Store, now time.Time) {
	b.Helper()
	due, err := store.Due(b.Context(), now)
	if err != nil {
		b.Fatal(err)
	}
	done := 0
	for _, p := range due {
		tasks, err := store.Claim(b.Context(), p, now, now.Add(time.Minute), 20)
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range tasks {
			if err := store.Finish(b.Context(), t); err != nil {
				b.Fatal(err)
			}
		}
		done += len(tasks)
	}
	if done != dueTasks {
		b.Fatalf("%d tasks done, want %d", done, dueTasks)
	}
}
