package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/servertest"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// TestWhatPaymentServicesExpect of us, the fake of clienttest keeps as well.
func TestWhatPaymentServicesExpect(t *testing.T) {
	t.Parallel()
	servertest.Run(t, func(t *testing.T) servertest.Server {
		return &expected{newShopping(t)}
	})
}

// expected is a site as servertest wants it.
type expected struct{ *shopping }

func (e *expected) Client() *client.Client { return e.shopping.Client }

func (e *expected) Request() client.Request {
	return client.Request{Reference: customer, Bank: "sandbox", ReturnTo: "done", ExpectedNationalID: gudrunID}
}

func (e *expected) BusinessCode() string { return "ERR_80102_110" }

func (e *expected) Agree(_ string, page client.Secret) client.Secret {
	e.t.Helper()
	return client.Secret(e.customersTrip(page).Query().Get("code"))
}

func (e *expected) Cancel(_ string, page client.Secret) {
	e.t.Helper()
	e.tripOf(page, sandbox.Customer{User: gudrun, Cancel: true})
}

func (e *expected) Stop(id string) {
	e.t.Helper()
	_, err := e.program.Service.Stop(e.t.Context(), consent.ID(id), consent.ByCustomer, consent.CauseStopped)
	must(e.t, err)
}

func (e *expected) Withdraw(string) { e.bank.Withdraw(gudrun, "consentd") }

func (e *expected) BankDown(down bool) {
	const many = 100
	e.bank.Fail(sandbox.EndpointToken, map[bool]int{true: many}[down], sandbox.Fault{Status: http.StatusServiceUnavailable})
}

func (e *expected) Advance(d time.Duration) { e.ahead.Add(int64(d)) }

func (e *expected) Settle() {
	e.t.Helper()
	must(e.t, e.program.Service.Settle(e.t.Context()))
	must(e.t, e.program.Service.Work(e.t.Context()))
}
