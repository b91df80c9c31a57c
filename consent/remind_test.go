package consent_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// letter is the link of the newest mail.
func letter(t *testing.T, h *house) token.Secret {
	t.Helper()
	all := h.mail.all()
	if len(all) == 0 {
		t.Fatal("no mail has come")
	}
	return all[len(all)-1].Manage
}

func TestRemindersOffLeavesTheLastOneAndTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, 70*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-30")
		must(t, h.Remind(t.Context(), letter(t, h), false))
		h.live(t, 21*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-30", "warning-1", "expired")
		wantTold(t, h.hook, ninetyDays...)
	})
}

// TestRemindersOffLeavesTheLastOfAnyThresholds: which one that is, the
// configuration says.
func TestRemindersOffLeavesTheLastOfAnyThresholds(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.Service = h.replica(t, func(c *consent.Config) { c.Life.Warn = []int{7, 14} })
		h.granted(t)
		h.live(t, time.Hour, time.Minute)
		must(t, h.Remind(t.Context(), letter(t, h), false))
		h.live(t, 91*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-7", "expired")
		if last := h.mail.all()[1]; last.Optional {
			t.Error("the last warning offers to have no more of them")
		}
		must(t, h.Remind(t.Context(), letter(t, h), true))
		h.granted(t)
		h.live(t, 80*day, time.Hour)
		all := h.mail.all()
		if last := all[len(all)-1]; last.Notice.Event != "warning-14" || !last.Optional {
			t.Errorf("last told: %s, optional: %t", last.Notice.Event, last.Optional)
		}
	})
}

func TestRemindersOffAreOffForWhatComesLater(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		first := h.granted(t)
		h.live(t, time.Hour, time.Minute)
		must(t, h.Remind(t.Context(), letter(t, h), false))
		must(t, second(h.StopByApp(t.Context(), shop, first.id)))
		h.live(t, time.Hour, time.Minute) // its mail is not the newest
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 80*day, time.Hour)
		if told := h.mail.what(); len(told) != 3 {
			t.Errorf("told %v, want no warning", told)
		}
		must(t, h.Remind(t.Context(), letter(t, h), true))
		third := h.granted(t).wantStatus(t, consent.Valid, "")
		if third.NoReminders {
			t.Error("off although they were turned on again")
		}
		must(t, second(h.Erase(t.Context(), shop, "customer-1")))
		h.wantNothingOf(t, first.id)
	})
}

func TestRemindersOffAreOffForAllOfTheApps(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		time.Sleep(day + 2*time.Hour) // so that no two of what is told fall on one moment
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, time.Hour, time.Minute)
		must(t, h.Remind(t.Context(), letter(t, h), false))
		h.live(t, 87*day, time.Hour)
		wantTold(t, h.mail, "connected", "connected")
		must(t, h.Remind(t.Context(), letter(t, h), true))
		h.live(t, 4*day, time.Hour)
		wantTold(t, h.mail, "connected", "connected", "warning-1", "expired", "warning-1", "expired")
	})
}
