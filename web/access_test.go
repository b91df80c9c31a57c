package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

// opens uses a link, and returns the page that it leads to.
func (b *browser) opens(link string) reply {
	b.w.t.Helper()
	b.get(link).says(b.w.t, "Show my access", "Only continue if you yourself came here from")
	return b.follows(b.press(link))
}

// follows goes where an answer leads, to My access.
func (b *browser) follows(r reply) reply {
	b.w.t.Helper()
	if to := r.header.Get("Location"); r.status != http.StatusSeeOther || !strings.HasPrefix(to, "/access") || r.header.Get("Referrer-Policy") != "no-referrer" {
		b.w.t.Fatalf("answer = %d %q\n%s", r.status, to, r.text)
	}
	return b.get(r.header.Get("Location"))
}

// signsIn goes to the bank and back, and returns the address of the result.
func (b *browser) signsIn(c sandbox.Customer) string {
	b.w.t.Helper()
	in := b.get("/access")
	in.says(b.w.t, "Sign in at Landsbankinn", `action="/access/sign-in"`)
	if got := in.header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' "+issuer+";") {
		b.w.t.Errorf("the page's policy keeps the browser from the bank: %s", got)
	}
	away := b.send("/access/sign-in", url.Values{"bank": {"sandbox"}})
	if away.status != http.StatusSeeOther || !strings.HasPrefix(away.header.Get("Location"), issuer) {
		b.w.t.Fatalf("sign-in = %d %s", away.status, away.text)
	}
	r := b.get(b.atBank(away.header.Get("Location"), c))
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), "/back/") {
		b.w.t.Fatalf("callback = %d %s", r.status, r.text)
	}
	return r.header.Get("Location")
}

// send submits a form of our own page.
func (b *browser) send(path string, form url.Values) reply {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), "POST", b.w.url+path, strings.NewReader(form.Encode()))
	b.w.check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", b.w.url)
	return b.w.send(b.client, r)
}

// lends grants the other app access, for its own customer of the same name.
func (w *world) lends() string {
	w.t.Helper()
	r := w.call(w.otherKey, "POST", "/v1/consents", object{"customer_reference": "customer-canary-1", "bank": "sandbox", "return_to": "done", "expected_national_id": gudrunID})
	w.newBrowser().visit(strings.TrimPrefix(r.str("page_url"), w.url), sandbox.Customer{User: gudrun})
	return r.str("id")
}

func (r reply) saysNot(t testing.TB, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(r.text, word) {
			t.Errorf("the page has %q:\n%s", word, r.text)
		}
	}
}

func TestAccessByASignInAtTheBank(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	other := w.lends()
	b := w.newBrowser()
	b.opens(w.accessLink("shop", "customer-canary-1"))
	before := b.session()
	back := b.signsIn(sandbox.Customer{User: gudrun})
	page := b.follows(b.get(back))
	page.says(t, "These are all the apps", "You signed in at Landsbankinn", "Súpubúðin at Landsbankinn", "Lender at Landsbankinn", id, other)
	page.saysNot(t, gudrunID, "Guðrún", gudrun, "customer-canary-1", "Sign in at Landsbankinn")
	if after := b.session(); after == "" || after == before {
		t.Errorf("the session is known by the same name after the sign-in")
	}
	if r := w.newBrowser().do("GET", "/access", "Cookie", "access="+before); strings.Contains(r.text, id) {
		t.Error("the session from before the sign-in still opens")
	}
	if r := w.newBrowser().get(back); r.status != http.StatusForbidden {
		t.Errorf("another browser comes back = %d", r.status)
	}
	if r := b.get(back + "/return"); r.header.Get("Location") != "/access" {
		t.Errorf("return of a sign-in = %d %s", r.status, r.header.Get("Location"))
	}
	if r := b.press(back + "/retry"); r.status != http.StatusGone {
		t.Errorf("retry of a sign-in = %d", r.status)
	}
	w.settle()
	if n := w.bank.Withdraw(gudrun, "consentd"); n != 2 {
		t.Errorf("%d grants at the bank, want those of the two apps", n)
	}
}

func TestSignInThatComesToNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do    sandbox.Customer
		fault *sandbox.Fault
		says  string
	}{
		"cancelled":   {do: sandbox.Customer{User: gudrun, Cancel: true}, says: "You did not sign in"},
		"nobody":      {do: sandbox.Customer{User: kristin}, says: "There is nothing about you here"},
		"bank down":   {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 503}, says: "Landsbankinn does not answer now"},
		"bank's word": {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, says: "The sign-in did not work"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _, id := granted(t)
			b := w.newBrowser()
			if test.fault != nil {
				w.bank.Fail(sandbox.EndpointToken, 1, *test.fault)
			}
			back := b.signsIn(test.do)
			for range 2 {
				page := b.get(back)
				page.says(t, test.says, `href="/access"`)
				page.saysNot(t, id)
			}
			if b.session() != "" {
				t.Error("a session began")
			}
		})
	}
	t.Run("no way to the bank", func(t *testing.T) {
		t.Parallel()
		w, b := newWorld(t), (*browser)(nil)
		b = w.newBrowser()
		b.get("/access")
		w.bank.Fail(sandbox.EndpointDiscovery, 100, sandbox.Fault{Status: 503})
		r := b.send("/access/sign-in", url.Values{"bank": {"sandbox"}})
		r.says(t, "The bank does not answer", `href="../access"`)
	})
	t.Run("no such bank", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(s *settings) { s.bank.SignIn = false })
		b := w.newBrowser()
		page := b.get("/access")
		page.says(t, "Come by a link")
		page.saysNot(t, "Sign in at your bank")
		b.get(w.accessLink("shop", "x")) // which marks the browser
		for _, bank := range []string{"sandbox", "nowhere", ""} {
			if r := b.send("/access/sign-in", url.Values{"bank": {bank}}); r.status != http.StatusNotFound {
				t.Errorf("sign-in at %q = %d", bank, r.status)
			}
		}
	})
}

func TestStopAndRenewInMyAccess(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	b := w.newBrowser()
	b.opens(w.accessLink("shop", "customer-canary-1"))
	at := "/access/" + id + "/"
	if r := b.get("/access/" + id); r.header.Get("Location") != at {
		t.Errorf("without a slash = %d %s", r.status, r.header.Get("Location"))
	}
	b.get(at).says(t, "Your access: Súpubúðin at Landsbankinn", "What has happened", "Súpubúðin asked for the access", "You gave the permission at Landsbankinn", "See all")
	fresh := b.press(at + "renew")
	if !strings.HasPrefix(fresh.header.Get("Location"), "/c/") {
		t.Fatalf("renew = %d %s", fresh.status, fresh.text)
	}
	b.get(b.visit(fresh.header.Get("Location"), sandbox.Customer{User: gudrun})).says(t, "Access renewed")
	w.settle() // the bank is told of the grant that was replaced
	w.call(w.key, "GET", "/v1/consents/"+id+"/proof", nil).says(t, "bank_told")
	renewed := b.get(at)
	renewed.says(t, "You renewed the permission")
	renewed.saysNot(t, "Landsbankinn confirmed that the access is over")
	w.pass(time.Minute)
	b.get(at+"stop").says(t, "Stop the access of Súpubúðin at Landsbankinn?", "Payments through Súpubúðin will no longer work.", "Keep access")
	if got := w.status(id); got != "valid" {
		t.Fatalf("looking has made it %s", got)
	}
	for range 2 {
		if r := b.press(at + "stop"); r.status != http.StatusSeeOther || r.header.Get("Location") != "/access/"+id+"/" && r.header.Get("Location") != at {
			t.Fatalf("stop = %d %s", r.status, r.text)
		}
	}
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusGone, "consent-revoked")
	w.settle()
	stopped := b.get(at)
	stopped.says(t, "Access stopped", "you stopped the access of Súpubúðin", "Landsbankinn has confirmed that the access is over", "You renewed the permission", "You stopped the access")
	stopped.saysNot(t, `action="renew"`)
	if told := strings.Count(stopped.text, "Landsbankinn confirmed that the access is over"); told != 1 {
		t.Errorf("the history says %d times that the bank confirmed the end", told)
	}
	b.get("/access").says(t, "What has ended", "You stopped it on")
	if r := b.press(at + "renew"); r.header.Get("Location") != at {
		t.Errorf("renewing what was stopped = %d %s", r.status, r.header.Get("Location"))
	}
	if r := b.get(at + "stop"); r.header.Get("Location") != at {
		t.Errorf("stop page of what was stopped = %d %s", r.status, r.header.Get("Location"))
	}
}

func TestEndedAccess(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(91 * day)
	b := w.newBrowser()
	page := b.opens(w.accessLink("shop", "customer-canary-1"))
	page.says(t, "What has ended", "Its last day was")
	page.saysNot(t, "days left")
	b.get("/access/"+id+"/").says(t, "The access has ended", "Connect again", "See all")
	again := b.press("/access/" + id + "/renew")
	b.get(again.header.Get("Location")).says(t, "Connect Landsbankinn to Súpubúðin again?")
}

func TestErasedCustomerHasNothing(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	b := w.newBrowser()
	b.opens(w.accessLink("shop", "customer-canary-1")).says(t, id)
	w.call(w.key, "POST", "/v1/erasures", object{"customer_reference": "customer-canary-1"})
	b.get("/access").says(t, "has no access to your accounts")
	b.get(b.signsIn(sandbox.Customer{User: gudrun})).says(t, "There is nothing about you here")
}

func TestAccessSpeaksTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	b := w.newBrowser()
	link := w.call(w.key, "POST", "/v1/access-links", object{"customer_reference": "customer-canary-1", "language": "is"})
	page := strings.TrimPrefix(link.str("page_url"), w.url)
	if link.status != http.StatusOK || !strings.HasPrefix(page, "/a/") || link.str("page_expires_at") == "" {
		t.Fatalf("POST /v1/access-links = %d %s", link.status, link.text)
	}
	b.get(page).speaks(t, "is")
	b.press(page)
	b.get("/access").speaks(t, "is")
	b.get("/access?lang=sv").speaks(t, "sv")
	b.get("/access/"+id+"/").speaks(t, "sv")
}
