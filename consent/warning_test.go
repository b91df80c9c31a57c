package consent_test

import (
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

var ninetyDays = []string{"connected", "warning-30", "warning-14", "warning-7", "warning-3", "warning-1", "expired"}

func TestMissedTicksLoseNoWarning(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, 91*day, 20*time.Hour)
		wantTold(t, h.mail, ninetyDays...)
	})
}

func TestAfterALongOutageOnlyTheMostUrgentIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, day, time.Hour)
		time.Sleep(83 * day)
		h.live(t, 8*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-7", "warning-3", "warning-1", "expired")
	})
}

func TestOneMailForConsentsThatEndTogether(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		first := h.granted(t)
		time.Sleep(5 * day)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 91*day, time.Hour)
		wantTold(t, h.mail, "connected", "connected", "warning-30", "warning-14", "warning-7", "warning-3", "warning-7", "warning-1", "expired", "warning-3", "warning-1", "expired")
		for _, e := range h.mail.all()[2:6] {
			if len(e.Ending) != 2 || e.Ending[0].Consent.ID != first.id || e.Ending[1].Consent.ID != other.id {
				t.Errorf("%s speaks of %d consents, want both, the first one first", e.Notice.Event, len(e.Ending))
			}
		}
	})
}

func TestQuietHours(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		stockholm, err := time.LoadLocation("Europe/Stockholm")
		must(t, err)
		s := h.replica(t, func(c *consent.Config) {
			c.Life.QuietFrom, c.Life.QuietUntil = 21*time.Hour, 8*time.Hour
			c.Banks = slices.Clone(c.Banks)
			c.Banks[0].Clock.Zone = stockholm
		})
		h.Service = s
		time.Sleep(23*time.Hour + 17*time.Minute) // the end will lie in the night
		h.granted(t)
		h.live(t, 91*day, 10*time.Minute, s)
		wantTold(t, h.mail, ninetyDays...)
		for _, e := range h.mail.all()[1:] {
			if hour := e.At.In(stockholm).Hour(); hour < 8 || hour >= 21 {
				t.Errorf("%s told at %s", e.Notice.Event, e.At.In(stockholm))
			}
		}
		for i, e := range h.hook.all()[1:] {
			if e.At.After(h.mail.all()[i+1].At) {
				t.Errorf("the app was told of %s after the customer", e.Notice.Event)
			}
		}
	})
}
