package consent_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestLifeOfNinetyOneDaysOnThreeReplicas(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 91*day, 10*time.Minute, h.Service, h.replica(t, nil), h.replica(t, nil))
		wantTold(t, h.mail, ninetyDays...)
		wantTold(t, h.hook, ninetyDays...)
		end := p.wantStatus(t, consent.Expired, consent.CauseLapsed).EndsAt
		for _, e := range h.mail.all() {
			at := end
			if d := e.Notice.Days(); d > 0 {
				at = end.Add(-time.Duration(d) * day)
			}
			if e.Notice.Event != consent.ToldConnected && (e.At.Before(at) || e.At.Sub(at) > 10*time.Minute) {
				t.Errorf("%s told at %s, due at %s", e.Notice.Event, e.At, at)
			}
		}
		h.wantNoSecret(t)
	})
}

// TestClockBackwards: a machine whose clock was set back must warn nobody
// twice and end nothing early.
func TestClockBackwards(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		var back time.Duration
		h.Service = h.replica(t, func(c *consent.Config) { c.Now = func() time.Time { return time.Now().Add(-back) } })
		p := h.granted(t)
		h.live(t, 84*day, time.Hour)
		back = 10 * day
		h.live(t, 9*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-30", "warning-14", "warning-7")
		p.wantStatus(t, consent.Valid, "")
	})
}

// TestChance lets consents begin, renew, stop and lapse at random on three
// replicas whose store loses replies: nobody is told anything twice, and
// nobody lapses unwarned.
func TestChance(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		r := rand.New(rand.NewPCG(1, 2))
		var trips []*trip
		for range 12 {
			trips = append(trips, h.granted(t))
			h.live(t, time.Duration(r.IntN(9)+8)*day, 12*time.Hour)
			p := trips[r.IntN(len(trips))]
			switch c, err := h.Consent(t.Context(), shop, p.id); {
			case err != nil:
				t.Fatal(err)
			case r.IntN(3) == 0:
				must(t, second(h.StopByApp(t.Context(), shop, p.id)))
			case c.Renewable():
				p.again(t).visit(t, sandbox.Customer{User: gudrun})
			}
		}
		h.live(t, 91*day, 12*time.Hour, h.Service, h.replica(t, nil), h.replica(t, nil))
		told := make(map[string]int)
		for _, e := range h.hook.all() {
			told[e.Key]++
		}
		for key, n := range told {
			if n != 1 {
				t.Errorf("%q was told %d times", key, n)
			}
			if id, rest, _ := strings.Cut(key, " webhook expired "); rest != "" && told[id+" webhook warning-1 "+rest] == 0 {
				t.Errorf("%s lapsed unwarned", id)
			}
		}
		h.wantNoSecret(t)
	})
}

func TestNinetyDays(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		for time.Until(end) > 12*time.Hour {
			time.Sleep(12 * time.Hour)
			got, err := p.token(t, consent.TokenRequest{})
			must(t, err)
			if !got.EndsAt.Equal(end) {
				t.Fatalf("a refresh moved the end from %s to %s", end, got.EndsAt)
			}
		}
		time.Sleep(time.Until(end) - time.Millisecond)
		must(t, second(p.token(t, consent.TokenRequest{})))
		time.Sleep(time.Millisecond)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrExpired)
		p.wantStatus(t, consent.Expired, consent.CauseLapsed)
		p.link = r.Renewal.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		if c := p.wantStatus(t, consent.Valid, ""); !c.EndsAt.After(end.Add(89 * 24 * time.Hour)) {
			t.Errorf("connected again until %s", c.EndsAt)
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}
