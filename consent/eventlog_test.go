package consent_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/sandbox"
)

// logging makes the house keep a log of events.
func (h *house) logging(t *testing.T) {
	t.Helper()
	h.config.Notify = append(slices.Clone(h.config.Notify), notify.NewLog(h.store))
	h.Service = h.replica(t, nil)
}

// types are those of the events after a cursor.
func types(t *testing.T, page consent.EventPage) []string {
	t.Helper()
	out := []string{}
	for _, e := range page.Events {
		var p struct{ Type string }
		must(t, json.Unmarshal(e.Payload, &p))
		out = append(out, p.Type)
	}
	return out
}

func (h *house) wantLogged(t *testing.T, want ...string) {
	t.Helper()
	page, err := h.Events(t.Context(), shop, "", 100)
	must(t, err)
	if got := types(t, page); !slices.Equal(got, want) {
		t.Errorf("logged\n     %v\nwant %v", got, want)
	}
}

func TestLogHasEverythingOnceWithoutAnyWebhook(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.config.Notify = nil
		h.logging(t)
		p := h.granted(t)
		h.live(t, 80*day, 10*time.Minute, h.Service, h.replica(t, nil))
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		must(t, h.Settle(t.Context()))
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		h.live(t, time.Hour, time.Minute)
		h.wantLogged(t, "consent.expiring", "consent.expiring", "consent.renewed", "consent.revoked") // the grant is too long ago
		lender := shop
		lender.ID = "lender"
		if theirs, err := h.Events(t.Context(), lender, "", 100); err != nil || len(theirs.Events) != 0 {
			t.Errorf("another app's log: %v, %v", theirs.Events, err)
		}
	})
}

func TestLogKeepsOnceWhatIsToldTwice(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		crashing := h.replica(t, func(c *consent.Config) { c.Store = forgetful{c.Store} })
		h.Service = crashing
		h.granted(t)
		for range 3 {
			h.live(t, 5*time.Minute, time.Minute, crashing)
		}
		h.wantLogged(t, "consent.granted")
	})
}

func TestCursorsAreOnesOwn(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		h.granted(t)
		must(t, h.Settle(t.Context()))
		page, err := h.Events(t.Context(), shop, "", 1)
		must(t, err)
		again, err := h.Events(t.Context(), shop, page.Next, 1)
		must(t, err)
		if len(page.Events) != 1 || len(again.Events) != 0 || again.Next != page.Next {
			t.Errorf("pages = %+v, %+v", page, again)
		}
		lender := shop
		lender.ID = "lender"
		for app, cursor := range map[*consent.App]string{&lender: page.Next, &shop: page.Next + "AA"} {
			_, err := h.Events(t.Context(), *app, cursor, 1)
			if _, invalid := errors.AsType[*consent.Invalid](err); !invalid {
				t.Errorf("%s with %s: %v", app.ID, cursor, err)
			}
		}
	})
}

func TestWaitingForEvents(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		begun := time.Now()
		page, err := h.AwaitEvents(t.Context(), shop, "", 10, 20*time.Second)
		must(t, err)
		if took := time.Since(begun); len(page.Events) != 0 || took != 20*time.Second {
			t.Errorf("%d events after %s, want none after 20 s", len(page.Events), took)
		}
		go func() {
			time.Sleep(5500 * time.Millisecond)
			h.granted(t)
		}()
		begun = time.Now()
		page, err = h.AwaitEvents(t.Context(), shop, page.Next, 10, 20*time.Second)
		must(t, err)
		if took := time.Since(begun); len(page.Events) != 1 || took != 6*time.Second {
			t.Errorf("%d events after %s, want one within a second of its coming", len(page.Events), took)
		}
		time.AfterFunc(time.Second/2, h.EndWaits)
		begun = time.Now()
		must(t, second(h.AwaitEvents(t.Context(), shop, page.Next, 10, 20*time.Second)))
		if took := time.Since(begun); took != time.Second/2 {
			t.Errorf("waited %s although the process is stopping", took)
		}
	})
}
