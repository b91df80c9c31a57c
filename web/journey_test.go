package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

func TestJourneyWithExpectedNationalID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	created := w.call(w.key, "POST", "/v1/consents", object{
		"customer_reference": "anna-1", "bank": "sandbox", "return_to": "done", "expected_national_id": "040180-9999",
		"contact": object{"email": "gudrun@example.is"}, "language": "en", "scopes": []string{"accounts"},
	})
	if created.status != http.StatusCreated || created.str("status") != "received" {
		t.Fatalf("POST /v1/consents = %d %s", created.status, created.text)
	}
	id := created.str("id")
	if got, want := created.header.Get("Location"), w.url+"/v1/consents/"+id; got != want {
		t.Errorf("Location = %q, want %q", got, want)
	}
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusConflict, "consent-pending")

	b := w.newBrowser()
	page := strings.TrimPrefix(created.str("page_url"), w.url)
	asks := b.get(page)
	asks.says(t, "Connect Landsbankinn to Súpubúðin?", "Make domestic payments from your accounts", "See your name and your kennitala",
		"See your accounts and how much is in them", "See your password", "Only continue if you yourself asked Súpubúðin for this.", "Continue to Landsbankinn", "Not now", "How to stop it",
		time.Now().Add(90*24*time.Hour).UTC().Format("2 January 2006"))
	if got := asks.header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' "+issuer+";") {
		t.Errorf("the page's policy keeps the browser from the bank: %s", got)
	}

	result := b.visit(page, sandbox.Customer{User: gudrun})
	if strings.ContainsAny(result, "?=") {
		t.Errorf("the callback leads to %s, want an address without parameters", result)
	}
	for range 2 { // arriving twice is no error
		b.get(result).says(t, "Landsbankinn is connected", "90 of 90 days left", "Continue to Súpubúðin")
	}
	back := b.get(result + "/return")
	u, err := url.Parse(back.header.Get("Location"))
	w.check(err)
	if q := u.Query(); back.status != http.StatusSeeOther || u.Host != "shop.test" || q.Get("basket") != "7" ||
		q.Get("consent_id") != id || q.Get("result") != "connected" || q.Has("code") {
		t.Errorf("return = %d %s", back.status, u)
	}

	view := w.call(w.key, "GET", "/v1/consents/"+id, nil)
	if view.str("status") != "valid" || view.json["days_left"] != 90.0 || view.str("ends_at") == "" || strings.Contains(view.text, gudrunID) {
		t.Errorf("GET consent = %s", view.text)
	}
	got := w.call(w.key, "POST", "/v1/consents/"+id+"/token", object{"min_ttl": 60, "scopes": []string{"payments"}})
	if got.status != http.StatusOK || len(got.str("access_token")) < 20 || got.str("token_type") != "Bearer" || got.str("national_id") != gudrunID {
		t.Fatalf("token = %d %s", got.status, got.text)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Pragma") != "no-cache" || got.json["expires_in"].(float64) < 60 {
		t.Errorf("token = %v %s", got.header, got.text)
	}
	if _, err := time.Parse("2006-01-02T15:04:05Z", got.str("expires_at")); err != nil {
		t.Errorf("expires_at: %v", err)
	}
}

func TestJourneyWithCompletionCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(nil)
	b := w.newBrowser()
	result := b.visit(page, sandbox.Customer{User: gudrun})
	shown := b.get(result)
	shown.says(t, "One step left", "Continue to Súpubúðin", "Will work until", "90 of 90 days left", "You can stop this at any time",
		time.Now().Add(90*24*time.Hour-10*time.Minute).UTC().Format("2 January 2006"))
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusConflict, "confirmation-required")

	u, err := url.Parse(b.get(result + "/return").header.Get("Location"))
	w.check(err)
	code := u.Query().Get("code")
	if code == "" || u.Query().Get("result") != "unconfirmed" {
		t.Fatalf("return = %s", u)
	}
	if strings.Contains(shown.text, code) {
		t.Error("the page's source has the completion code")
	}
	w.call(w.key, "POST", "/v1/consents/"+id+"/confirm", object{"code": "wrong"}).wants(t, http.StatusConflict, "confirmation-failed")
	w.call(w.otherKey, "POST", "/v1/consents/"+id+"/confirm", object{"code": code}).wants(t, http.StatusNotFound, "not-found")
	for range 2 {
		confirmed := w.call(w.key, "POST", "/v1/consents/"+id+"/confirm", object{"code": code})
		if confirmed.status != http.StatusOK || confirmed.str("status") != "valid" {
			t.Fatalf("confirm = %d %s", confirmed.status, confirmed.text)
		}
	}
	b.get(result).says(t, "Landsbankinn is connected")
}

func TestJourneyRenewal(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(80 * 24 * time.Hour)
	link := w.call(w.key, "POST", "/v1/consents/"+id+"/renewal", nil)
	if link.status != http.StatusOK {
		t.Fatalf("renewal = %d %s", link.status, link.text)
	}
	page := strings.TrimPrefix(link.str("page_url"), w.url)
	b := w.newBrowser() // another day, another browser
	b.get(page).says(t, "Renew the access of Súpubúðin to Landsbankinn?", "Nothing breaks if you renew it now", "10 of 90 days left")

	cancelled := b.visit(page, sandbox.Customer{User: gudrun, Cancel: true})
	b.get(cancelled).says(t, "You cancelled", "The access that you gave before goes on working until")
	if got := w.status(id); got != "valid" {
		t.Fatalf("after a cancelled renewal the consent is %s", got)
	}
	again := b.press(cancelled + "/retry")
	b.get(b.visit(again.header.Get("Location"), sandbox.Customer{User: gudrun})).says(t, "Access renewed", "90 of 90 days left")

	w.pass(91 * 24 * time.Hour)
	gone := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	gone.wants(t, http.StatusGone, "consent-expired")
	if gone.str("consent_ends_at") == "" || gone.str("renewal_url_expires_at") == "" {
		t.Errorf("problem = %s", gone.text)
	}
	w.newBrowser().get(strings.TrimPrefix(gone.str("renewal_url"), w.url)).says(t, "Connect Landsbankinn to Súpubúðin again?")
}

func TestResultPages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		ask      object
		customer sandbox.Customer
		fault    *sandbox.Fault
		says     []string
		retry    bool
		result   string
		status   string
	}{
		"cancelled": {
			customer: sandbox.Customer{User: gudrun, Cancel: true}, retry: true, result: "cancelled", status: "rejected",
			says: []string{"You cancelled", "nothing was connected", "Try again"},
		},
		"a permission left out": {
			customer: sandbox.Customer{User: gudrun, Untick: []string{"payments"}}, retry: true, result: "left_out", status: "partiallyAuthorised",
			says: []string{"A permission is missing", "Make domestic payments from your accounts", "leave all permissions ticked"},
		},
		"somebody else": {
			ask: object{"expected_national_id": gudrunID}, customer: sandbox.Customer{User: kristin}, retry: true, result: "wrong_person",
			status: "rejected", says: []string{"That was somebody else", "sign in as yourself"},
		},
		"the bank is down when the code is exchanged": {
			customer: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 503}, retry: true, result: "bank_down", status: "received",
			says: []string{"Landsbankinn did not answer", "not your fault"},
		},
		"the bank refuses the code": {
			customer: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, retry: true,
			result: "failed", status: "received", says: []string{"That did not work"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id, page := w.ask(test.ask)
			b := w.newBrowser()
			callback := b.atBank(b.toBank(page), test.customer)
			if test.fault != nil {
				w.bank.Fail(sandbox.EndpointToken, 1, *test.fault)
			}
			result := b.get(callback).header.Get("Location")
			b.get(result).says(t, test.says...)
			u, err := url.Parse(b.get(result + "/return").header.Get("Location"))
			w.check(err)
			if got := u.Query().Get("result"); got != test.result {
				t.Errorf("the app is told %q, want %q", got, test.result)
			}
			if got := w.status(id); got != test.status {
				t.Errorf("status = %s, want %s", got, test.status)
			}
			again := b.press(result + "/retry")
			b.get(b.visit(again.header.Get("Location"), sandbox.Customer{User: gudrun}))
			if got := w.call(w.key, "GET", "/v1/consents/"+id, nil); got.str("status") != "valid" && got.json["awaiting_confirmation"] != true {
				t.Errorf("trying again came to %s", got.text)
			}
		})
	}
}

func TestNotNowReturnsToTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(nil)
	b := w.newBrowser()
	r := b.get(page + "?answer=not-now")
	u, err := url.Parse(r.header.Get("Location"))
	w.check(err)
	if q := u.Query(); r.status != http.StatusSeeOther || u.Host != "shop.test" || q.Get("result") != "declined" || q.Get("consent_id") != id || q.Get("basket") != "7" {
		t.Errorf("not now = %d %s", r.status, u)
	}
	b.visit(page, sandbox.Customer{User: gudrun}) // the link is still good
}
