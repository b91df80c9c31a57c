package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web"
)

// TestNoSecretInPagesAndLogs goes every way there is with secrets that are
// known, and then looks for them in all page sources and in the whole log.
func TestNoSecretInPagesAndLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secrets := map[string]string{
		"API key": w.key.Reveal(), "other API key": w.otherKey.Reveal(), "national id": gudrunID, "customer's name": "Guðrún",
		"customer reference": "customer-canary-1", "e-mail": "canary@example.is", "client secret": "bank-secret-canary",
	}
	id, page := w.ask(object{"contact": object{"email": "canary@example.is"}})
	b := w.newBrowser()
	address := b.toBank(page)
	callback := b.atBank(address, sandbox.Customer{User: gudrun})
	secrets["link"] = strings.TrimPrefix(page, "/c/")
	secrets["browser"] = b.secret()
	secrets["state"] = mustParse(t, address).Query().Get("state")
	secrets["nonce"] = mustParse(t, address).Query().Get("nonce")
	secrets["code"] = mustParse(t, callback).Query().Get("code")

	w.newBrowser().get(callback)
	b.get(strings.Replace(callback, "/callback/sandbox", "/callback/other", 1))
	w.down(func() reply { return b.get(callback) })
	b.press(callback)
	b.get("/nothing" + page)
	result := b.get(callback).header.Get("Location")
	b.get(result)
	b.get(callback)
	secrets["completion code"] = mustParse(t, b.get(result+"/return").header.Get("Location")).Query().Get("code")
	w.call(w.key, "POST", "/v1/consents/"+id+"/confirm", object{"code": secrets["completion code"] + "x"})
	w.call(w.key, "POST", "/v1/consents/"+id+"/confirm", object{"code": secrets["completion code"]})
	b.get(result)
	handedOut := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	secrets["access token"] = handedOut.str("access_token")

	w.call(w.key, "POST", "/v1/consents/"+id+"/token", `{"scopes":["`+secrets["code"]+`"]}`)
	w.call(w.key, "POST", "/v1/consents", `{"customer_reference":"customer-canary-1","bank":`)
	renewal := w.call(w.key, "POST", "/v1/consents/"+id+"/renewal", nil)
	secrets["renewal link"] = strings.TrimPrefix(renewal.str("page_url"), w.url+"/c/")
	second := w.newBrowser()
	second.get(second.visit("/c/"+secrets["renewal link"], sandbox.Customer{User: kristin}))
	second.press("/c/" + secrets["link"])
	w.pass(time.Hour)
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)

	haystacks := map[string]string{"a page": strings.Join(w.pages, "\n"), "the log": w.log.String()}
	for what, secret := range secrets {
		if len(secret) < 5 {
			t.Errorf("%s = %q: the test found none", what, secret)
			continue
		}
		for where, text := range haystacks {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", what, where)
			}
		}
	}
	if !strings.Contains(haystacks["the log"], `"route":"/v1/consents/:id/token"`) || len(w.pages) < 10 {
		t.Error("the test looked at too little")
	}
}

func TestPanicIsAPageAndKeepsItsSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(nil)
	w.panics.Store(true)
	r := w.newBrowser().get(page)
	r.says(t, "Something went wrong on our side", r.header.Get("X-Request-Id"))
	w.call(w.key, "GET", "/v1/consents/"+id, nil).wants(t, http.StatusInternalServerError, "internal-error")
	w.panics.Store(false)
	if r.status != http.StatusInternalServerError || w.newBrowser().get(page).status != http.StatusOK {
		t.Errorf("panic = %d", r.status)
	}
	if log := w.log.String(); strings.Contains(log, "panic-canary") || !strings.Contains(log, "panic while answering") {
		t.Errorf("log = %s", log)
	}
}

func TestNewAPIKeysDiffer(t *testing.T) {
	t.Parallel()
	seen := map[token.Secret]bool{}
	for range 50 {
		key, hash := web.NewAPIKey()
		if seen[key] || !strings.HasPrefix(key.Reveal(), "ck_"+hash[:8]+"_") || len(key.Reveal()) != 55 || len(hash) != 64 {
			t.Fatal("a key repeats or is malformed")
		}
		seen[key] = true
	}
}
