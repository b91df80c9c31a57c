package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/consentd/consentd/sandbox"
)

// speaks asserts the language of a page, in all places that say it.
func (r reply) speaks(t *testing.T, lang string) {
	t.Helper()
	if got := r.header.Get("Content-Language"); got != lang || !strings.Contains(r.text, `<html lang="`+lang+`">`) {
		t.Errorf("the page speaks %q, want %q:\n%.200s", got, lang, r.text)
	}
}

func TestTheAppChoosesTheLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(object{"language": "is", "expected_national_id": gudrunID})
	b := w.newBrowser()
	asks := b.do("GET", page, "Accept-Language", "sv")
	asks.speaks(t, "is")
	asks.says(t, "Má Súpubúðin tengjast bankanum þínum (Landsbankinn)?", "Greiða innanlands af reikningunum þínum", "Áfram í bankann", "Ekki núna", "Bankaaðgangur")
	result := b.visit(page, sandbox.Customer{User: gudrun})
	b.get(result).speaks(t, "is")
	b.get(result).says(t, "90 dagar eftir af 90", "Tengingin er komin á")
	b.get("/callback/sandbox?state=a&state=b").speaks(t, "is") // no consent is known, but whose page this browser saw
	mail := w.mail()
	b.opened(mail).speaks(t, "is")
	w.newBrowser().do("GET", mail+"/stop", "Accept-Language", "sv").says(t, "Viltu stöðva aðganginn", "90 dögum áður en hann rennur út")
}

func TestTheCustomerChoosesTheLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(object{"language": "is"})
	b := w.newBrowser()
	b.get(page).says(t, `<a href="?lang=sv" lang="sv" hreflang="sv" rel="nofollow">Svenska</a>`, `lang="is" aria-current="true">Íslenska`)
	chosen := b.get(page + "?lang=sv")
	chosen.speaks(t, "sv")
	chosen.says(t, "Vill du ansluta Landsbankinn till Súpubúðin?")
	for _, path := range []string{page, "/", "/nothing", "/c/nothing", page + "?lang=", page + "?lang=xx", page + "?lang=sv&lang=is"} {
		b.get(path).speaks(t, "sv")
	}
	b.get(b.visit(page, sandbox.Customer{User: gudrun})).speaks(t, "sv")
	b.get("/?lang=en").speaks(t, "en")
	b.get("/").speaks(t, "en")
	b.press("/?lang=is").speaks(t, "en") // only looking chooses
	b.get("/").speaks(t, "en")
}

func TestTheBrowserChoosesWhereNoConsentIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for header, want := range map[string]string{"sv-SE,sv;q=0.9,en;q=0.8": "sv", "is": "is", "da": "en", "": "en"} {
		w.newBrowser().do("GET", "/c/nothing", "Accept-Language", header).speaks(t, want)
	}
	b := w.newBrowser()
	b.do("GET", "/problems", "Accept-Language", "sv").speaks(t, "en") // for developers
	for _, cookie := range []string{"language=xx", "language=", "visit=evil.is", "visit=shop", "visit=shop.xx", `visit="><script>`, "visit=shop.is.sv"} {
		r := w.newBrowser().do("GET", "/nothing", "Accept-Language", "sv", "Cookie", cookie)
		r.speaks(t, "sv")
		if strings.Contains(r.text, "evil") || strings.Contains(r.text, "<script") {
			t.Errorf("the cookie %s is in the page:\n%s", cookie, r.text)
		}
	}
	w.newBrowser().do("GET", "/nothing", "Cookie", "visit=shop.is").says(t, "Hér er ekkert", `href="https://shop.test/"`)
}

// TestASwitchNeverNeedsTheSecret: an address of ours with a link in it is in
// no page's source, and what answers a form cannot be loaded again.
func TestASwitchNeverNeedsTheSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	if r := b.get(page); strings.Contains(r.text, strings.TrimPrefix(page, "/c/")) {
		t.Error("the link is in the page")
	}
	for name, r := range map[string]reply{"a form's answer": b.do("POST", page), "the bank's": b.get("/callback/sandbox?state=a&code=b")} {
		if strings.Contains(r.text, "?lang=") {
			t.Errorf("%s offers a language", name)
		}
	}
}

// TestTheProofNamesThePageThatWasShown, also when it was shown in another
// language than the app asked for.
func TestTheProofNamesThePageThatWasShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(object{"language": "is", "expected_national_id": gudrunID})
	b := w.newBrowser()
	shown := textVersion.FindStringSubmatch(b.get(page + "?lang=sv").text)
	if len(shown) != 2 || !strings.HasPrefix(shown[1], "sv-") {
		t.Fatalf("the page says of its version %q", shown)
	}
	other := w.newBrowser() // the choice is forgotten before the button is pressed
	other.get(page)
	other.text = shown[1]
	bank := other.press(page).header.Get("Location")
	result := other.get(other.atBank(bank, sandbox.Customer{User: gudrun})).header.Get("Location")
	other.get(result).says(t, "Landsbankinn är ansluten") // as the page that was agreed to
	if got := w.call(w.key, "GET", "/v1/consents/"+id+"/proof", nil); got.status != http.StatusOK || got.str("text_version") != shown[1] {
		t.Errorf("proof = %d %s, want the version %s", got.status, got.text, shown[1])
	}
}

func TestAPageOfAnotherReleaseIsShownAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(nil)
	b := w.newBrowser()
	b.get(page)
	current := b.text
	for _, version := range []string{"", "en-000000000000", "is-", strings.Repeat("x", 2000)} {
		b.text = version
		if r := b.press(page); r.status != http.StatusSeeOther || r.header.Get("Location") != page {
			t.Errorf("with the version %.20q: %d %s", version, r.status, r.header.Get("Location"))
		}
	}
	b.text = strings.Repeat("x", 5<<10)
	if r := b.press(page); r.status != http.StatusForbidden {
		t.Errorf("a form of five kilobytes: %d", r.status)
	}
	if got := w.status(id); got != "received" {
		t.Errorf("status = %s", got)
	}
	b.text = current
	if r := b.press(page); !strings.HasPrefix(r.header.Get("Location"), issuer) {
		t.Errorf("the page of now leads to %s", r.header.Get("Location"))
	}
}

func TestAnAppsColourAndTheServicesName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.colour, s.name = "#c8102e", "Bankahlið & synir" })
	_, page := w.ask(nil)
	b := w.newBrowser()
	before := b.get("/nothing")
	asks := b.get(page)
	asks.says(t, "Bankahlið & synir")
	var theme string
	for _, m := range hrefs.FindAllStringSubmatch(asks.text, -1) {
		if strings.HasPrefix(m[1], "/static/app-shop.css?v=") {
			theme = m[1]
		}
	}
	css := b.get(theme)
	if css.status != http.StatusOK || css.header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(css.header.Get("Cache-Control"), "immutable") {
		t.Fatalf("GET %s = %d %v", theme, css.status, css.header)
	}
	css.says(t, "--button: #c8102e;", "prefers-color-scheme: dark")
	if strings.Contains(before.text, "app-shop.css") || !strings.Contains(b.get("/c/nothing").text, "app-shop.css") {
		t.Error("an error wears the colours of an app that it is not about, or lacks those of the one it is about")
	}
	if r := b.get("/static/app-lender.css"); r.status != http.StatusNotFound {
		t.Errorf("an app without a colour has a file: %d", r.status)
	}
}

// TestTheSameLinkAgain: a customer who has connected and comes by the same
// link is told so, and may still go on.
func TestTheSameLinkAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(object{"expected_national_id": gudrunID})
	b := w.newBrowser()
	b.visit(page, sandbox.Customer{User: gudrun})
	again := b.get(page)
	again.says(t, "Landsbankinn is already connected", "nothing more to do here", "90 of 90 days left", `href="https://shop.test/"`, "Continue to Landsbankinn")
	if strings.Contains(again.text, "not-now") {
		t.Error("the app would be told that the customer declined")
	}
	b.get(b.visit(page, sandbox.Customer{User: gudrun})).says(t, "Access renewed")
}
