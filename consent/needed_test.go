package consent_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// needs lets the app plan a payment, and returns when.
func (p *trip) needs(t *testing.T, in time.Duration) time.Time {
	t.Helper()
	at := time.Now().Add(in).UTC().Truncate(time.Second)
	r := wantErr(t, second(p.token(t, consent.TokenRequest{NeededUntil: at})), consent.ErrRenewalRequired)
	if r.EndsAt.IsZero() || r.Renewal == nil {
		t.Errorf("refusal = %+v, want the consent's end and where to renew", r)
	}
	return at
}

func TestNeededBeyondTheEndIsToldOnceATerm(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 10*day, time.Hour)
		must(t, second(p.token(t, consent.TokenRequest{NeededUntil: time.Now().Add(70 * day)})))
		latest := p.needs(t, 100*day)
		p.needs(t, 90*day)
		h.live(t, time.Hour, time.Minute)
		p.needs(t, 95*day)
		h.live(t, time.Hour, time.Minute)
		for _, n := range []*told{h.mail, h.hook} {
			wantTold(t, n, "connected", "needed")
			if e := n.all()[1]; !e.Consent.NeededUntil.Equal(latest) {
				t.Errorf("%s told that it is needed until %s, want %s", n.channel, e.Consent.NeededUntil, latest)
			}
		}
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		if c := p.wantStatus(t, consent.Valid, ""); c.NeededUntil != latest { // 90 days do not reach
			t.Errorf("needed until %s, want %s still", c.NeededUntil, latest)
		}
		p.needs(t, 92*day)
		h.live(t, 20*day, time.Hour)
		wantTold(t, h.mail, "connected", "needed", "renewed", "needed")
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		if c := p.wantStatus(t, consent.Valid, ""); !c.NeededUntil.IsZero() {
			t.Errorf("needed until %s, although the end is %s", c.NeededUntil, c.EndsAt)
		}
	})
}

func TestNeededWaitsForTheMorningAndIsSilencedByARenewal(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.Service = h.replica(t, func(c *consent.Config) { c.Life.QuietFrom, c.Life.QuietUntil = 21*time.Hour, 8*time.Hour })
		p, other := h.granted(t), h.granted(t)
		time.Sleep(5*day + 23*time.Hour)
		p.needs(t, 100*day)
		other.needs(t, 100*day)
		h.live(t, time.Hour, time.Minute)
		wantTold(t, h.hook, "connected", "connected", "needed", "needed")
		wantTold(t, h.mail, "connected", "connected")
		time.Sleep(6 * day)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.live(t, day, time.Hour)
		wantTold(t, h.mail, "connected", "connected", "renewed", "needed")
		if e := h.mail.all()[3]; e.Consent.ID != other.id || e.At.Hour() < 8 || e.At.Hour() >= 21 {
			t.Errorf("told of %s at %s", e.Consent.ID, e.At)
		}
	})
}

func TestNeededAfterTheEndIsNotKept(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		wantErr(t, second(p.token(t, consent.TokenRequest{NeededUntil: time.Now().Add(100 * day)})), consent.ErrRevoked)
		h.live(t, time.Hour, time.Minute)
		if c := p.wantStatus(t, consent.TerminatedByTpp, consent.CauseStopped); !c.NeededUntil.IsZero() {
			t.Errorf("needed until %s", c.NeededUntil)
		}
	})
}
