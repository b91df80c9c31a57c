package web_test

import (
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// newest is the mail that was told last, and its language.
func (w *world) newest() (told consent.Event, lang string) {
	w.t.Helper()
	w.mail()
	w.postman.mu.Lock()
	defer w.postman.mu.Unlock()
	told = w.postman.told[len(w.postman.told)-1]
	return told, told.Consent.Spoken()
}

func TestMailsFollowTheLanguageThatTheCustomerConnectedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(object{"language": "is", "expected_national_id": gudrunID})
	b := w.newBrowser()
	b.get(page + "?lang=sv")
	b.get(b.visit(page, sandbox.Customer{User: gudrun})).speaks(t, "sv")
	told, lang := w.newest()
	if told.Notice.Event != consent.ToldConnected || lang != "sv" {
		t.Fatalf("%s was told in %q, want sv", told.Notice.Event, lang)
	}
	mail := "/m/" + told.Manage.Reveal()
	phone := w.newBrowser() // where nothing was chosen
	phone.do("GET", mail+"/", "Accept-Language", "en").speaks(t, "sv")
	w.newBrowser().do("GET", mail+"/reminders", "Accept-Language", "en").speaks(t, "sv")

	// A look in another language is no wish about mails, a renewal in it is.
	w.pass(84 * day)
	phone.get(mail+"/?lang=en").speaks(t, "en")
	if told, lang := w.newest(); told.Notice.Days() != 7 || lang != "sv" {
		t.Errorf("%s was told in %q, want sv", told.Notice.Event, lang)
	}
	renew := phone.press(mail + "/renew").header.Get("Location")
	phone.get(phone.visit(renew, sandbox.Customer{User: gudrun})).speaks(t, "en")
	if told, lang := w.newest(); told.Notice.Event != consent.ToldRenewed || lang != "en" {
		t.Errorf("%s was told in %q, want en", told.Notice.Event, lang)
	}
}

func TestMailsSpeakAsTheAppAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(object{"language": "is", "expected_national_id": gudrunID})
	b := w.newBrowser()
	b.get(b.visit(page, sandbox.Customer{User: gudrun})).speaks(t, "is")
	if told, lang := w.newest(); told.Notice.Event != consent.ToldConnected || lang != "is" {
		t.Errorf("%s was told in %q, want is", told.Notice.Event, lang)
	}
}
