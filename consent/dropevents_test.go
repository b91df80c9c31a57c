package consent_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// TestAnIdleAppsLogIsDropped: after an erasure the log still names consents
// that are gone, and not for longer than it promises.
func TestAnIdleAppsLogIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		p := h.granted(t)
		must(t, h.Settle(t.Context()))
		page, err := h.Events(t.Context(), shop, "", 10)
		must(t, err)
		if len(page.Events) != 1 {
			t.Fatalf("logged: %v", types(t, page))
		}
		must(t, second(h.Erase(t.Context(), shop, "customer-1")))
		h.live(t, consent.EventsKept-time.Hour, 6*time.Hour)
		must(t, h.DropEvents(t.Context()))
		if kept, err := h.Events(t.Context(), shop, "", 10); err != nil || len(kept.Events) == 0 {
			t.Errorf("dropped too early: %v, %v", kept.Events, err)
		}
		time.Sleep(2 * time.Hour)
		must(t, h.DropEvents(t.Context()))
		h.wantNothingOf(t, p.id)
	})
}

func TestDropEventsWithoutStore(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.redis.SetError("LOADING")
		wantErr(t, h.DropEvents(t.Context()), token.ErrStoreUnavailable)
		h.redis.SetError("")
	})
}
