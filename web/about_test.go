package web_test

import (
	"strings"
	"testing"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// refersTo fails unless the page ends in a reference by which the desk's
// search finds that consent.
func (r reply) refersTo(t testing.TB, id string) {
	t.Helper()
	if got, err := consent.ParseID(id); err != nil || string(got) != id {
		t.Errorf("the desk takes %q for %q, %v", id, got, err)
	}
	r.says(t, "Reference: "+id+"<")
}

// TestReferenceIsTheConsents on every page that is about one.
func TestReferenceIsTheConsents(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(60 * day)
	mail := w.mail()
	b := w.newBrowser()
	for _, page := range []string{"/", "/stop", "/reminders"} {
		b.get(mail+page).refersTo(t, id)
	}
	b.press(mail+"/reminders").refersTo(t, id)
	b.opens(w.accessLink("shop", "customer-canary-1"))
	for _, page := range []string{"/", "/stop"} {
		b.get("/access/"+id+page).refersTo(t, id)
	}

	rejected, link := w.ask(object{"expected_national_id": gudrunID})
	b = w.newBrowser()
	b.get(link).refersTo(t, rejected)
	wrong := b.get(b.visit(link, sandbox.Customer{User: kristin}))
	wrong.says(t, "That was somebody else")
	wrong.refersTo(t, rejected)
}

// TestReferenceIsTheRequests where a page is about no consent, or none that
// the customer may know.
func TestReferenceIsTheRequests(t *testing.T) {
	t.Parallel()
	w, _, _ := granted(t)
	other := w.lends()
	b := w.newBrowser()
	all := b.opens(w.accessLink("shop", "customer-canary-1"))
	for name, r := range map[string]reply{"all": all, "home": b.get("/"), "gone": b.get("/c/nothing"), "not theirs": b.get("/access/" + other + "/")} {
		request := r.header.Get("X-Request-Id")
		if request == "" || !strings.Contains(r.text, "Reference: "+request+"<") {
			t.Errorf("%s: the page has not the reference %q:\n%s", name, request, r.text)
		}
	}
}
