package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

// changed returns the callback with parameters set anew; an empty value
// removes one.
func changed(t *testing.T, callback string, pairs ...string) string {
	t.Helper()
	u := mustParse(t, callback)
	q := u.Query()
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func mustParse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCallbackRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(object{"expected_national_id": gudrunID})
	b := w.newBrowser()
	callback := b.atBank(b.toBank(page), sandbox.Customer{User: gudrun})
	state := mustParse(t, callback).Query().Get("state")
	tests := map[string]struct {
		path   string
		status int
		says   string
	}{
		"no state":              {changed(t, callback, "state", ""), 410, "This took too long"},
		"unknown state":         {changed(t, callback, "state", strings.Repeat("a", 43)), 410, "This took too long"},
		"state with more":       {changed(t, callback, "state", state+"a"), 410, "This took too long"},
		"state twice":           {callback + "&state=" + state, 400, "does not fit"},
		"code twice":            {callback + "&code=other", 400, "does not fit"},
		"iss twice":             {callback + "&iss=other", 400, "does not fit"},
		"error twice":           {changed(t, callback, "code", "", "error", "a") + "&error=b", 400, "does not fit"},
		"code and error":        {changed(t, callback, "error", "access_denied"), 400, "does not fit"},
		"neither":               {changed(t, callback, "code", ""), 400, "does not fit"},
		"another issuer":        {changed(t, callback, "iss", issuer+"/"), 400, "does not fit"},
		"another issuer, error": {changed(t, callback, "code", "", "error", "access_denied", "iss", "https://evil.test"), 400, "does not fit"},
		"no issuer":             {changed(t, callback, "iss", ""), 400, "does not fit"},
		"another bank":          {strings.Replace(callback, "/callback/sandbox", "/callback/other", 1), 400, "does not fit"},
		"broken query":          {callback + "&%zz", 400, "does not fit"},
		"endless query":         {callback + "&x=" + strings.Repeat("a", 9000), 400, "does not fit"},
		"nothing":               {"/callback/sandbox", 410, "This took too long"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := b.get(test.path)
			if r.status != test.status {
				t.Errorf("status = %d, want %d", r.status, test.status)
			}
			r.says(t, test.says, r.header.Get("X-Request-Id"))
		})
	}
	t.Run("another browser", func(t *testing.T) {
		foreign := w.newBrowser()
		foreign.get(page)
		if r := foreign.get(callback); r.status != http.StatusForbidden || !strings.Contains(r.text, "This began in another browser") {
			t.Errorf("foreign callback = %d %s", r.status, r.text)
		}
		if r := w.newBrowser().get(callback); r.status != http.StatusForbidden {
			t.Errorf("callback without a cookie = %d", r.status)
		}
	})
	t.Run("HEAD", func(t *testing.T) {
		if r := b.do("HEAD", callback); r.status != http.StatusOK || r.header.Get("Location") != "" {
			t.Errorf("HEAD = %d", r.status)
		}
		if r := b.press(callback); r.status != http.StatusMethodNotAllowed {
			t.Errorf("POST = %d, want 405", r.status)
		}
	})
	if got := w.bank.Calls(sandbox.EndpointToken); got != 0 {
		t.Fatalf("%d calls to the bank for returns that do not fit, want none", got)
	}
	if got := w.status(id); got != "received" {
		t.Fatalf("status = %s, want received", got)
	}

	// Nothing was lost by all this: the true return works, with parameters
	// that nobody knows, and again.
	for range 2 {
		r := b.get(callback + "&session_state=whatever")
		if r.status != http.StatusSeeOther {
			t.Fatalf("the true return = %d %s", r.status, r.text)
		}
		b.get(r.header.Get("Location")).says(t, "Landsbankinn is connected")
		if r := w.newBrowser().get(r.header.Get("Location")); r.status != http.StatusForbidden {
			t.Errorf("the result in another browser = %d", r.status)
		}
	}
	if got := w.bank.Calls(sandbox.EndpointToken); got != 1 {
		t.Errorf("%d calls to the bank's token endpoint, want 1", got)
	}
}

func TestCallbackTooLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	callback := b.atBank(b.toBank(page), sandbox.Customer{User: gudrun})
	w.pass(11 * time.Minute)
	if r := b.get(callback); r.status != http.StatusGone {
		t.Errorf("callback after 11 minutes = %d", r.status)
	}
	r := b.get(page)
	r.says(t, "This link is too old")
	if r.status != http.StatusGone {
		t.Errorf("link after 11 minutes = %d", r.status)
	}
}

func TestBankErrorsAreNotRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	callback := b.atBank(b.toBank(page), sandbox.Customer{User: gudrun})
	r := b.get(changed(t, callback, "code", "", "error", "<script>canary</script>", "error_description", "description-canary"))
	shown := b.get(r.header.Get("Location"))
	shown.says(t, "That did not work")
	if strings.Contains(shown.text+w.log.String(), "description-canary") || strings.Contains(shown.text, "canary") {
		t.Error("the bank's words are repeated")
	}
}

func TestLinkBelongsToItsFirstBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	first, second := w.newBrowser(), w.newBrowser()
	second.get(page) // looking is free
	first.toBank(page)
	first.toBank(page) // the same browser, having gone back
	r := second.press(page)
	r.says(t, "This link is open elsewhere")
	if r.status != http.StatusConflict {
		t.Errorf("second browser = %d, want 409", r.status)
	}
}

func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(nil)
	before := w.redis.Dump()
	for range 10 {
		w.newBrowser().get(page)
		w.newBrowser().do("HEAD", page)
		w.newBrowser().get(page + "?answer=not-now")
	}
	if after := w.redis.Dump(); after != before {
		t.Errorf("Redis before:\n%s\nand after:\n%s", before, after)
	}
	if w.bank.Calls(sandbox.EndpointAuthorize)+w.bank.Calls(sandbox.EndpointDiscovery) != 0 {
		t.Error("looking at a page called the bank")
	}
	if got := w.status(id); got != "received" {
		t.Errorf("status = %s", got)
	}
}

func TestFormsWorkOnOurPagesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	b.get(page)
	for name, header := range map[string][]string{
		"another site":        {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"},
		"a sibling":           {"Sec-Fetch-Site", "same-site", "Origin", "https://evil.test"},
		"an old browser":      {"Origin", "https://evil.test"},
		"an opaque origin":    {"Origin", "null"},
		"neither header":      {},
		"another origin only": {"Origin", "https://evil.test", "Referer", w.url + page},
	} {
		for _, path := range []string{page, "/back/" + strings.Repeat("a", 43) + "/retry"} {
			if r := b.do("POST", path, header...); r.status != http.StatusForbidden || r.header.Get("Location") != "" {
				t.Errorf("%s: POST = %d, want 403", name, r.status)
			}
		}
	}
	if r := b.do("POST", page, "Origin", w.url); r.status != http.StatusSeeOther {
		t.Errorf("our own origin = %d, want 303", r.status)
	}
}

func TestBrowserWithoutCookieIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	r := b.press(page)
	r.says(t, "Please open the link again", "Try again")
	if r.status != http.StatusBadRequest {
		t.Errorf("status = %d, want 400", r.status)
	}
	if r := b.do("POST", page, "Sec-Fetch-Site", "same-origin", "Cookie", "browser=short"); r.status != http.StatusBadRequest {
		t.Errorf("malformed cookie = %d, want 400", r.status)
	}
	fresh := b.do("GET", page, "Cookie", "browser=short")
	if !strings.HasPrefix(fresh.header.Get("Set-Cookie"), "browser=") || len(b.secret()) != 43 {
		t.Errorf("malformed cookie was not replaced: %q", fresh.header.Get("Set-Cookie"))
	}
	b.toBank(page)
}
