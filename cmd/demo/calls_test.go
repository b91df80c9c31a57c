package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

// TestTroubledCallsInBrowser plays the calls in which nobody has done anything
// wrong: a mail that bounced, a bank that was down, a grant that was lost in
// rotation, and a bank that refuses everybody. One day in the life of one
// desk: each call has a customer of its own.
func TestTroubledCallsInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"calls", 1280, 900, "light"})
	b.staffSignIn(w, "dagny")
	b.mailBounced(w)
	b.bankDown(w)
	b.rotationLost(w)
	b.bankRefusesEverybody(w)
}

func (b *browser) mailBounced(w *world) {
	b.t.Helper()
	p := w.connected(gudmundur)
	w.settle()
	p.press("Let the next mail bounce")
	w.pass(b.t, 60)
	b.lookUp(gudmundur, "customer-called", "mail-bounced")
	b.says("Works. Ends on", "in 30 days; the warning of", "was not delivered: there is no such mailbox.",
		"What to do: The customer does not know yet: copy the renewal link and pass it on.",
		"Mail about the end in 30 days not delivered to the customer: there is no such mailbox", "a warning, 14 days before the end")
	b.click(`nav a[href="/desk"]`, "given-up")
	b.says("Mails that were given up", "the end in 30 days")
	b.click(`form[action="/desk/resend"] button`, "")
	b.says("It will be tried again at once")
	w.settle()
	b.open(w.at.desk, "")
	b.lookUp(gudmundur, "", "mail-resent")
	b.says("mail delivered", "had a message sent again", "Mail about the end in 30 days delivered to the customer")
}

func (b *browser) bankDown(w *world) {
	b.t.Helper()
	p := w.connected(anna)
	p.press("Disturb the bank’s next refresh").press("Pay 10 ISK").sees("does not answer")
	b.open(w.at.desk, "")
	b.lookUp(anna, "customer-called", "bank-down")
	b.says("The permission stands, but Sandbox Bank did not answer the last refresh. Ends on", "in 90 days",
		"What to do: Nothing for the customer to do: it goes on by itself once the bank answers.",
		"When an app asks for a token, the bank is tried again.", "the last one failed", "gave the permission at the bank")
	b.click(`nav a[href="/overview"]`, "bank-down-overview")
	b.says("1\nrefresh failing", "no usable answer")
	b.click(`a[href="/?failing=1&all=1"]`, "failing")
	b.says("1 consent")
	w.redis.SetTime(time.Now().Add(time.Minute)) // consentd's rest is over
	p.press("Try again").sees("daily limit")
	b.open(w.at.desk, "")
	b.lookUp(anna, "", "bank-up")
	b.says("Works. Ends on", "Nothing to do.")
}

func (b *browser) rotationLost(w *world) {
	b.t.Helper()
	p := w.connected(gudrun).press("End the access token")
	w.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{LoseAnswer: true})
	p.press("Pay 10 ISK").sees("does not answer")
	w.redis.SetTime(time.Now().Add(2 * time.Minute))
	p.press("Try again").sees("Nothing was paid")
	b.open(w.at.desk, "")
	b.lookUp(gudrun, "customer-called", "rotation-lost")
	b.says("Lost on", "the bank’s answer to a refresh never reached us, and the bank refused the token that we still had. Most likely nobody withdrew anything.",
		"What to do: If the customer says that they withdrew it, that fits too. Send the link: connecting again is the only way back.",
		"Sandbox Bank ended the access: the answer to a refresh was lost, and the bank refused the old token", "Nothing. The record is kept")
}

// bankRefusesEverybody: one customer is refused in the same minute as ten
// others, whom another replica serves.
func (b *browser) bankRefusesEverybody(w *world) {
	b.t.Helper()
	p := w.connected(jon)
	w.settle()
	p.press("End the access token")
	w.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`})
	p.press("Pay 10 ISK").sees("Access was withdrawn")
	for n := range 10 {
		if _, err := w.consentd.Store.Refused(b.t.Context(), "sandbox", fmt.Sprintf("cns_%028d", n), w.stage.Now()); err != nil {
			b.t.Fatal(err)
		}
	}
	b.open(w.at.desk, "")
	b.lookUp(jon, "customer-called", "held")
	b.says("Held: Sandbox Bank refused it on", "together with many others, and is not believed. Nobody withdrew anything.",
		"What to do: Nothing for the customer to do: it comes back by itself within minutes.",
		"Within minutes: everything is as it was again", "Sandbox Bank ended the access: the bank no longer accepts it")
	w.stage.Pass(2 * time.Minute)
	w.settle()
	b.open(w.at.desk, "")
	b.lookUp(jon, "", "given-back")
	b.says("Works for now, but Sandbox Bank refuses many customers at once; none of its refusals is believed until that is over.",
		"Send nobody to the bank meanwhile.", "The bank’s refusal is not believed; everything is as it was", "a warning, 30 days before the end")
	b.click(`nav a[href="/desk"]`, "incident")
	b.says("Sandbox Bank refuses many customers at once, 11 since")
	b.fill(`input[name="other"]`, "the bank has put it right")
	b.click(`form[action="/desk/lift"] button`, "lifted")
	b.says("The incident is over", "when staff ended the incident")
	b.open(w.at.desk, "")
	b.lookUp(jon, "", "after-the-incident")
	b.says("Works. Ends on", "in 90 days")
}
