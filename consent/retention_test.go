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

func TestRecordsArePurgedAfterTheRetentionTime(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 91*day, 6*time.Hour)
		due := p.wantStatus(t, consent.Expired, consent.CauseLapsed).EndsAt.Add(2 * 365 * day)
		for at, want := range map[time.Time]int{due.Add(-time.Hour): 0, due: 1} {
			if got, err := h.DryPurge(t.Context(), at); err != nil || len(got) != want {
				t.Errorf("to be purged at %s: %v, %v, want %d", at, got, err, want)
			}
		}
		time.Sleep(time.Until(due))
		must(t, h.Work(t.Context()))
		wantErr(t, second(h.Consent(t.Context(), shop, p.id)), consent.ErrNotFound)
		h.wantNothingOf(t, p.id)
	})
}

// TestPurgeTakesAllOfWhatIsKeptLonger: Redis must not drop a record by itself
// before its purge, which is what strikes it out of lists and counters.
func TestPurgeTakesAllOfWhatIsKeptLonger(t *testing.T) {
	const kept = 2 * 365 * day
	tests := map[string]struct {
		after time.Duration // since it lapsed
		what  func(t *testing.T, h *house, p *trip)
		due   time.Duration // since then
	}{
		"the retention time is raised": {kept - day, func(t *testing.T, h *house, _ *trip) {
			h.Service = h.replica(t, func(c *consent.Config) { c.Life.Retention = 2 * kept })
		}, kept + day},
		"stopped long after its end": {kept / 2, func(t *testing.T, h *house, p *trip) {
			must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		}, kept},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.granted(t)
				must(t, second(p.token(t, consent.TokenRequest{})))
				h.live(t, 90*day, 6*time.Hour)
				time.Sleep(test.after)
				test.what(t, h, p)
				h.live(t, test.due-day, 20*day)
				must(t, second(h.Consent(t.Context(), shop, p.id)))
				h.live(t, 2*day, 12*time.Hour)
				wantErr(t, second(h.Consent(t.Context(), shop, p.id)), consent.ErrNotFound)
				h.wantNothingOf(t, p.id)
				o, err := h.Overview(t.Context())
				must(t, err)
				if len(o.Consents) != 0 {
					t.Errorf("counted although it is gone: %+v", o.Consents)
				}
			})
		})
	}
}

// TestPurgeTakesWhatAnEarlierTermCouldNotDeliver: a renewal keeps what the
// purge has to find.
func TestPurgeTakesWhatAnEarlierTermCouldNotDeliver(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.mail.breaks(func(consent.Event) error { return consent.ErrUndeliverable })
		h.live(t, 61*day, 12*time.Hour)
		h.mail.breaks(nil)
		for range 13 {
			wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
			h.live(t, 80*day, 5*day)
		}
		all, err := h.Undelivered(t.Context(), 10)
		must(t, err)
		if len(all) != 2 || all[0].ID != p.id {
			t.Fatalf("undelivered: %+v", all)
		}
		h.live(t, 3*365*day, 10*day)
		wantErr(t, second(h.Consent(t.Context(), shop, p.id)), consent.ErrNotFound)
		o, err := h.Overview(t.Context())
		must(t, err)
		if o.Undelivered != 0 {
			t.Errorf("%d messages of a consent that is gone are counted", o.Undelivered)
		}
		h.wantNothingOf(t, p.id)
	})
}

// wantNothingOf fails if a key of a consent, or a mention of it, is left once
// it no longer matters that it is gone.
func (h *house) wantNothingOf(t *testing.T, id consent.ID) {
	t.Helper()
	h.live(t, consent.GoneFor, time.Hour)
	for _, key := range h.redis.Keys() {
		if strings.HasSuffix(key, "}:handouts") || strings.HasSuffix(key, "}:unknown") { // what was handed out stays on record, by ids that lead nowhere
			h.redis.Del(key)
		}
	}
	for line := range strings.Lines(h.redis.Dump()) {
		if strings.Contains(line, string(id)) {
			t.Errorf("left: %s", line)
		}
	}
}

func TestErasureLeavesNothingButAProof(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		one, two := h.granted(t), h.granted(t)
		h.bank.Fail(sandbox.EndpointRevoke, 1, sandbox.Fault{Status: 503})
		e, err := h.Erase(t.Context(), shop, "customer-1")
		must(t, err)
		if e.Consents != 2 || e.Reference == "" {
			t.Errorf("erasure = %+v", e)
		}
		for _, p := range []*trip{one, two} {
			wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrNotFound)
		}
		h.live(t, time.Hour, time.Minute)
		if h.bank.Withdraw(gudrun, "consentd") != 0 {
			t.Error("a grant lives on at the bank")
		}
		h.wantNothingOf(t, one.id)
		h.wantNothingOf(t, two.id)
		if e, err = h.Erase(t.Context(), shop, "customer-1"); err != nil || e.Consents != 0 {
			t.Errorf("erased again: %+v, %v", e, err)
		}
	})
}

// TestAnErasureIsToldToTheApp: also one that staff made, and also when the
// app's own address was away at the time.
func TestAnErasureIsToldToTheApp(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		h.granted(t)
		must(t, h.Settle(t.Context()))
		h.hook.breaks(func(consent.Event) error { return errors.New("away") })
		must(t, second(h.EraseByStaff(t.Context(), consent.Staff{ID: "s", Name: "s"}, shop, "customer-1", "customer asked")))
		h.live(t, 3*day, time.Minute)
		h.hook.breaks(nil)
		h.live(t, 2*time.Hour, time.Minute)
		h.wantLogged(t, "consent.granted", "consent.revoked")
		page, err := h.Events(t.Context(), shop, "", 100)
		must(t, err)
		if last := string(page.Events[1].Payload); !strings.Contains(last, `"cause":{"actor":"staff","code":"erased"}`) {
			t.Errorf("told: %s", last)
		}
		wantTold(t, h.hook, "connected", "stopped")
	})
}

func TestProofTellsTheWholeStory(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 80*day, 6*time.Hour)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		must(t, h.Settle(t.Context()))
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		h.live(t, time.Minute, 10*time.Second)
		proof, err := h.Proof(t.Context(), shop, p.id)
		must(t, err)
		var events []string
		for _, e := range proof.Timeline {
			if !strings.HasPrefix(e.Event, "message_") {
				events = append(events, e.Event)
			}
		}
		want := []string{"requested", "authorizing", "granted", "authorizing", "renewed", "bank_told", "terminatedByTpp", "bank_told"}
		if !slices.Equal(events, want) || proof.Consent.Personal != nil {
			t.Errorf("timeline\n     %v\nwant %v", events, want)
		}
	})
}

func TestErasureFindsAConsentThatWasRenewedForYears(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		for range 12 {
			time.Sleep(80 * day)
			wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		}
		e, err := h.Erase(t.Context(), shop, "customer-1")
		must(t, err)
		if e.Consents != 1 {
			t.Errorf("erased %d consents, want 1", e.Consents)
		}
	})
}

// TestEraseWhatRedisDropped: a record that nobody purged in time went by
// itself, and its customer's index must not outlive the erasure.
func TestEraseWhatRedisDropped(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, h.Settle(t.Context()))
		must(t, h.Work(t.Context()))
		must(t, h.Remind(t.Context(), p.manageLink(t), false))
		for _, key := range h.redis.Keys() {
			if strings.HasSuffix(key, string(p.id)) {
				h.redis.Del(key)
			}
		}
		e, err := h.Erase(t.Context(), shop, "customer-1")
		if err != nil || e.Consents != 0 {
			t.Fatalf("erased: %+v, %v", e, err)
		}
		for _, key := range h.redis.Keys() {
			if strings.Contains(key, ":customer:") || strings.Contains(key, ":reminders:") {
				t.Errorf("an erased customer has left %s", key)
			}
		}
	})
}
