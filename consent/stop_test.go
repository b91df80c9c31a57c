package consent_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

func TestStopFromEachSide(t *testing.T) {
	tests := map[string]struct {
		stop   func(*testing.T, *trip) error
		status consent.Status
		actor  consent.Actor
	}{
		"the customer": {func(t *testing.T, p *trip) error {
			return second(p.StopByCustomer(t.Context(), p.manageLink(t)))
		}, consent.RevokedByPsu, consent.ByCustomer},
		"the app": {func(t *testing.T, p *trip) error { return second(p.StopByApp(t.Context(), shop, p.id)) }, consent.TerminatedByTpp, consent.ByApp},
		"our staff": {func(t *testing.T, p *trip) error {
			return second(p.Stop(t.Context(), p.id, consent.ByStaff, "asked by phone"))
		}, consent.TerminatedByTpp, consent.ByStaff},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.granted(t)
				h.live(t, time.Minute, 10*time.Second)
				for range 2 {
					must(t, test.stop(t, p))
				}
				r := wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
				if r.Renewal != nil {
					t.Error("what was stopped on purpose is offered for renewal")
				}
				h.live(t, time.Minute, 10*time.Second)
				c, err := h.Consent(t.Context(), shop, p.id)
				must(t, err)
				if c.Status != test.status || c.Cause.Actor != test.actor || c.BankTold != token.RevocationConfirmed {
					t.Errorf("consent = %s by %s, bank told: %s", c.Status, c.Cause.Actor, c.BankTold)
				}
				if h.bank.Withdraw(gudrun, "consentd") != 0 {
					t.Error("the grant lives on at the bank")
				}
				wantTold(t, h.mail, "connected", "stopped")
				h.wantNoSecret(t)
			})
		})
	}
}

// manageLink is the one in the newest mail.
func (p *trip) manageLink(t *testing.T) token.Secret {
	t.Helper()
	mails := p.mail.all()
	if len(mails) == 0 {
		t.Fatal("no mail")
	}
	return mails[len(mails)-1].Manage
}

func TestStopWhileTheBankIsDown(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.bank.Fail(sandbox.EndpointRevoke, 5, sandbox.Fault{Status: 503})
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		h.live(t, 10*time.Minute, time.Minute)
		if c, _ := h.Consent(t.Context(), shop, p.id); c.BankTold != "" {
			t.Errorf("bank told: %s, although it is down", c.BankTold)
		}
		h.live(t, 4*time.Hour, 10*time.Minute)
		if c, _ := h.Consent(t.Context(), shop, p.id); c.BankTold != token.RevocationConfirmed {
			t.Errorf("bank told: %q", c.BankTold)
		}
		h.wantNoSecret(t)
	})
}

func TestBankNeverAnswersARevocation(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.bank.Fail(sandbox.EndpointRevoke, 1000, sandbox.Fault{Status: 503})
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		h.live(t, 8*day, time.Hour)
		if c, _ := h.Consent(t.Context(), shop, p.id); c.BankTold != token.RevocationFailed {
			t.Errorf("bank told: %q", c.BankTold)
		}
		h.wantNoSecret(t)
	})
}

func TestRefreshInFlightCannotResurrectWhatWasStopped(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(6 * time.Minute)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 5 * time.Second})
		asked := make(chan error)
		go func() { asked <- second(p.token(t, consent.TokenRequest{})) }()
		time.Sleep(2 * time.Second)
		must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		wantErr(t, <-asked, consent.ErrRevoked)
		h.live(t, time.Minute, 10*time.Second)
		if h.bank.Withdraw(gudrun, "consentd") != 0 {
			t.Error("a grant lives on at the bank")
		}
		h.wantNoSecret(t)
	})
}

func TestLapseWhileARefreshIsInFlight(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		time.Sleep(time.Until(end) - 2*time.Second)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 5 * time.Second})
		err := second(p.token(t, consent.TokenRequest{}))
		wantErr(t, err, consent.ErrExpired)
		h.live(t, time.Minute, 10*time.Second)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrExpired)
		h.wantNoSecret(t)
	})
}

func TestGrantThatNobodyConfirmedIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndUnconfirmed)
		h.live(t, 20*time.Minute, time.Minute)
		if h.bank.Withdraw(gudrun, "consentd") != 0 {
			t.Error("the grant lives on at the bank")
		}
		h.wantNoSecret(t)
		wantTold(t, h.mail)
	})
}
