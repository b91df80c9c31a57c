package redisstore_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// TestUndeliveredForgetsWhatIsGone: lines of records that Redis dropped by
// itself are no messages that anybody could send again.
func TestUndeliveredForgetsWhatIsGone(t *testing.T) {
	_, client := redistest.Embedded(t)
	s, err := redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	kept := []string{}
	for i := range 12 {
		id := consent.ID(fmt.Sprintf("cns_%02x%026d", i%3, i))
		c := consent.Consent{ID: id, App: "shop", Bank: "sandbox", Status: consent.Received, Version: 1, CreatedAt: now}
		if err := s.Create(t.Context(), c, []byte{byte(i % 3), 1}, consent.Work{}); err != nil {
			t.Fatal(err)
		}
		task := consent.Task{Kind: consent.TaskDeliver, ID: id, Arg: "mail connected 1"}
		tag := "{p:" + id.Partition() + "}:"
		err := client.ZAdd(t.Context(), tag+"undelivered", redis.Z{Score: float64(now.Add(time.Duration(i) * time.Second).UnixMilli()), Member: task.Name()}).Err()
		if err != nil {
			t.Fatal(err)
		}
		if i >= 4 { // the newest are gone
			if err := client.Del(t.Context(), tag+"consent:"+string(id)).Err(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		kept = append(kept, string(id))
	}
	slices.Reverse(kept)
	listed, err := s.Undelivered(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, u := range listed {
		ids = append(ids, string(u.ID))
	}
	if !slices.Equal(ids, kept[:3]) {
		t.Errorf("listed %v, want the newest three of %v", ids, kept)
	}
	if all, err := s.Undelivered(t.Context(), 100); err != nil || len(all) != 4 {
		t.Errorf("listed in all: %v, %v", all, err)
	}
	if o, err := s.Overview(t.Context(), now); err != nil || o.Undelivered != 4 {
		t.Errorf("counted %d, %v; want those that are there", o.Undelivered, err)
	}
}
