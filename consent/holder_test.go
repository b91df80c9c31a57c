package consent_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// holders are the lists by national id and by subject, with their consents.
func (h *house) holders(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for _, key := range h.redis.Keys() {
		if strings.Contains(key, ":by:") {
			members, err := h.redis.ZMembers(key)
			must(t, err)
			all[key] = members
		}
	}
	return all
}

// forgetHolders makes records as a version without these lists wrote them.
func (h *house) forgetHolders(t *testing.T) {
	t.Helper()
	for _, key := range h.redis.Keys() {
		switch {
		case strings.Contains(key, ":by:"):
			h.redis.Del(key)
		case strings.Contains(key, ":consent:"):
			h.redis.HDel(key, "by_person")
			h.redis.HDel(key, "by_subject")
		}
	}
}

func TestRebuildFindsHolders(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		stopped := h.granted(t)
		must(t, second(h.StopByApp(t.Context(), shop, stopped.id)))
		confirmed := h.ask(t, consent.Request{})
		r := confirmed.visit(t, sandbox.Customer{User: anna})
		must(t, second(h.Confirm(t.Context(), shop, confirmed.id, r.Code)))
		must(t, second(h.StopByApp(t.Context(), shop, confirmed.id)))
		before := h.holders(t)
		if len(before) != 4 { // two people, all in one partition
			t.Fatalf("lists: %v", before)
		}

		h.ask(t, consent.Request{}) // nobody has granted it
		h.ask(t, consent.Request{}).visit(t, sandbox.Customer{User: anna})
		never := h.ask(t, consent.Request{})
		never.visit(t, sandbox.Customer{User: anna})
		must(t, second(h.StopByApp(t.Context(), shop, never.id)))
		if diff := cmp.Diff(before, h.holders(t)); diff != "" {
			t.Fatalf("what was not confirmed is found (-want +got):\n%s", diff)
		}
		h.forgetHolders(t)
		for range 2 {
			if n, err := h.RebuildBooks(t.Context()); err != nil || n != 6 {
				t.Fatalf("rebuilt from %d records, %v; want 6", n, err)
			}
			if diff := cmp.Diff(before, h.holders(t)); diff != "" {
				t.Errorf("after a rebuild (-want +got):\n%s", diff)
			}
		}
	})
}

// TestErasedAfterTheirBankLeftTheConfiguration: what finds a consent stands in
// its record, and is not made anew from what is configured later.
func TestErasedAfterTheirBankLeftTheConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		app := shop
		app.Banks = []string{"sandbox"}
		h.Service = h.replica(t, func(c *consent.Config) { c.Banks, c.Apps = c.Banks[:1], []consent.App{app} })
		must(t, second(h.Erase(t.Context(), app, "customer-1")))
		if left := h.holders(t); len(left) != 0 {
			t.Errorf("an erased customer is found: %v", left)
		}
	})
}

func TestErasedAndPurgedAreNotFound(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		must(t, second(h.Erase(t.Context(), shop, "customer-1")))
		if left := h.holders(t); len(left) != 0 {
			t.Errorf("an erased customer is found: %v", left)
		}
		h.granted(t)
		time.Sleep(90*day + 2*365*day + day)
		must(t, h.Work(t.Context()))
		if left := h.holders(t); len(left) != 0 {
			t.Errorf("a purged consent is found: %v", left)
		}
	})
}
