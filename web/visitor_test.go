package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

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
