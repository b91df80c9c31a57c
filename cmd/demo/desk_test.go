package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// staffSignIn goes from the desk's door through the company's sign-in.
func (b *browser) staffSignIn(w *world, subject string) {
	b.t.Helper()
	b.open(w.at.desk, "")
	b.click(`form.steps button`, "")
	b.click(`main button[value="`+subject+`"]`, "")
}

// lookUp finds a customer of Fika Pay and says why.
func (b *browser) lookUp(customer, why, name string) {
	b.t.Helper()
	b.fill(`#what`, customer)
	b.click(`form.box button`, "")
	if why != "" {
		b.click(`button[value="`+why+`"]`, "")
	}
	if name != "" {
		b.picture(name)
	}
}

// TestSupportInBrowser plays calls as support answers them.
func TestSupportInBrowser(t *testing.T) {
	t.Parallel()
	for _, l := range []look{{"desk", 1280, 900, "light"}} {
		t.Run(l.name, func(t *testing.T) {
			w := newWorld(t)
			w.connected(jon)
			w.settle()
			b := newBrowser(t, l)
			b.open(w.at.desk, "door")
			b.staffSignIn(w, "audur")
			b.says("Find", "Auður", "support")
			b.picture("find")
			b.lookUp(jon, "", "why")
			b.says("Why do you look")
			b.click(`button[value="customer-called"]`, "works")
			b.says("Works.", "in 90 days", "Nothing to do", "gave the permission at the bank", "-····", "looked at this")
			w.pass(t, 30)
			w.pass(t, 30)
			b.open(w.at.desk, "")
			b.lookUp(jon, "", "warned")
			b.says("in 30 days", "warned on", "mail delivered", "Offer the renewal link")
			b.click(`.acts form:nth-of-type(2) button`, "link")
			b.says("Give this link")
			b.click(`.steps a.button`, "")
			w.pass(t, 31)
			b.open(w.at.desk, "")
			b.lookUp(jon, "", "lapsed")
			b.says("its time was over and nobody renewed it; warned on", "Send the link: the customer connects again at the bank",
				"The time was over; the tokens are deleted", "Mail about the end within a day delivered to the customer", "Nothing. The record is kept")
			b.click(`nav a[href="/overview"]`, "overview")
			b.click(`nav a[href="/desk"]`, "incidents")
			b.open(w.at.desk+"/?all=1", "all")
			b.says("1 consent")
			b.click(`.me button`, "signed-out")
			b.says("Sign in with your company account")
		})
	}
}

// TestHardCallsInBrowser: withdrawn at the bank, wrong person, and a stop.
func TestHardCallsInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	b := newBrowser(t, look{"hard", 1280, 900, "light"})
	b.staffSignIn(w, "dagny")
	w.bank.Withdraw(jon, "")
	p.press("End the access token").press("Pay 10 ISK").sees("Access was withdrawn")
	b.lookUp(jon, "customer-called", "withdrawn")
	b.says("withdrawn at the bank, usually by the customer", "Ask whether the customer withdrew it",
		"Sandbox Bank ended the access: the bank no longer accepts it", "Nothing. The record is kept")

	w.signedIn(anna).press("Connect your bank", "expect", "1").throughBank(gudrun).sees("somebody else")
	b.open(w.at.desk, "")
	b.lookUp(anna, "customer-called", "wrong-person")
	b.says("somebody else than the customer of Fika Pay signed in at the bank", "The customer must sign in at the bank as themselves",
		"Refused: somebody else signed in at the bank", "Nothing. The record is kept")

	w.connected(gudrun)
	w.settle()
	b.open(w.at.desk, "")
	b.lookUp(gudrun, "customer-called", "to-stop")
	b.click(`.acts a.danger`, "stop")
	b.says("Stop Fika Pay’s access to Sandbox Bank?", "will no longer work")
	b.press(`#reason-0`)
	b.click(`button.danger`, "stopped")
	b.says("Stopped", "dagny", "customer-asked")
	b.click(`nav a[href="/audit"]`, "audit")
	b.says("sign_in", "see", "stop", "customer-called")
}

// TestRolesInBrowser: each role sees what it may do.
func TestRolesInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected(jon)
	for subject, may := range map[string]struct{ acts, audit bool }{"audur": {true, false}, "bjorn": {false, true}, "dagny": {true, true}} {
		b := newBrowser(t, look{"role-" + subject, 1280, 900, "light"})
		b.staffSignIn(w, subject)
		b.lookUp(jon, "customer-called", "consent")
		b.has(`.acts button`, may.acts)
		b.has(`nav a[href="/audit"]`, may.audit)
	}
	b := newBrowser(t, look{"role-none", 1280, 900, "light"})
	b.staffSignIn(w, "egill")
	b.says("No access", "in no group")
	b.picture("no-access")
}

// has fails the test unless the page has an element, or has not.
func (b *browser) has(selector string, want bool) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.querySelector(`+"`"+selector+"`"+`) !== null`))
	if err != nil || got != want {
		b.t.Errorf("page has %s: %t, %v, want %t\n%s", selector, got, err, want, b.text())
	}
}

// pass lets days go by.
func (w *world) pass(t *testing.T, days int) {
	t.Helper()
	if err := w.stage.Jump(t.Context(), clockDays(days)); err != nil {
		t.Fatal(err)
	}
}

func clockDays(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// TestSignedOutAtTheCompany: whoever signs out there is signed out of the desk.
func TestSignedOutAtTheCompany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.person().open(w.at.desk).press("Sign in with your company account").press("Auður").sees("Find", "Overview")
	p.open(w.at.company + "/logout").sees("You are signed out")
	p.open(w.at.desk + "/overview").sees("Sign in with your company account")
}

// TestDeskIsApart: customers' host has no page of the desk, and the desk none
// of theirs.
func TestDeskIsApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, address := range []string{w.at.consentd + "/sign-in", w.at.consentd + "/overview", w.at.consentd + "/audit", w.at.desk + "/v1/consents/x", w.at.desk + "/c/x", w.at.desk + "/m/x/"} {
		if p := w.person().open(address); p.status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", address, p.status)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.at.desk+"/sign-in", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = strings.TrimPrefix(w.at.consentd, "http://")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("the desk under the customers’ name = %d, want 421", res.StatusCode)
	}
	w.person().open(w.at.shop).follow("Support desk").sees("Sign in with your company account")
}
