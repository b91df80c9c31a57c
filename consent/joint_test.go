package consent_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestJointMailOfAConsentWithoutAddressSilencesNobody(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, link, err := h.Create(t.Context(), shop, consent.Request{Reference: "customer-1", Bank: "sandbox", ReturnTo: "done", Expected: gudrunID})
		must(t, err)
		first := &trip{house: h, at: "sandbox", id: c.ID, link: link.Secret, browser: "b"}
		wantEnding(t, first.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		time.Sleep(day)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 91*day, time.Hour)
		wantTold(t, h.mail, ninetyDays...)
	})
}

func TestJointMailThatIsSilencedSilencesNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		first := h.granted(t)
		time.Sleep(day)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 58*day, time.Hour)
		h.mail.breaks(func(consent.Event) error { return errors.New("down") })
		h.live(t, 30*time.Hour, time.Hour) // the first one's thirty days are crossed, its mail waits
		wantEnding(t, first.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.mail.breaks(nil)
		h.live(t, 3*day, time.Hour)
		wantTold(t, h.mail, "connected", "connected", "renewed", "warning-30")
	})
}

// TestWhoIsWarnedJointlyIsOnRecordAsWarned: support reads the timeline of one
// consent, of whose end another one's mail told.
func TestWhoIsWarnedJointlyIsOnRecordAsWarned(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		time.Sleep(time.Hour)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 78*day, time.Hour)
		if got := lines(t, h, other.id, "mail warning-30 1"); !slices.Contains(got, "message_sent joint") || slices.Contains(got, "message_sent ") {
			t.Errorf("lines = %q", got)
		}
	})
}

func TestSilencedForReminders(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, time.Hour, time.Minute)
		must(t, h.Remind(t.Context(), letter(t, h), false))
		h.live(t, 61*day, time.Hour)
		if got := lines(t, h, p.id, "mail warning-30 1"); !slices.Equal(got, []string{"message_silenced reminders_off"}) {
			t.Errorf("lines = %q", got)
		}
	})
}

// lines are what a timeline says of one message: its outcome, and why.
func lines(t *testing.T, h *house, id consent.ID, message string) []string {
	t.Helper()
	history, err := h.History(t.Context(), id)
	must(t, err)
	var out []string
	for _, e := range history.Timeline {
		if what, why, _ := strings.Cut(e.Detail, ": "); what == message {
			out = append(out, e.Event+" "+why)
		}
	}
	return out
}

func TestSlowChannelOnTwoReplicasSendsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		for range 40 {
			h.granted(t)
		}
		h.live(t, time.Minute, 10*time.Second)
		time.Sleep(60 * day)
		h.mail.breaks(func(consent.Event) error { time.Sleep(25 * time.Second); return nil })
		h.live(t, 2*time.Hour, 30*time.Second, h.Service, h.replica(t, nil))
		seen := make(map[string]int)
		for _, e := range h.mail.all() {
			if seen[e.Key]++; seen[e.Key] > 1 {
				t.Errorf("%q sent %d times", e.Key, seen[e.Key])
			}
		}
		if len(seen) != 40+1 { // all of one customer, who is warned once
			t.Errorf("%d messages, want 41", len(seen))
		}
	})
}

func TestWarningThatOutlivesItsTermWarnsOfNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		first := h.granted(t)
		time.Sleep(day)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 74*day, time.Hour)
		h.mail.breaks(func(consent.Event) error { return errors.New("down") })
		h.live(t, 36*time.Hour, time.Hour) // over both fourteen-day thresholds
		for _, p := range []*trip{first, other} {
			wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		}
		h.mail.breaks(nil)
		h.live(t, 80*day, time.Hour)
		fourteen := 0
		for _, e := range h.mail.all() {
			if e.Notice.Days() == 14 {
				fourteen++
				if left := e.Consent.DaysLeft(e.At); left > 14 {
					t.Errorf("warned of 14 days with %d left", left)
				}
			}
		}
		if fourteen != 1 {
			t.Errorf("%d mails about fourteen days, want one for both", fourteen)
		}
	})
}

func TestJointMailOfConsentsThatEndAtOnceIsSentOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 91*day, time.Hour, h.Service, h.replica(t, nil))
		told := make(map[int]int)
		for _, e := range h.mail.all() {
			told[e.Notice.Days()]++
		}
		for _, days := range []int{30, 14, 7, 3, 1} {
			if told[days] != 1 {
				t.Errorf("%d mails about %d days, want one for both", told[days], days)
			}
		}
	})
}
