package consent_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

// toldOf are the words that were told of one consent, in order.
func (n *told) toldOf(id consent.ID) []string {
	var out []string
	for _, e := range n.all() {
		if e.Consent.ID == id {
			out = append(out, e.Notice.Word())
		}
	}
	return out
}

// refusedUnheard has the bank refuse a grant in the background, so that its app
// hears nothing of the end.
func (h *house) refusedUnheard(t *testing.T, p *trip) {
	t.Helper()
	l, err := h.store.Newest(t.Context(), p.id)
	must(t, err)
	if err := h.vault.Refresh(t.Context(), string(p.id), l.Generation); err == nil {
		t.Fatal("the bank refuses nothing")
	}
	p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
}

// incident has the bank refuse so many grants that it is doubted.
func (h *house) incident(t *testing.T, rest []*trip) {
	t.Helper()
	for _, p := range rest {
		if second(p.token(t, consent.TokenRequest{})) == nil {
			t.Fatal("the bank refuses nothing")
		}
	}
	if on, err := h.store.Incident(t.Context(), "sandbox", h.Now()); err != nil || !on {
		t.Fatalf("no incident: %v", err)
	}
}

// grants are so many consents of long ago enough to be refreshed.
func (h *house) grants(t *testing.T, n int) []*trip {
	t.Helper()
	var out []*trip
	for range n {
		out = append(out, h.granted(t))
	}
	h.live(t, time.Minute, 10*time.Second)
	time.Sleep(10 * time.Minute)
	return out
}

func TestAppsThatHeardOfAnEndHearThatItWasTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		trips := h.grants(t, 14)
		h.refusesNext(14)
		heard, reported, unheard := trips[0], trips[1], trips[2]
		wantErr(t, second(heard.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		wantErr(t, second(heard.token(t, consent.TokenRequest{})), consent.ErrRevoked) // twice, and told once
		h.refusedUnheard(t, reported)
		if got, err := h.Report(t.Context(), shop, reported.id, "invalid_token"); err != nil || got != consent.ReportedEnded {
			t.Errorf("Report = %s, %v", got, err)
		}
		h.refusedUnheard(t, unheard)
		h.incident(t, trips[3:])
		wantErr(t, second(heard.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		back := h.Now()
		h.live(t, 5*time.Minute, 10*time.Second, h.Service, h.replica(t, nil))
		h.live(t, 6*time.Hour, time.Hour)
		for name, test := range map[string]struct {
			trip *trip
			want []string
		}{
			"heard":    {heard, []string{"connected", "recovered"}},
			"reported": {reported, []string{"connected", "recovered"}},
			"unheard":  {unheard, []string{"connected"}},
			"doubted":  {trips[13], []string{"connected"}},
		} {
			test.trip.wantStatus(t, consent.Valid, "")
			if got := h.hook.toldOf(test.trip.id); !slices.Equal(got, test.want) {
				t.Errorf("%s: the app was told %v, want %v", name, got, test.want)
			}
			if got := h.mail.toldOf(test.trip.id); !slices.Equal(got, test.want[:1]) {
				t.Errorf("%s: the customer was told %v", name, got)
			}
		}
		for _, e := range h.hook.all() {
			if at := e.Notice.RestoredAt(); e.Notice.Word() == consent.ToldRecovered && (at.Before(back) || at.Sub(back) > 3*time.Minute) {
				t.Errorf("given back at %s, refused at %s", at, back)
			}
		}
		page, err := h.Events(t.Context(), shop, "", 100)
		must(t, err)
		if n := len(slices.DeleteFunc(types(t, page), func(typ string) bool { return typ != "consent.recovered" })); n != 9 {
			t.Errorf("the log has %d recoveries, want those of 9 consents that were heard of", n)
		}
	})
}

// TestRecoveredEachTime: two incidents in one term are two events, the second
// in its turn, whatever the webhook was up to.
func TestRecoveredEachTime(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.logging(t)
		trips := h.grants(t, 14)
		p := trips[0]
		h.hook.breaks(func(e consent.Event) error {
			if e.Notice.Word() == consent.ToldRecovered {
				return errors.New("away")
			}
			return nil
		})
		h.refusesNext(14)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		h.incident(t, trips[1:])
		h.live(t, 20*time.Minute, 10*time.Second)
		p.wantStatus(t, consent.Valid, "")
		if got := h.hook.toldOf(p.id); !slices.Equal(got, []string{"connected"}) {
			t.Fatalf("told %v", got)
		}

		// Refused again, unheard, just before the next attempt at telling.
		time.Sleep(time.Until(h.nextDue(t).Add(-20 * time.Second)))
		h.refusesNext(14)
		h.refusedUnheard(t, p)
		h.hook.breaks(nil)
		h.live(t, 40*time.Second, 10*time.Second)
		if got := h.hook.toldOf(p.id); !slices.Equal(got, []string{"connected"}) {
			t.Fatalf("told %v of what is refused again", got)
		}
		h.incident(t, trips[1:])
		h.live(t, 2*time.Hour, 10*time.Second)
		p.wantStatus(t, consent.Valid, "")
		if got := h.hook.toldOf(p.id); !slices.Equal(got, []string{"connected", "recovered"}) {
			t.Errorf("told %v", got)
		}

		h.refusesNext(14)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		h.incident(t, trips[1:])
		h.live(t, time.Hour, 10*time.Second)
		if got := h.hook.toldOf(p.id); !slices.Equal(got, []string{"connected", "recovered", "recovered"}) {
			t.Errorf("told %v", got)
		}
		keys := make(map[string]bool)
		for _, e := range h.hook.all() {
			keys[e.ID] = true
		}
		if len(keys) != len(h.hook.all()) {
			t.Error("two events have one id")
		}
	})
}

func TestNobodyHearsOfARecoveryThatIsNone(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		trips := h.grants(t, 14)
		h.refusesNext(14)
		p := trips[0]
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		h.incident(t, trips[1:])
		must(t, h.LiftIncident(t.Context(), audur, "sandbox", "the bank says so"))
		h.live(t, time.Hour, 10*time.Second)
		p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
		if got := h.hook.toldOf(p.id); !slices.Equal(got, []string{"connected", "refused"}) {
			t.Errorf("told %v", got)
		}
	})
}
