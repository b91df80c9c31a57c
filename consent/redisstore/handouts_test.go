package redisstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestHandOutLogSaysWhenOlderOnesMayBeGone(t *testing.T) {
	_, client := redistest.Embedded(t)
	store, err := redisstore.New(redisstore.Config{Client: client, HandOuts: 20})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	id := consent.ID("cns_7f000000000000000000000000001")
	for i := range 30 {
		r := consent.HandOutRequest{ID: id, App: "shop", RequestID: fmt.Sprint(i), Now: now.Add(time.Duration(i) * time.Second)}
		if err := store.RecordDenied(t.Context(), r, consent.OutcomeBank); err != nil {
			t.Fatal(err)
		}
		page, err := store.HandOutLog(t.Context(), 0x7f, "", 100)
		if err != nil || page.Full != (i >= 19) || page.Next != "" {
			t.Fatalf("after %d: full %t, next %q, %v", i+1, page.Full, page.Next, err)
		}
	}
	var seen []string
	for place := ""; ; {
		page, err := store.HandOutLog(t.Context(), 0x7f, place, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			seen = append(seen, r.RequestID)
		}
		if place = page.Next; place == "" {
			break
		}
	}
	if len(seen) < 20 || seen[len(seen)-1] != "29" || seen[len(seen)-20] != "10" {
		t.Errorf("read page by page: %v", seen)
	}
}
