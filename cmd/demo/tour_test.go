package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/consentd/consentd/sandbox"
)

// The tours lead past every page that a customer can see, and past those of
// the demonstration. Each page is inspected where it has a name: to add one,
// open it with a name. TestMain fails when a template was passed by.

// TestCustomerInBrowser plays the customer from the payment service's page to
// the paid result.
func TestCustomerInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"customer", 1280, 900, "light"})
	b.open(w.at.shop, "who")
	b.click(`button[value="JONGUNARS"]`, "home-unconnected")
	b.click(`form[action="/connect"] button`, "ask")
	b.click(`form.steps button`, "bank-login")
	b.fill(`#username`, jon)
	b.fill(`#password`, "any")
	b.click(`button[value="login"]`, "bank-permissions")
	b.click(`button[value="approve"]`, "back-one-step-left")
	b.click(`.steps a.button`, "home-connected")
	b.says("Connected", "90 of 90 days left")
	b.click(`form[action="/pay"] button`, "paid")
	b.says("Paid 10 ISK to Guðrún", "ACCC")
	b.press(`summary`)
	b.picture("paid-details")
	b.click(`.steps a.button`, "home-after")
	b.click(`form[action="/connect"] button`, "ask-just-connected")
	b.says("already connected")
	b.open(w.at.shop, "")
	b.click(`form[action="/stage/token"] button`, "token-ended")
	b.click(`form[action="/pay"] button`, "paid-again")
	b.says("Paid 10 ISK to Guðrún", "refreshed at the bank")
	if n := w.bank.Refreshes(); n != 1 {
		t.Errorf("refreshes = %d, want 1", n)
	}
	b.open(w.at.bank, "bank")
	b.open(w.at.bank+"/onlinebank", "online-bank")
	b.click(`form[action$="/withdraw"] button`, "online-bank-withdrawn")
	b.click(`form[action$="/logout"] button`, "online-bank-login")
}

// TestFailuresInBrowser shows what a customer sees when it does not work.
func TestFailuresInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"trouble", 390, 844, "light"})
	b.connect(w, anna, anna)
	b.click(`button[value="approve"]`, "")
	b.click(`.steps a.button`, "")
	b.click(`form[action="/pay"] button`, "daily-limit")
	b.says("daily limit")
	b.click(`.steps a.button`, "")
	b.click(`form[action="/stage/refresh"] button`, "")
	b.click(`form[action="/pay"] button`, "bank-away")
	b.says("does not answer", "Try again")
	b.open(w.at.shop, "")
	b.click(`form[action="/stage/month"] button`, "sixty-days")
	b.click(`form[action="/stage/month"] button`, "")
	b.click(`form[action="/stage/month"] button`, "lapsed")
	b.click(`form[action="/pay"] button`, "lapsed-pay")
	b.click(`form[action="/connect"] button`, "ask-again")
	b.open(w.at.shop, "")
	b.click(`form[action="/leave"] button`, "")
	b.connect(w, jon, gudrun)
	b.click(`button[value="approve"]`, "back-wrong-person")
	b.says("That was somebody else")
	b.click(`.steps a.quiet`, "rejected")
	b.open(w.at.shop+"/bank/done?consent_id=cns_x&code=y", "foreign")
}

// TestEndingsInBrowser comes back from the bank in every way that it has.
func TestEndingsInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"endings", 390, 844, "light"})
	b.open(w.at.shop, "")
	b.click(`button[value="`+jon+`"]`, "")
	b.press(`#expect`)
	b.click(`form[action="/connect"] button`, "")
	b.click(`form.steps button`, "")
	b.click(`button[value="cancel"]`, "back-cancelled")
	b.click(`form[action$="/retry"] button`, "")
	b.click(`form.steps button`, "")
	b.logIn(jon)
	b.press(`#scope-payments`)
	b.click(`button[value="approve"]`, "back-left-out")
	for name, fault := range map[string]sandbox.Fault{
		"back-bank-down": {Status: http.StatusServiceUnavailable},
		"back-failed":    {Status: http.StatusBadRequest, Body: `{"error":"invalid_grant"}`},
	} {
		w.bank.Fail(sandbox.EndpointToken, 1, fault)
		b.again(name)
	}
	w.bank.Narrow(jon, "openid", "payments")
	b.again("back-nobody")
	w.bank.Narrow(jon)
	b.again("back-connected")
	b.says("is connected")
}

// again goes from a result that was none through the bank, as Jón.
func (b *browser) again(name string) {
	b.t.Helper()
	b.click(`form[action$="/retry"] button`, "")
	b.signIn()
	b.picture(name)
}

// connect goes from the shop to the bank's permissions: a customer of the
// shop, who signs in at the bank as somebody.
func (b *browser) connect(w *world, user, as string) {
	b.t.Helper()
	b.open(w.at.shop, "")
	b.click(`button[value="`+user+`"]`, "")
	if as != user {
		b.press(`#expect`)
	}
	b.click(`form[action="/connect"] button`, "")
	b.click(`form.steps button`, "")
	b.logIn(as)
}

// TestNinetyDaysInBrowser lets the months pass: the warning, the mail, the
// renewal, the end, and the way to stop it all.
func TestNinetyDaysInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"months", 390, 844, "light"})
	b.open(w.at.shop, "")
	b.click(`button[value="JONGUNARS"]`, "")
	b.press(`#expect`)
	b.click(`form[action="/connect"] button`, "")
	b.signIn()
	b.click(`.steps a.button`, "")
	b.click(`form[action="/stage/month"] button`, "thirty-days")
	b.says("60 of 90 days left")
	b.click(`form[action="/stage/month"] button`, "sixty-days")
	b.says("30 of 90 days left", "ends in 30 days")
	b.click(`nav a`, "inbox")
	b.says("ends in 30 days, on")
	b.click(`article:first-of-type a[href$="/reminders"]`, "reminders")
	b.click(`form.steps button`, "reminders-off")
	b.says("Reminders are off")
	b.click(`form.steps button`, "manage")
	b.says("Your access", "30 of 90 days left", "Stop access")
	b.click(`form[action="renew"] button`, "ask-renew")
	b.signIn()
	b.says("Access renewed", "90 of 90 days left")
	b.picture("back-renewed")
	b.click(`.steps a.button`, "home-renewed")
	b.says("Renewed", "90 of 90 days left")
	b.click(`nav a`, "")
	b.click(`article:nth-of-type(2) a[href*="/m/"]`, "manage-used")
	b.says("Already renewed")
	b.open(w.at.shop, "")
	b.click(`form[action="/stage/eve"] button`, "eve")
	b.says("1 of 90 days left")
	b.click(`nav a`, "")
	b.click(`article:first-of-type a[href*="/m/"]`, "manage-eve")
	b.click(`a[href="stop"]`, "stop")
	b.says("will no longer work", "on its last day")
	b.click(`button.danger`, "stopped")
	b.says("Access stopped", "you stopped")
	w.settle()
	b.open(w.at.shop, "home-stopped")
	b.says("Access was stopped", "You stopped the permission")
	b.click(`nav a`, "inbox-stopped")
	b.click(`article:nth-of-type(2) a[href*="/m/"]`, "stopped-confirmed")
	b.says("has confirmed")
	b.letters(w)
}

// TestEndedMailsInBrowser opens the mails about an access that ended without
// the customer, and where they lead.
func TestEndedMailsInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected(jon)
	w.settle()
	w.pass(t, 91)
	refused := w.connected(gudrun)
	w.settle()
	w.bank.Withdraw(gudrun, "")
	refused.press("End the access token").press("Pay 10 ISK").sees("Access was withdrawn")
	w.settle()
	b := newBrowser(t, look{"ended", 390, 844, "light"})
	b.open(w.at.shop+"/inbox", "")
	b.click(`article:nth-of-type(1) a[href*="/m/"]`, "manage-refused")
	b.says("no longer lets")
	b.open(w.at.shop+"/inbox", "")
	b.click(`article:nth-of-type(3) a[href*="/m/"]`, "manage-lapsed")
	b.says("The access has ended")
	b.letters(w)
}

// letters inspects the mails that have come, as a mail program shows them.
func (b *browser) letters(w *world) {
	b.t.Helper()
	b.open(w.at.shop+"/inbox", "")
	for i := range evaluate[int](b, `document.querySelectorAll("article").length`) {
		b.letter(fmt.Sprintf("mail-%d", i+1), w.letter(fmt.Sprintf("%s/inbox/%d", w.at.shop, i+1)))
	}
}

// letter inspects a mail. The site's policy for it would keep axe out, which
// is why it is shown on a page of nobody's.
func (b *browser) letter(name, html string) {
	b.t.Helper()
	b.do("blank", chromedp.Navigate("about:blank"))
	frames, err := chromedp.Call(b.ctx, page.GetFrameTree, cdp.Empty{})
	if err == nil {
		_, err = chromedp.Call(b.ctx, page.SetDocumentContent, page.SetDocumentContentParams{FrameID: frames.FrameTree.Frame.ID, HTML: html})
	}
	if err != nil {
		b.t.Fatalf("show %s: %v", name, err)
	}
	b.axeRules = `{"page-has-heading-one": {enabled: false}}` // its subject is its heading
	b.picture(name)
	b.axeRules = ""
}

// letter is the HTML of a message in the inbox, by its address there.
func (w *world) letter(address string) string {
	w.t.Helper()
	res, err := http.Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	html, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(html)
}

// TestStraysInBrowser: addresses that lead nowhere, and a day on which our
// storage is away.
func TestStraysInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"strays", 390, 844, "light"})
	for name, path := range map[string]string{
		"front": "/", "problems": "/problems", "problem": "/problems/consent-expired", "link-gone": "/c/nothing", "mail-link-gone": "/m/nothing/",
		"trip-gone": "/back/nothing", "nothing-here": "/nowhere", "forged": "/callback/sandbox?state=a&state=b",
	} {
		b.open(w.at.consentd+path, name)
	}
	b.open(w.at.consentd+"/access", "access-way-in")
	b.click(`form[action="/access/sign-in"] button`, "")
	b.click(`button[value="cancel"]`, "access-cancelled")
	b.open(w.at.consentd+"/access", "")
	b.click(`form[action="/access/sign-in"] button`, "")
	b.logIn(gudrun)
	b.click(`button[value="approve"]`, "access-nobody")
	b.open(w.at.shop+"/nowhere", "shop-nothing-here")
	b.open(w.at.bank+"/nowhere", "bank-nothing-here")
	b.open(w.at.company+"/authorize", "company-refuses")
	b.open(w.at.desk, "")
	b.click(`form.steps button`, "company-sign-in")
	b.open(w.at.shop, "")
	b.click(`button[value="JONGUNARS"]`, "")
	b.click(`form[action="/connect"] button`, "")
	link := b.address()
	other := newBrowser(t, look{"strays-other", 390, 844, "light"})
	other.open(link, "")
	other.click(`form.steps button`, "")
	b.click(`form.steps button`, "link-used")
	b.says("open elsewhere")
	w.redis.SetError("LOADING")
	b.open(link, "storage-away")
	b.says("One moment")
	w.redis.SetError("")
}

// signIn goes from consentd's page through the bank, as Jón.
func (b *browser) signIn() {
	b.t.Helper()
	b.click(`form.steps button`, "")
	b.logIn(jon)
	b.click(`button[value="approve"]`, "")
}

// logIn tells the bank who is there, where it does not know.
func (b *browser) logIn(user string) {
	b.t.Helper()
	if !strings.Contains(b.text(), "Password") {
		return
	}
	b.fill(`#username`, user)
	b.fill(`#password`, "any")
	b.click(`button[value="login"]`, "")
}
