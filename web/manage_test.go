package web_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

const day = 24 * time.Hour

// postman keeps the links of the mails that customers get.
type postman struct {
	mu   sync.Mutex
	told []consent.Event
}

func (p *postman) Channel() string            { return consent.ChannelMail }
func (p *postman) Reaches(consent.Event) bool { return true }
func (p *postman) Notify(_ context.Context, e consent.Event) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, e)
	return nil
}

// mail does what is due and returns the path of the newest mail's link.
func (w *world) mail() string {
	w.t.Helper()
	w.settle()
	w.postman.mu.Lock()
	defer w.postman.mu.Unlock()
	if len(w.postman.told) == 0 {
		w.t.Fatal("no mail has come")
	}
	return "/m/" + w.postman.told[len(w.postman.told)-1].Manage.Reveal()
}

// opened follows the link of a mail to its page.
func (b *browser) opened(mail string) reply {
	b.w.t.Helper()
	r := b.get(mail)
	if r.status != http.StatusSeeOther || r.header.Get("Location") != mail+"/" || r.header.Get("Referrer-Policy") != "no-referrer" {
		b.w.t.Fatalf("GET /m/… = %d, want a redirect to the page below it", r.status)
	}
	return b.get(mail + "/")
}

// settle does what is due and waits for what the service does in the
// background. Work that waits for a bank that is down is left to wait.
func (w *world) settle() {
	w.t.Helper()
	w.check(w.service.Settle(w.t.Context()))
	w.check(w.service.Work(w.t.Context()))
}

func TestRenewFromAMail(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(84 * day)
	mail := w.mail()
	b := w.newBrowser() // another day, another browser
	page := b.opened(mail)
	page.says(t, "Your access: Súpubúðin at Landsbankinn", "Works until", "6 of 90 days left", "Make domestic payments", "Renew access", "Stop access",
		`action="renew"`, `href="stop"`)
	for range 10 { // as the scanners of mail servers do
		b.do("HEAD", mail)
		b.do("GET", mail+"/")
		b.do("HEAD", mail+"/")
		b.do("GET", mail+"/stop")
		b.do("GET", mail+"/renew")
	}
	if got := w.call(w.key, "GET", "/v1/consents/"+id, nil); got.str("status") != "valid" || got.json["renewals"] != 0.0 {
		t.Fatalf("looking has changed it: %s", got.text)
	}
	fresh := b.press(mail + "/renew")
	if !strings.HasPrefix(fresh.header.Get("Location"), "/c/") || fresh.status != http.StatusSeeOther {
		t.Fatalf("renew = %d %s", fresh.status, fresh.text)
	}
	b.get(b.visit(fresh.header.Get("Location"), sandbox.Customer{User: gudrun})).says(t, "Access renewed")
	if got := w.call(w.key, "GET", "/v1/consents/"+id, nil); got.json["renewals"] != 1.0 || got.json["days_left"] != 90.0 {
		t.Errorf("renewed = %s", got.text)
	}
	used := b.opened(mail)
	used.says(t, "Already renewed", "There is nothing to do", "90 of 90 days left", "Go to Súpubúðin", `href="https://shop.test/"`)
	if strings.Contains(used.text, `action="renew"`) || strings.Contains(used.text, `href="stop"`) {
		t.Error("a link that was used offers to act")
	}
	if r := b.press(mail + "/stop"); r.header.Get("Location") != mail+"/" {
		t.Errorf("stop by a used link = %d %s", r.status, r.header.Get("Location"))
	}
	if got := w.call(w.key, "GET", "/v1/consents/"+id, nil); got.str("status") != "valid" {
		t.Errorf("a used link has stopped it: %s", got.text)
	}
	if r := b.press(mail + "/renew"); r.header.Get("Location") != mail+"/" {
		t.Errorf("a link that was used renews again: %d %s", r.status, r.header.Get("Location"))
	}
}

func TestStopFromAMail(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	mail := w.mail()
	b := w.newBrowser()
	b.get(mail+"/stop").says(t, "Stop the access of Súpubúðin at Landsbankinn?", "Payments through Súpubúðin will no longer work.", "90 days before its time", "Keep access")
	if got := w.status(id); got != "valid" {
		t.Fatalf("after looking the consent is %s", got)
	}
	for range 2 { // a button is pressed twice
		if r := b.press(mail + "/stop"); r.status != http.StatusSeeOther || r.header.Get("Location") != mail+"/" {
			t.Fatalf("stop = %d %s", r.status, r.text)
		}
	}
	w.mail() // and the bank is told
	b.opened(mail).says(t, "Access stopped", "you stopped the access of Súpubúðin", "Landsbankinn has confirmed that the access is over", "Start in Súpubúðin")
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusGone, "consent-revoked")
	got := w.call(w.key, "GET", "/v1/consents/"+id, nil)
	cause, _ := got.json["cause"].(map[string]any)
	if got.str("status") != "revokedByPsu" || cause["actor"] != "customer" || got.str("bank_told") != "confirmed" || got.str("ended_at") == "" {
		t.Errorf("stopped = %s", got.text)
	}
	for _, path := range []string{"/stop", "/renew"} {
		if r := b.press(mail + path); r.header.Get("Location") != mail+"/" {
			t.Errorf("POST …%s of a stopped access = %d %s", path, r.status, r.text)
		}
	}
	if r := b.get(mail + "/stop"); r.header.Get("Location") != mail+"/" {
		t.Errorf("GET …/stop of a stopped access = %d", r.status)
	}
}

func TestStoppedWhileTheBankIsDown(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	mail := w.mail()
	w.bank.Fail(sandbox.EndpointRevoke, 100, sandbox.Fault{Status: 503})
	b := w.newBrowser()
	b.press(mail + "/stop")
	b.opened(mail).says(t, "Access stopped", "We are telling Landsbankinn now", "You can also withdraw it in your online bank at Landsbankinn.", "Check again")
	if got := w.call(w.key, "GET", "/v1/consents/"+id, nil); got.json["bank_told"] != "" {
		t.Errorf("stopped = %s", got.text)
	}
	for range 10 {
		w.mail()
		w.pass(day)
	}
	b.opened(mail).says(t, "Landsbankinn did not confirm it", "withdraw it in your online bank")
}

// TestStoppedAfterTheBankHadEndedIt: nobody waits for what the bank knows.
func TestStoppedAfterTheBankHadEndedIt(t *testing.T) {
	t.Parallel()
	w, b, id := granted(t)
	mail := w.mail()
	w.bank.Withdraw(gudrun, "")
	w.pass(10 * time.Minute)
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusGone, "consent-revoked")
	w.pass(10 * time.Minute)
	w.mail()
	w.call(w.key, "DELETE", "/v1/consents/"+id, nil)
	page := b.opened(mail)
	page.says(t, "Access stopped", "Súpubúðin stopped its access")
	if strings.Contains(page.text, "We are telling") || strings.Contains(page.text, "Check again") {
		t.Errorf("the customer waits for the bank, which was not told:\n%s", page.text)
	}
}

func TestMailLinkAfterTheEnd(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	mail := w.mail()
	b := w.newBrowser()
	w.pass(91 * day)
	b.opened(mail).says(t, "The access has ended", "no longer work", "Connect again")
	again := b.press(mail + "/renew")
	b.get(again.header.Get("Location")).says(t, "Connect Landsbankinn to Súpubúðin again?")
	w.pass(30 * day)
	for _, r := range []reply{b.get(mail + "/"), b.get(mail + "/stop"), b.press(mail + "/stop"), b.get("/m/nothing/"), b.get("/m/" + strings.Repeat("a", 2000))} {
		r.says(t, "This link is too old", "thirty days")
		if r.status != http.StatusGone {
			t.Errorf("status = %d, want 410", r.status)
		}
	}
	if got := w.status(id); got != "expired" {
		t.Errorf("status = %s", got)
	}
}

func TestMailLinkAfterOthersEndedIt(t *testing.T) {
	t.Parallel()
	t.Run("the app", func(t *testing.T) {
		t.Parallel()
		w, b, id := granted(t)
		mail := w.mail()
		w.call(w.key, "DELETE", "/v1/consents/"+id, nil)
		b.opened(mail).says(t, "Access stopped", "Súpubúðin stopped its access")
	})
	t.Run("our support", func(t *testing.T) {
		t.Parallel()
		w, b, id := granted(t)
		mail := w.mail()
		_, err := w.service.Stop(t.Context(), consent.ID(id), consent.ByStaff, "fraud")
		w.check(err)
		b.opened(mail).says(t, "Access stopped", "our support stopped the access")
	})
	t.Run("the bank", func(t *testing.T) {
		t.Parallel()
		w, b, id := granted(t)
		mail := w.mail()
		w.bank.Withdraw(gudrun, "")
		w.pass(10 * time.Minute)
		w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusGone, "consent-revoked")
		b.opened(mail).says(t, "Landsbankinn no longer lets Súpubúðin in", "Connect again")
		b.press(mail + "/stop") // changes nothing: it has ended
		if got := w.status(id); got != "terminatedByAspsp" {
			t.Errorf("status = %s", got)
		}
	})
}

func TestManagePagesKeepTheirLink(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t, hostileNames)
	mail := w.mail()
	b := w.newBrowser()
	replies := map[string]reply{"page": b.opened(mail), "stop": b.get(mail + "/stop"), "HEAD": b.do("HEAD", mail+"/")}
	for name, header := range map[string][]string{
		"silent": nil, "cross-site": {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}, "same site": {"Sec-Fetch-Site", "same-site"},
		"no origin": {"Origin", "null"}, "foreign": {"Origin", "https://evil.test"},
	} {
		for _, path := range []string{"/renew", "/stop"} {
			r := b.do("POST", mail+path, header...)
			replies[name+path] = r
			if r.status != http.StatusForbidden || r.header.Get("Location") != "" {
				t.Errorf("%s%s = %d, want 403", name, path, r.status)
			}
		}
	}
	if got := w.status(id); got != "valid" {
		t.Fatalf("a foreign form made it %s", got)
	}
	b.press(mail + "/renew")
	b.press(mail + "/stop")
	replies["stopped"] = b.get(mail + "/")
	w.down(func() reply { return b.get(mail + "/") }).says(t, "Nothing is lost")
	w.down(func() reply { return b.press(mail + "/stop") }).says(t, "Nothing is lost")
	secret := strings.TrimPrefix(mail, "/m/")
	for name, r := range replies {
		for _, bad := range []string{secret, "<script", "<img", " style=", "%!", "no value"} {
			if strings.Contains(r.text, bad) {
				t.Errorf("%s: the page has %.12q in it:\n%s", name, bad, r.text)
			}
		}
		if r.header.Get("Cache-Control") != "no-store" || !strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || r.header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: headers = %v", name, r.header)
		}
	}
	if log := w.log.String(); strings.Contains(log, secret) || !strings.Contains(log, `"route":"/m/:link/stop"`) {
		t.Error("the log has the link of a mail, or lacks its route")
	}
}

// TestForgedMailLinks: whoever has one link cannot make another.
func TestForgedMailLinks(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	mail := w.mail()
	b := w.newBrowser()
	_, ask := w.ask(nil)
	forged := []string{mail + "AA", mail[:len(mail)-4], "/m/" + strings.TrimPrefix(ask, "/c/"), "/m/" + id, "/m/" + regexp.MustCompile(`.`).ReplaceAllString(mail, "A")}
	raw := []byte(mail)
	raw[len(raw)/2] ^= 1
	for _, link := range append(forged, string(raw)) {
		if !regexp.MustCompile(`^/m/[\w-]+$`).MatchString(link) {
			continue
		}
		for _, r := range []reply{b.get(link + "/"), b.press(link + "/stop")} {
			if r.status != http.StatusGone {
				t.Errorf("a forged link = %d %s", r.status, r.text)
			}
		}
	}
	if got := w.status(id); got != "valid" {
		t.Errorf("status = %s", got)
	}
}
