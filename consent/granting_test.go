package consent_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestGrantWithExpectedPerson(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: "040180-9999", Scopes: []string{"accounts", "openid"}})
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrPending)
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		c := p.wantStatus(t, consent.Valid, "")
		if want := time.Now().Add(consentLife - consentMargin); !c.EndsAt.Equal(want.UTC().Truncate(time.Millisecond)) {
			t.Errorf("ends at %s, want %s", c.EndsAt, want)
		}
		got, err := p.token(t, consent.TokenRequest{Scopes: []string{"payments", "accounts"}})
		must(t, err)
		if got.Access.NationalID != gudrunID || got.Access.Token == "" || got.DaysLeft != 90 || got.Access.Type != "Bearer" {
			t.Errorf("handed out %+v for %q", got, got.Access.NationalID.Reveal())
		}
		synctest.Wait()
		for _, n := range []*told{h.mail, h.hook} {
			if got := n.what(); !slices.Equal(got, []string{consent.ToldConnected}) {
				t.Errorf("%s told %v", n.channel, got)
			}
		}
	})
}

func TestGrantConfirmedByCode(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		wantEnding(t, r, consent.EndUnconfirmed)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrUnconfirmed)
		wantErr(t, second(h.Confirm(t.Context(), shop, p.id, "guessed")), consent.ErrConfirmation)
		other := shop
		other.ID = "other"
		wantErr(t, second(h.Confirm(t.Context(), other, p.id, r.Code)), consent.ErrNotFound)
		for range 2 {
			c, err := h.Confirm(t.Context(), shop, p.id, r.Code)
			must(t, err)
			if c.Status != consent.Valid {
				t.Errorf("status = %s", c.Status)
			}
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestGrantNeverConfirmedIsWorthNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)), consent.ErrConfirmation)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrPending)
		must(t, h.Work(t.Context()))
		for _, key := range h.redis.Keys() {
			if strings.Contains(key, ":grant:") {
				t.Errorf("the secret outlived its confirmation: %s", key)
			}
		}
		// Whoever came first and was not confirmed does not stand in the way.
		r = p.again(t).visit(t, sandbox.Customer{User: anna})
		wantEnding(t, r, consent.EndUnconfirmed)
		must(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)))
	})
}

func TestGrantTurnedAway(t *testing.T) {
	tests := map[string]struct {
		ask    consent.Request
		do     sandbox.Customer
		ending consent.Ending
		status consent.Status
		why    string
		err    error
	}{
		"wrong person": {consent.Request{Expected: gudrunID}, sandbox.Customer{User: anna},
			consent.EndWrongPerson, consent.Rejected, consent.CauseWrongPerson, consent.ErrRejected},
		"cancelled": {consent.Request{}, sandbox.Customer{User: anna, Cancel: true},
			consent.EndCancelled, consent.Rejected, consent.CauseCancelled, consent.ErrRejected},
		"payments left out": {consent.Request{}, sandbox.Customer{User: anna, Untick: []string{"payments"}},
			consent.EndLeftOut, consent.PartiallyAuthorised, consent.CauseLeftOut, consent.ErrInsufficientScope},
		"national id left out": {consent.Request{Expected: gudrunID}, sandbox.Customer{User: gudrun, Untick: []string{"customer"}},
			consent.EndNoIdentity, consent.Rejected, consent.CauseNoIdentity, consent.ErrRejected},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.ask(t, test.ask)
				wantEnding(t, p.visit(t, test.do), test.ending)
				p.wantStatus(t, test.status, test.why)
				refusal := wantErr(t, second(p.token(t, consent.TokenRequest{})), test.err)
				if refusal.Renewal == nil {
					t.Error("the app is not told where to send the customer")
				}
				if h.bank.Withdraw(test.do.User, "consentd") != 0 {
					t.Error("the grant was not given back to the bank")
				}
				p.link = refusal.Renewal.Secret
				r := p.visit(t, sandbox.Customer{User: gudrun})
				if r.Ending != consent.EndConnected && r.Ending != consent.EndUnconfirmed {
					t.Errorf("trying again ends in %s", r.Ending)
				}
			})
		})
	}
}

func TestSecondTripDoesNotUndoAGrantThatWaitsToBeConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		wantEnding(t, r, consent.EndUnconfirmed)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun, Cancel: true}), consent.EndCancelled)
		must(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)))
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestGrantOfTheWrongPersonIsGivenBackUntilTheBankTakesIt(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		h.bank.Fail(sandbox.EndpointRevoke, 3, sandbox.Fault{Status: 503})
		wantEnding(t, p.visit(t, sandbox.Customer{User: anna}), consent.EndWrongPerson)
		h.live(t, 2*time.Hour, time.Minute)
		if h.bank.Withdraw(anna, "consentd") != 0 {
			t.Error("the grant lives on at the bank")
		}
		h.wantNoSecret(t)
	})
}
