package consent_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestRenewalKeepsTheIDAndMovesTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		time.Sleep(80 * 24 * time.Hour)
		ask, err := h.Ask(t.Context(), p.again(t).link)
		must(t, err)
		if !ask.Renewal {
			t.Error("the page does not know that it renews")
		}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		if c := p.wantStatus(t, consent.Valid, ""); !c.EndsAt.Equal(end.Add(80 * 24 * time.Hour)) {
			t.Errorf("renewed until %s, before %s", c.EndsAt, end)
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
		synctest.Wait()
		if got := h.mail.what(); len(got) != 2 || got[1] != consent.ToldRenewed {
			t.Errorf("told %v", got)
		}
	})
}

func TestRenewalThatFailsLeavesTheLiveGrantAlone(t *testing.T) {
	tests := map[string]struct {
		do     sandbox.Customer
		fault  *sandbox.Fault
		ending consent.Ending
	}{
		"cancelled":           {do: sandbox.Customer{User: gudrun, Cancel: true}, ending: consent.EndCancelled},
		"another person":      {do: sandbox.Customer{User: anna}, ending: consent.EndWrongPerson},
		"permission left out": {do: sandbox.Customer{User: gudrun, Untick: []string{"payments"}}, ending: consent.EndLeftOut},
		"bank down":           {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{}, ending: consent.EndBankDown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.granted(t)
				before := p.wantStatus(t, consent.Valid, "")
				if test.fault != nil {
					h.bank.Fail(sandbox.EndpointToken, 1, *test.fault)
				}
				wantEnding(t, p.again(t).visit(t, test.do), test.ending)
				after := p.wantStatus(t, consent.Valid, "")
				if !after.EndsAt.Equal(before.EndsAt) || len(after.Granted) != len(before.Granted) {
					t.Errorf("consent changed: %+v", after)
				}
				time.Sleep(10 * time.Minute)
				must(t, second(p.token(t, consent.TokenRequest{})))
			})
		})
	}
}

// The app named nobody at first: whom it confirmed by code is the right person
// from then on.
func TestRenewalByAnotherPersonThanWasConfirmedIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		must(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)))
		before := p.wantStatus(t, consent.Valid, "")
		time.Sleep(80 * day)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: anna}), consent.EndWrongPerson)
		if after := p.wantStatus(t, consent.Valid, ""); !after.EndsAt.Equal(before.EndsAt) || after.Term != before.Term {
			t.Errorf("consent changed: %+v", after)
		}
		got, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		if got.Access.NationalID != gudrunID {
			t.Error("somebody else's token is handed out")
		}
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
	})
}

func TestRenewalSilencesTheRest(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 80*day, time.Hour)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.live(t, 40*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-30", "warning-14", "renewed")
		h.live(t, 60*day, time.Hour)
		wantTold(t, h.mail, append([]string{"connected", "warning-30", "warning-14", "renewed"}, ninetyDays[1:]...)...)
	})
}

func TestRenewalBetweenClaimAndDeliverySilences(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 59*day, time.Hour)
		h.mail.breaks(func(consent.Event) error { return errors.New("down") })
		h.live(t, 2*day, time.Hour)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.mail.breaks(nil)
		h.live(t, 2*day, time.Hour)
		wantTold(t, h.mail, "connected", "renewed")
	})
}

func TestRenewalGivesTheOldGrantBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(80 * day)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.live(t, time.Minute, 10*time.Second)
		if n := h.bank.Calls(sandbox.EndpointRevoke); n != 1 {
			t.Errorf("%d revocations, want that of the old grant", n)
		}
		time.Sleep(time.Hour)
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}
