package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

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

func TestAccessLinkThatCannotBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, body := range []object{{}, {"customer_reference": ""}, {"customer_reference": "a", "language": "de"}, {"customer_reference": "a", "bank": "sandbox"},
		{"customer_reference": strings.Repeat("é", 128)}} {
		w.call(w.key, "POST", "/v1/access-links", body).wants(t, http.StatusUnprocessableEntity, "invalid-request")
	}
	w.down(func() reply { return w.call(w.key, "POST", "/v1/access-links", object{"customer_reference": "a"}) }).wants(t, http.StatusServiceUnavailable, "store-unavailable")
}
