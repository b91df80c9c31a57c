package consent_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// TestAppsAreToldInOrder lets an endpoint choke on one warning until after the
// next has come due.
func TestAppsAreToldInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		h.granted(t)
		h.live(t, 85*day, time.Hour)
		up := time.Now().Add(4*day + 7*time.Hour + time.Minute)
		h.hook.breaks(func(e consent.Event) error {
			if e.Notice.Days() == 3 && time.Now().Before(up) {
				return errors.New("500")
			}
			return nil
		})
		h.live(t, 4*day+6*time.Hour, 10*time.Minute, h.Service, h.replica(t, nil))
		if got := h.hook.what(); len(got) != 4 {
			t.Fatalf("the webhook was told %v meanwhile", got)
		}
		h.live(t, 2*time.Hour, time.Minute, h.Service, h.replica(t, nil))
		wantTold(t, h.hook, ninetyDays[:6]...)
		wantTold(t, h.mail, ninetyDays[:6]...)
		h.wantLogged(t, "consent.expiring", "consent.expiring", "consent.expiring", "consent.expiring", "consent.expiring")
	})
}

func TestWhatIsGivenUpHoldsUpNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.hook.breaks(func(e consent.Event) error {
			if e.Notice.Days() == 7 {
				return fmt.Errorf("%w: gone", consent.ErrUndeliverable)
			}
			if e.Notice.Days() == 3 {
				return errors.New("away")
			}
			return nil
		})
		h.live(t, 90*day-time.Hour, 10*time.Minute)
		wantTold(t, h.hook, "connected", "warning-30", "warning-14")
		h.live(t, 3*day, 10*time.Minute)
		wantTold(t, h.hook, "connected", "warning-30", "warning-14", "expired")
	})
}

// TestWhatIsSilencedHoldsUpNothing: an end is told at once, although a warning
// before it waits for its next attempt.
func TestWhatIsSilencedHoldsUpNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 59*day, time.Hour)
		h.hook.breaks(func(e consent.Event) error {
			if e.Notice.Days() > 0 {
				return errors.New("away")
			}
			return nil
		})
		h.live(t, 2*day, 10*time.Minute)
		time.Sleep(10 * time.Minute) // the next attempt is up to an hour away
		stopped := time.Now()
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		h.live(t, 5*time.Minute, 10*time.Second)
		wantTold(t, h.hook, "connected", "stopped")
		if e := h.hook.all()[1]; e.At.Sub(stopped) > 3*time.Minute {
			t.Errorf("told after %s", e.At.Sub(stopped))
		}
	})
}

// TestOrderLeavesNothingBehind: what is told is forgotten.
func TestOrderLeavesNothingBehind(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, 92*day, time.Hour)
		for _, key := range h.redis.Keys() {
			if strings.HasSuffix(key, "}:telling") {
				t.Errorf("%s is left", key)
			}
		}
	})
}

func TestRecoveredAfterTheBankHadRefused(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, day, time.Hour)
		if h.bank.Withdraw(gudrun, "consentd") != 1 {
			t.Fatal("nothing to withdraw")
		}
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		h.live(t, time.Hour, time.Minute)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, time.Hour, time.Minute)
		for _, n := range []*told{h.mail, h.hook} {
			wantTold(t, n, "connected", "refused", "recovered")
		}
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.live(t, time.Hour, time.Minute)
		wantTold(t, h.hook, "connected", "refused", "recovered", "renewed")
	})
}

// busy is an endpoint that asks for time.
type busy struct{ wait time.Duration }

func (busy) Error() string         { return "busy" }
func (b busy) Wait() time.Duration { return b.wait }

func TestNextAttemptIsNotBeforeWhatWasAskedFor(t *testing.T) {
	for wait, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 40 * time.Minute: 40 * time.Minute, 5 * time.Hour: time.Hour} {
		bubble(t, func(t *testing.T, h *house) {
			var attempts []time.Time
			h.hook.breaks(func(e consent.Event) error {
				if attempts = append(attempts, time.Now()); len(attempts) > 1 {
					return nil
				}
				return fmt.Errorf("webhook: %w", busy{wait})
			})
			h.granted(t)
			h.live(t, 2*time.Hour, time.Second)
			if len(attempts) != 2 || attempts[1].Sub(attempts[0]) < want || attempts[1].Sub(attempts[0]) > want+2*time.Second {
				t.Errorf("asked to wait %s: attempts at %v, want them %s apart", wait, attempts, want)
			}
		})
	}
}

func TestWebhookCanBeSentAgainAndReadMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		var key string
		h.hook.breaks(func(e consent.Event) error { key = e.Key; return fmt.Errorf("%w: 410", consent.ErrUndeliverable) })
		p := h.granted(t)
		h.live(t, time.Minute, 10*time.Second)
		left, err := h.Undelivered(t.Context(), 10)
		must(t, err)
		if len(left) != 1 || left[0].ID != p.id || left[0].Notice.Channel != consent.ChannelWebhook {
			t.Fatalf("undelivered: %+v", left)
		}
		h.wantLogged(t, "consent.granted")
		h.hook.breaks(nil)
		must(t, h.Resend(t.Context(), audur, left[0], "asked"))
		wantErr(t, h.Resend(t.Context(), audur, left[0], "asked"), consent.ErrNotFound)
		h.live(t, time.Minute, 10*time.Second)
		wantTold(t, h.hook, "connected")
		if e := h.hook.all()[0]; e.Key != key {
			t.Errorf("sent again as %q, first as %q", e.Key, key)
		}
		h.wantLogged(t, "consent.granted")
		p.wantTimeline(t, "message_sent")
		if left, err = h.Undelivered(t.Context(), 10); err != nil || len(left) != 0 {
			t.Errorf("undelivered: %v, %v", left, err)
		}
	})
}

// TestWhatIsUnderWayIsNotOvertaken: another replica is told of the end while
// this one still waits for the endpoint's answer to a warning.
func TestWhatIsUnderWayIsNotOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 59*day, time.Hour)
		other := h.replica(t, nil)
		h.hook.breaks(func(e consent.Event) error {
			if e.Notice.Days() > 0 {
				must(t, second(other.StopByApp(t.Context(), shop, p.id)))
				time.Sleep(10 * time.Second)
			}
			return nil
		})
		h.live(t, 2*day, 10*time.Minute)
		wantTold(t, h.hook, "connected", "warning-30", "stopped")
		if all := h.hook.all(); all[2].At.Sub(all[1].At) > time.Minute {
			t.Errorf("the end was told %s after the warning", all[2].At.Sub(all[1].At))
		}
	})
}
