package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// accessLink is the path of a one-time link for the customer of an app.
func (w *world) accessLink(app, reference string) string {
	w.t.Helper()
	a, _ := w.service.App(app)
	link, err := w.service.AccessLink(w.t.Context(), a, token.Secret(reference), "en")
	w.check(err)
	return "/a/" + link.Secret.Reveal()
}

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

func TestAccessByLinkOfAnApp(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	other := w.lends()
	b := w.newBrowser()
	page := b.opens(w.accessLink("shop", "customer-canary-1"))
	page.says(t, "Access to your accounts", "Súpubúðin at Landsbankinn", "90 of 90 days left", "Make domestic payments from your accounts", "Given on",
		"Last used by Súpubúðin on", "Renew access", "Stop access", "You can also withdraw it in your online bank at Landsbankinn.",
		"Only what Súpubúðin has is shown here", "Sign in at Landsbankinn", "Sign out")
	page.saysNot(t, "Lender", other, gudrunID, "Guðrún", "customer-canary-1")
	for _, path := range []string{"/access/" + other + "/", "/access/" + other + "/stop"} {
		if r := b.get(path); r.status != http.StatusNotFound {
			t.Errorf("GET %s of another app = %d", path, r.status)
		}
	}
	for _, path := range []string{"/access/" + other + "/stop", "/access/" + other + "/renew", "/access/nothing/stop"} {
		if r := b.press(path); r.status != http.StatusNotFound {
			t.Errorf("POST %s of another app = %d", path, r.status)
		}
	}
	if got := w.call(w.otherKey, "GET", "/v1/consents/"+other, nil).str("status"); got != "valid" {
		t.Errorf("another app's access is %s", got)
	}
	empty := w.newBrowser().opens(w.accessLink("shop", "somebody-else"))
	empty.says(t, "Súpubúðin has no access to your accounts")
	empty.saysNot(t, id)
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

// session is the secret of the browser's session; empty when it has none.
func (b *browser) session() string {
	u, _ := url.Parse(b.w.url)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "access" {
			return c.Value
		}
	}
	return ""
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

func TestAccessFromAMail(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	other := w.lends()
	w.settle()
	mail := ""
	for _, e := range w.postman.told {
		if string(e.Consent.ID) == id {
			mail = "/m/" + e.Manage.Reveal()
		}
	}
	b := w.newBrowser()
	b.opened(mail).says(t, "See all access of Súpubúðin", `action="access"`)
	for range 10 {
		b.do("GET", mail+"/access")
		b.do("HEAD", mail+"/")
	}
	if b.session() != "" {
		t.Fatal("looking began a session")
	}
	page := b.follows(b.press(mail + "/access"))
	page.says(t, "Súpubúðin at Landsbankinn")
	page.saysNot(t, "Lender at", other)
	if r := b.press("/m/forged/access"); r.status != http.StatusGone && r.header.Get("Location") != "/m/forged/" {
		t.Errorf("a forged link = %d", r.status)
	}
	b.press(mail + "/stop")
	b.opened(mail).saysNot(t, `action="access"`)
	if r := b.press(mail + "/access"); r.header.Get("Location") != mail+"/" {
		t.Errorf("the mail of what was stopped leads to %q", r.header.Get("Location"))
	}
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

func TestAccessLinkOpensOnce(t *testing.T) {
	t.Parallel()
	w, _, _ := granted(t)
	link := w.accessLink("shop", "customer-canary-1")
	w.settle()
	before := w.redis.Dump()
	for range 10 { // as the scanners of mail servers do
		w.newBrowser().get(link)
		w.newBrowser().do("HEAD", link)
		w.newBrowser().get("/access")
	}
	if after := w.redis.Dump(); after != before {
		t.Error("looking has changed something")
	}
	b, other := w.newBrowser(), w.newBrowser()
	if r := b.press(link); r.status != http.StatusBadRequest {
		t.Errorf("a browser without a cookie = %d", r.status)
	}
	b.opens(link)
	other.get(link)
	if r := other.press(link); r.status != http.StatusConflict || other.session() != "" {
		t.Errorf("another browser = %d", r.status)
	}
	b.follows(b.press(link)) // pressed twice
	b.press("/access/sign-out")
	b.get(link)
	if r := b.press(link); r.status != http.StatusConflict {
		t.Errorf("after signing out the link = %d", r.status)
	}
	late := w.accessLink("shop", "customer-canary-1")
	b.get(late)
	w.pass(10 * time.Minute)
	for _, r := range []reply{b.get(late), b.press(late), b.get("/a/x"), b.press("/a/" + strings.Repeat("a", 43))} {
		if r.status != http.StatusGone {
			t.Errorf("a link that is gone = %d", r.status)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	opened := func() *browser {
		b := w.newBrowser()
		b.opens(w.accessLink("shop", "customer-canary-1"))
		return b
	}
	wantOver := func(name string, b *browser) {
		t.Helper()
		page := b.get("/access")
		page.says(t, "Show first that it is you")
		page.saysNot(t, id)
		if r := b.get("/access/" + id + "/"); r.header.Get("Location") != "/access" {
			t.Errorf("%s: page = %d", name, r.status)
		}
		for _, act := range []string{"stop", "renew"} {
			if r := b.press("/access/" + id + "/" + act); r.header.Get("Location") != "/access?after=end" {
				t.Errorf("%s: %s = %d %s", name, act, r.status, r.header.Get("Location"))
			}
		}
		b.get("/access?after=end").says(t, "so nothing has changed")
		if got := w.status(id); got != "valid" {
			t.Fatalf("%s: the access is %s", name, got)
		}
	}
	stranger := w.newBrowser()
	wantOver("a stranger", stranger)

	out := opened()
	secret := out.session()
	out.follows(out.press("/access/sign-out")).says(t, "You are signed out.")
	wantOver("signed out", out)
	if r := w.newBrowser().do("GET", "/access", "Cookie", "access="+secret); strings.Contains(r.text, id) {
		t.Error("the cookie of a session that was ended opens it")
	}

	idle := opened()
	w.pass(9 * time.Minute)
	idle.get("/access").says(t, id)
	w.pass(9 * time.Minute)
	idle.get("/access").says(t, id)
	w.pass(10 * time.Minute)
	wantOver("idle", idle)

	busy := opened()
	for range 7 {
		w.pass(4 * time.Minute)
		busy.get("/access").says(t, id)
	}
	w.pass(2 * time.Minute)
	wantOver("half an hour", busy)
}

func TestForgedSessionIsNeverAdopted(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	mine := strings.Repeat("f", 43)
	b := w.newBrowser()
	link := w.accessLink("shop", "customer-canary-1")
	b.get(link)
	r := b.do("POST", link, "Sec-Fetch-Site", "same-origin", "Origin", w.url, "Cookie", "browser="+b.secret()+"; access="+mine)
	if r.status != http.StatusSeeOther || b.session() == "" || b.session() == mine {
		t.Fatalf("the browser's own session was taken over: %d", r.status)
	}
	for _, cookie := range []string{mine, "x", "", strings.Repeat("a", 4000), "ended:x"} {
		if r := w.newBrowser().do("GET", "/access", "Cookie", "access="+cookie); r.status != http.StatusOK || strings.Contains(r.text, id) {
			t.Errorf("a forged cookie = %d", r.status)
		}
	}
	for _, key := range w.redis.Keys() {
		if strings.Contains(key, b.session()) || strings.Contains(key, strings.TrimPrefix(link, "/a/")) {
			t.Errorf("Redis has a secret in the clear: %s", key)
		}
	}
}

func TestAccessFormsWorkOnOurPagesOnly(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	b := w.newBrowser()
	b.opens(w.accessLink("shop", "customer-canary-1"))
	link := w.accessLink("shop", "customer-canary-1")
	for _, path := range []string{"/access/" + id + "/stop", "/access/" + id + "/renew", "/access/sign-in", "/access/sign-out", link} {
		for _, header := range [][]string{{}, {"Origin", "https://evil.test"}, {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, {"Origin", "null"}} {
			if r := b.do("POST", path, header...); r.status != http.StatusForbidden || r.header.Get("Location") != "" {
				t.Errorf("POST %s with %v = %d, want 403", path, header, r.status)
			}
		}
	}
	b.get("/access").says(t, id)
	if got := w.status(id); got != "valid" {
		t.Errorf("a foreign form made it %s", got)
	}
}

func TestAccessWhileRedisIsDown(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	b := w.newBrowser()
	link := w.accessLink("shop", "customer-canary-1")
	b.opens(link)
	at := "/access/" + id + "/"
	for name, look := range map[string]func() reply{
		"all":     func() reply { return b.get("/access") },
		"one":     func() reply { return b.get(at) },
		"stop":    func() reply { return b.press(at + "stop") },
		"renew":   func() reply { return b.press(at + "renew") },
		"link":    func() reply { return b.get(link) },
		"opening": func() reply { return b.press(link) },
		"leaving": func() reply { return b.press("/access/sign-out") },
		"sign-in": func() reply { return b.send("/access/sign-in", url.Values{"bank": {"sandbox"}}) },
	} {
		r := w.down(look)
		r.says(t, "Nothing is lost", `class="button" href="`)
		if r.status != http.StatusServiceUnavailable {
			t.Errorf("%s = %d", name, r.status)
		}
	}
	b.get("/access").says(t, id)
}

func TestAccessPagesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.browsers.Requests, s.browsers.Per, s.browsers.Burst = 2, time.Hour, 2 })
	b := w.newBrowser()
	for i := range 4 {
		if r := b.get("/access"); (r.status == http.StatusTooManyRequests) != (i >= 2) {
			t.Errorf("visit %d = %d", i, r.status)
		}
	}
	for _, path := range []string{"/access/x/", "/a/x"} {
		if r := b.get(path); r.status != http.StatusTooManyRequests {
			t.Errorf("GET %s = %d", path, r.status)
		}
	}
}

var pathSecrets = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)

// TestAccessPagesHoldNoSecret: neither their source nor their addresses.
func TestAccessPagesHoldNoSecret(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	b := w.newBrowser()
	link := w.accessLink("shop", "customer-canary-1")
	pages := map[string]reply{"link": b.get(link), "all": b.opens(link)}
	back := b.signsInFurther()
	b.get(back)
	for name, path := range map[string]string{"everything": "/access", "one": "/access/" + id + "/", "stop": "/access/" + id + "/stop"} {
		if pathSecrets.MatchString(path) {
			t.Errorf("%s: the address has a secret: %s", name, path)
		}
		pages[name] = b.get(path)
	}
	secrets := []string{strings.TrimPrefix(link, "/a/"), b.secret(), b.session(), gudrunID, gudrun, "Guðrún", "customer-canary-1"}
	for name, r := range pages {
		for _, secret := range append(secrets, "<script", " style=", "%!") {
			if secret == "" || strings.Contains(r.text, secret) {
				t.Errorf("%s: the page has %.10q", name, secret)
			}
		}
		if r.header.Get("Cache-Control") != "no-store" || !strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: headers = %v", name, r.header)
		}
	}
	for _, secret := range secrets {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %.10q", secret)
		}
	}
}

// signsInFurther signs in from a page that a link has opened.
func (b *browser) signsInFurther() string {
	b.w.t.Helper()
	away := b.send("/access/sign-in", url.Values{"bank": {"sandbox"}})
	return b.get(b.atBank(away.header.Get("Location"), sandbox.Customer{User: gudrun})).header.Get("Location")
}

func TestAccessCookieIsHardened(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.public = "https://consentd.test" })
	b := w.newBrowser()
	link := w.accessLink("shop", "customer-1")
	first := b.get(link).header.Get("Set-Cookie")
	value, _, _ := strings.Cut(first, ";")
	r := b.do("POST", link, "Sec-Fetch-Site", "same-origin", "Origin", "https://consentd.test", "Cookie", value)
	cookie := r.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-access=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=1800"} {
		if !strings.Contains(cookie, part) || strings.Contains(cookie, "Domain") {
			t.Errorf("cookie = %q lacks %s", cookie, part)
		}
	}
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

func TestAccessLinkThatCannotBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []object{{}, {"customer_reference": ""}, {"customer_reference": "a", "language": "de"}, {"customer_reference": "a", "bank": "sandbox"},
		{"customer_reference": strings.Repeat("é", 128)}} {
		w.call(w.key, "POST", "/v1/access-links", body).wants(t, http.StatusUnprocessableEntity, "invalid-request")
	}
	w.down(func() reply { return w.call(w.key, "POST", "/v1/access-links", object{"customer_reference": "a"}) }).wants(t, http.StatusServiceUnavailable, "store-unavailable")
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
