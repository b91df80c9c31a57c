package sandbox_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/consentd/consentd/sandbox"
)

// hostileRig has an app whose name tries to be markup.
func hostileRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, func(c *sandbox.Config) {
		c.Clients[0].Name = `<script>alert(1)</script>`
		c.Clients[0].RedirectURIs = append(c.Clients[0].RedirectURIs, "https://two.test:8443/x", "myapp://done")
	})
}

// pagesOf opens every page of the bank, signed in where it has to be.
func (r *rig) pagesOf(user string) map[string]*http.Response {
	r.t.Helper()
	r.grant(user)
	visit := r.visit()
	cookie := r.signIn(visit, user)
	open := func(path string, signedIn bool) *http.Response {
		req := r.request(http.MethodGet, path, "")
		if signedIn {
			req.AddCookie(cookie)
		}
		return r.do(req)
	}
	return map[string]*http.Response{
		"front":        open("/", false),
		"login":        open("/as/login?request="+visit+"&user=%22%3E%3Cscript%3E", false),
		"permissions":  open("/as/permissions?request="+visit, true),
		"online login": open("/onlinebank?user=%22%3E%3Cscript%3E", false),
		"online bank":  open("/onlinebank", true),
		"notice":       open("/as/authorization.oauth2?client_id=%3Cscript%3E", false),
		"not found":    open("/nowhere", false),
		"bad login":    r.post("/as/login", nil, "request", visit, "username", "<script>", "password", "x"),
		"no password":  r.post("/onlinebank/login", nil, "username", "JONGUNARS", "password", ""),
	}
}

func TestPagesAreSafeAndMarked(t *testing.T) {
	t.Parallel()
	r := hostileRig(t)
	for name, res := range r.pagesOf("JONGUNARS") {
		body := r.text(res)
		for _, want := range []string{"<!doctype html>", `<html lang="en">`, "no real money", `name="viewport"`, "<h1>"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s has no %s", name, want)
			}
		}
		if strings.Contains(body, "<script") {
			t.Errorf("%s has a script in it", name)
		}
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: CSP %q has no %s", name, csp, want)
			}
		}
		if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers = %v", name, res.Header)
		}
		checkLabels(t, name, body)
	}
}

// checkLabels wants a label for each input that people see, and no id twice.
func checkLabels(t *testing.T, name, body string) {
	t.Helper()
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(`<input[^>]* id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if seen[m[1]] {
			t.Errorf("%s has the id %s twice", name, m[1])
		}
		seen[m[1]] = true
		if !strings.Contains(body, `<label for="`+m[1]+`"`) {
			t.Errorf("%s has no label for %s", name, m[1])
		}
	}
}

func TestFormsMayLeadToTheClient(t *testing.T) {
	t.Parallel()
	r := hostileRig(t)
	pages := r.pagesOf("JONGUNARS")
	for _, name := range []string{"login", "permissions"} {
		csp := pages[name].Header.Get("Content-Security-Policy")
		if want := "form-action 'self' http://app.test https://two.test:8443 myapp:"; !strings.HasSuffix(csp, want) {
			t.Errorf("%s: CSP = %q, want it to end in %q", name, csp, want)
		}
	}
	if csp := pages["online bank"].Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self'") {
		t.Errorf("online bank: CSP = %q, want forms to stay", csp)
	}
}

func TestLoginPageOffersTheSixUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	visit := r.visit()
	body := r.text(r.do(r.request(http.MethodGet, "/as/login?request="+visit, "")))
	for _, u := range r.Users() {
		for _, want := range []string{u.Name, u.Comment, "/as/login?request=" + visit + "&amp;user=" + u.UserName} {
			if !strings.Contains(body, want) {
				t.Errorf("login page has no %q", want)
			}
		}
	}
	if !strings.Contains(body, "Shop &amp; Co") {
		t.Error("login page does not name the app")
	}
	chosen := r.text(r.do(r.request(http.MethodGet, "/as/login?request="+visit+"&user=ANNAEINARS", "")))
	if !strings.Contains(chosen, `name="username" value="ANNAEINARS"`) {
		t.Error("a chosen user is not filled in")
	}
}

func TestStylesheet(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	res := r.do(r.request(http.MethodGet, "/assets/bank.css", ""))
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/css") {
		t.Errorf("stylesheet = %s %s", res.Status, res.Header.Get("Content-Type"))
	}
}

func TestUserNamesInEitherSpelling(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, name := range []string{"JONGUNARS", "jongunnars", "JonGunars", " jongunars "} {
		if got := r.grant(name); got.Access == "" {
			t.Errorf("%q cannot sign in", name)
		}
	}
}

func TestOnlineBank(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	older, newer, other := r.grant("JONGUNARS", "profile"), r.grant("JONGUNARS"), r.grant("GUDGUNNARS")
	login := r.post("/onlinebank/login", nil, "username", "jongunnars", "password", "x")
	if login.StatusCode != http.StatusSeeOther || len(login.Cookies()) != 1 {
		t.Fatalf("login = %s with %d cookies", login.Status, len(login.Cookies()))
	}
	mine := func(req *http.Request) { req.AddCookie(login.Cookies()[0]) }
	list := func() string {
		req := r.request(http.MethodGet, "/onlinebank", "")
		mine(req)
		return r.text(r.do(req))
	}
	before := list()
	if strings.Count(before, "<section") != 1 || !strings.Contains(before, "Shop &amp; Co") || !strings.Contains(before, "Initiate domestic payments") {
		t.Errorf("online bank does not list the app once with its permissions:\n%s", before)
	}
	r.post("/onlinebank/withdraw", mine, "client_id", "")
	if !r.works(newer.Access) {
		t.Error("withdrawing no app ended an access")
	}
	if res := r.post("/onlinebank/withdraw", mine, "client_id", "shop"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("withdraw = %s, want 303", res.Status)
	}
	if r.works(older.Access) || r.works(newer.Access) || r.refresh(newer.Refresh).Error != "invalid_grant" {
		t.Error("withdrawn tokens still work")
	}
	if !r.works(other.Access) {
		t.Error("another customer's access ended too")
	}
	if after := list(); !strings.Contains(after, "No app has access") {
		t.Errorf("online bank still lists an app:\n%s", after)
	}
	r.post("/onlinebank/logout", mine)
	if !strings.Contains(list(), `name="password"`) {
		t.Error("the session outlives signing out")
	}
	if res := r.post("/onlinebank/withdraw", mine, "client_id", "shop"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("withdraw after signing out = %s, want 401", res.Status)
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.grant("JONGUNARS")
	r.grant("JONGUNARS")
	for _, c := range []struct {
		user, client string
		want         int
	}{{"NOBODY", "", 0}, {"JONGUNARS", "other", 0}, {"jongunnars", "shop", 2}, {"JONGUNARS", "", 0}} {
		if got := r.Withdraw(c.user, c.client); got != c.want {
			t.Errorf("Withdraw(%q, %q) = %d, want %d", c.user, c.client, got, c.want)
		}
	}
}

// TestLoginSaysWhatItIsFor: who only says who they are gives no access.
func TestLoginSaysWhatItIsFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for scopes, want := range map[string]struct{ says, not string }{
		"openid":          {"<h1>Sign in</h1>\n<p>So that Shop &amp; Co knows who you are; it gets no access to your accounts.</p>", "to give"},
		"openid payments": {"<h1>Sign in to give Shop &amp; Co access</h1>", "no access"},
		"payments":        {"<h1>Sign in to give Shop &amp; Co access</h1>", "no access"},
	} {
		login, err := r.do(r.request(http.MethodGet, strings.TrimPrefix(authorizationURL("scope", scopes), issuer), "")).Location()
		if err != nil {
			t.Fatal(err)
		}
		page := r.text(r.do(r.request(http.MethodGet, login.RequestURI(), "")))
		if !strings.Contains(page, want.says) || strings.Contains(page, want.not) {
			t.Errorf("%s: the page does not say %q:\n%s", scopes, want.says, page)
		}
	}
}
