package consent_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

func TestMailDownForTwoDaysDelaysAndDoesNotSilence(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, 70*day, time.Hour)
		down := time.Now().Add(8 * day) // over the 14-days threshold, for two days
		up := down.Add(2 * day)
		h.mail.breaks(func(consent.Event) error {
			if now := time.Now(); now.After(down.Add(-2*day)) && now.Before(up) {
				return errors.New("connection refused")
			}
			return nil
		})
		h.live(t, 21*day, 10*time.Minute)
		wantTold(t, h.mail, ninetyDays...)
		wantTold(t, h.hook, ninetyDays...) // a broken channel blocks no other
	})
}

func TestCrashBetweenClaimAndSend(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, day, time.Hour)
		time.Sleep(60 * day)
		now := time.Now()
		for range 2 { // a replica claims the warning, then its delivery, and is gone each time
			due, err := h.store.Due(t.Context(), now)
			must(t, err)
			if len(due) == 0 {
				t.Fatal("nothing was due")
			}
			for _, p := range due {
				must(t, second(h.store.Claim(t.Context(), p, now, now.Add(2*time.Minute), 10)))
			}
			time.Sleep(3 * time.Minute)
			now = time.Now()
		}
		h.live(t, time.Hour, 10*time.Minute)
		wantTold(t, h.mail, "connected", "warning-30")
	})
}

func TestCrashBetweenSendAndRecordRepeatsTheSameKey(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, time.Minute, time.Second)
		crashing := h.replica(t, func(c *consent.Config) { c.Store = forgetful{c.Store} })
		_, err := h.Stop(t.Context(), p.id, consent.ByStaff, "asked") // wakes h.Service too
		must(t, err)
		must(t, crashing.Work(t.Context()))
		h.live(t, 10*time.Minute, time.Minute)
		seen := make(map[string]int)
		for _, e := range h.mail.all() {
			seen[e.Key]++
		}
		for key, n := range seen {
			if n > 2 {
				t.Errorf("%q sent %d times", key, n)
			}
		}
		if len(seen) != 2 { // connected and stopped, whatever was repeated
			t.Errorf("%d messages, want 2: %v", len(seen), seen)
		}
	})
}

// forgetful dies before it can record that a message went out.
type forgetful struct{ consent.Store }

func (forgetful) Delivered(context.Context, consent.Task, consent.Delivery) error {
	return fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)
}

func (forgetful) Finish(context.Context, consent.Task) error {
	return fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)
}

func (forgetful) Postpone(context.Context, consent.Task, time.Time) error {
	return fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)
}

func TestCustomerWithoutAddressDoesNotKeepTheAppFromBeingTold(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, link, err := h.Create(t.Context(), shop, consent.Request{Reference: "x", Bank: "sandbox", ReturnTo: "done", Expected: gudrunID})
		must(t, err)
		p := &trip{house: h, at: "sandbox", id: c.ID, link: link.Secret, browser: "b"}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 91*day, time.Hour)
		wantTold(t, h.mail)
		wantTold(t, h.hook, ninetyDays...)
	})
}

func TestUndeliverableIsOnRecordAndCanBeSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.mail.breaks(func(consent.Event) error { return fmt.Errorf("%w: no such mailbox", consent.ErrUndeliverable) })
		p := h.granted(t)
		h.live(t, time.Minute, 10*time.Second)
		left, err := h.store.Undelivered(t.Context(), 10)
		must(t, err)
		if len(left) != 1 || left[0].ID != p.id {
			t.Fatalf("undelivered: %v", left)
		}
		p.wantTimeline(t, "message_undelivered")
		h.mail.breaks(nil)
		must(t, h.store.Redeliver(t.Context(), left[0], time.Now()))
		h.live(t, time.Minute, 10*time.Second)
		wantTold(t, h.mail, "connected")
		if left, err = h.store.Undelivered(t.Context(), 10); err != nil || len(left) != 0 {
			t.Errorf("undelivered: %v, %v", left, err)
		}
	})
}
