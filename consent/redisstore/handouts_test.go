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

// TestALoopingAppKeepsFewRequestIDs: what one app calls without end must not
// fill the memory of all.
func TestALoopingAppKeepsFewRequestIDs(t *testing.T) {
	_, client := redistest.Embedded(t)
	store, err := redisstore.New(redisstore.Config{Client: client, Traced: 3})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	id := consent.ID("cns_7f000000000000000000000000001")
	c := consent.Consent{ID: id, App: "shop", Bank: "sandbox", Status: consent.Received, Version: 1, CreatedAt: now}
	if err := store.Create(t.Context(), c, []byte{0x7f, 1}, consent.Work{}); err != nil {
		t.Fatal(err)
	}
	r := consent.HandOutRequest{ID: id, App: "shop", Now: now}
	found := func(request string) bool {
		ids, err := store.ByRequest(t.Context(), request, now)
		if err != nil {
			t.Fatal(err)
		}
		return len(ids) > 0
	}
	for i := range 6 {
		r.RequestID = fmt.Sprint("handout-", i)
		if _, err := store.HandOut(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if want := i < 3; found(r.RequestID) != want {
			t.Errorf("hand-out %d of the day is found: %t, want %t", i+1, !want, want)
		}
	}
	r.App = "lender"
	for i, why := range []consent.Outcome{consent.OutcomeBank, consent.OutcomeOperation, consent.OutcomeBank, consent.OutcomeBank} {
		r.RequestID = fmt.Sprint("denied-", i)
		if err := store.RecordDenied(t.Context(), r, why); err != nil {
			t.Fatal(err)
		}
		if want := i < 3 && why == consent.OutcomeBank; found(r.RequestID) != want {
			t.Errorf("denial %d, %s, is found: %t, want %t", i+1, why, !want, want)
		}
	}
	if all, err := store.HandOuts(t.Context(), "7f", 20); err != nil || len(all) != 10 {
		t.Errorf("%d on record, %v; want all ten", len(all), err)
	}
}
