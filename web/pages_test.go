package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/web"
)

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`

func hostileNames(s *settings) { s.app.Name, s.bank.Name = "App"+hostile, "Bank"+hostile }

func TestPagesWithHostileNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hostileNames)
	for _, customer := range []sandbox.Customer{{User: gudrun}, {User: gudrun, Cancel: true}, {User: gudrun, Untick: []string{"payments"}}} {
		_, page := w.ask(object{"expected_national_id": gudrunID})
		b := w.newBrowser()
		b.get(b.visit(page, customer))
		b.get("/" + hostile)
		b.get("/problems/" + hostile)
	}
	for _, page := range w.pages {
		if strings.Contains(page, "<script") || strings.Contains(page, "<img") {
			t.Errorf("the page lets a name in as markup:\n%s", page)
		}
	}
}

// TestPagesStandAlone keeps script, foreign content and addresses that carry
// a secret out of all pages of a journey.
func TestPagesStandAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	result := b.visit(page, sandbox.Customer{User: gudrun})
	for _, path := range []string{page, result, "/", "/problems", "/problems/consent-expired", "/nothing", "/c/nothing", "/back/nothing", "/callback/sandbox"} {
		r := b.get(path)
		if !strings.HasPrefix(r.text, "<!doctype html>\n<html lang=\"en\">") || strings.Count(r.text, "<h1>") != 1 {
			t.Errorf("GET %s has no language, or not one heading", path)
		}
		for _, sign := range []string{"<script", "javascript:", " style=", "onclick", "%!", "&lt;no value"} {
			if strings.Contains(r.text, sign) {
				t.Errorf("GET %s has %q in it", path, sign)
			}
		}
		for _, m := range hrefs.FindAllStringSubmatch(r.text, -1) {
			if m[1] == "https://shop.test/" {
				continue // the way back to the app
			}
			if strings.HasPrefix(m[1], "//") || strings.Contains(m[1], ":") || strings.HasPrefix(m[1], "/c/") {
				t.Errorf("GET %s links to %s", path, m[1])
			}
		}
		for _, jargon := range []string{"OAuth", "scope", "grant", "consent"} {
			if text := strings.ReplaceAll(r.text, "/problems/consent-", ""); !strings.HasPrefix(path, "/problems") && strings.Contains(strings.ToLower(text), strings.ToLower(jargon)) {
				t.Errorf("GET %s speaks of %q", path, jargon)
			}
		}
	}
	for _, m := range hrefs.FindAllStringSubmatch(b.get(page).text, -1) {
		if !strings.HasPrefix(m[1], "/static/") {
			continue
		}
		if r := b.get(m[1]); r.status != http.StatusOK || !strings.Contains(r.header.Get("Cache-Control"), "immutable") {
			t.Errorf("GET %s = %d %s", m[1], r.status, r.header.Get("Cache-Control"))
		}
	}
	if r := b.get("/robots.txt"); !strings.Contains(r.text, "Disallow: /\n") {
		t.Errorf("robots.txt = %q", r.text)
	}
}

func TestHeadersOnAllPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	result := b.visit(page, sandbox.Customer{User: gudrun})
	replies := map[string]reply{
		"ask": b.get(page), "begin": b.press(page), "result": b.get(result), "return": b.get(result + "/return"),
		"retry": b.press(result + "/retry"), "home": b.get("/"), "problems": b.get("/problems"), "missing": b.get("/nothing"),
		"forged": b.get("/callback/sandbox?state=a&state=b"), "foreign": b.do("POST", page), "not now": b.get(page + "?answer=not-now"),
		"method": b.press("/"), "gone": b.get("/c/gone"), "HEAD": b.do("HEAD", page), "probe": b.do("HEAD", "/callback/sandbox"),
	}
	for name, r := range replies {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := r.header.Get(header); got != want {
				t.Errorf("%s: %s = %q, want %q", name, header, got, want)
			}
		}
		policy := r.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %s", name, policy, part)
			}
		}
		if strings.Contains(policy, issuer) != (name == "ask" || name == "HEAD") {
			t.Errorf("%s: policy = %q", name, policy)
		}
		wantReferrer := "same-origin"
		if r.status == http.StatusSeeOther || name == "forged" || name == "probe" {
			wantReferrer = "no-referrer"
		}
		if got := r.header.Get("Referrer-Policy"); got != wantReferrer {
			t.Errorf("%s: Referrer-Policy = %q, want %q", name, got, wantReferrer)
		}
		if r.header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: http page asks for https", name)
		}
	}
}

func TestHTTPSHardensCookieAndTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.public = "https://consentd.test" })
	created := w.call(w.key, "POST", "/v1/consents", object{"customer_reference": "a", "bank": "sandbox", "return_to": "done"})
	page, ok := strings.CutPrefix(created.str("page_url"), "https://consentd.test/c/")
	if !ok {
		t.Fatalf("page_url = %s", created.str("page_url"))
	}
	r := w.newBrowser().do("GET", "/c/"+page, "X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "http")
	cookie := r.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-browser=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %q lacks %s", cookie, part)
		}
	}
	if strings.Contains(cookie, "Domain") || !strings.Contains(r.header.Get("Strict-Transport-Security"), "max-age=31536000; includeSubDomains") {
		t.Errorf("cookie = %q, HSTS = %q", cookie, r.header.Get("Strict-Transport-Security"))
	}
}

// redirectCorpus is what people try to make a redirect leave for their site.
func redirectCorpus() []string {
	var out []string
	for _, lead := range []string{"", "/", "//", "///", "/\\", "\\\\", "/\t/", "/%09/", "/%2f/", "/%5c", "https:", "https://", "http://", "https:/", "https:\\\\",
		"//shop.test@", "https://shop.test@", "https://shop.test.", "https://shop.test%23@", "javascript:alert(1)//", "data:text/html,", "%00//", "%0d%0aLocation: https://",
		" https://", "\u2028//", "//%E3%80%82", "hTTps://", "ftp://", "///;@", "/.//", "/..//"} {
		for _, host := range []string{"evil.test", "evil.test%2f", "evil.test/%2e%2e", "evil%E3%80%82test", "[::1]", "2130706433", "evil.test:443",
			"evil.test#", "evil.test?", "evil.test\\@shop.test", "user:pw@evil.test", "xn--evl-test", "shop.test.evil.test", "evil.test;shop.test", "evil.test&shop.test", "evil.test%00.shop.test"} {
			out = append(out, lead+host)
		}
	}
	return out
}

func TestRedirectsLeadToRegisteredAddressesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, page := w.ask(nil)
	b := w.newBrowser()
	result := b.visit(page, sandbox.Customer{User: gudrun})
	corpus := redirectCorpus()
	if len(corpus) < 490 {
		t.Fatalf("the corpus has %d strings", len(corpus))
	}
	get := func(target string, query string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", w.url+"/", nil)
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Host = target, "", query, "evil.test"
		r.Header.Set("X-Forwarded-Host", "evil.test")
		r.AddCookie(&http.Cookie{Name: "browser", Value: b.secret()})
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		return rec
	}
	for _, s := range corpus {
		escaped := strings.NewReplacer("&", "%26", "#", "%23", "\t", "%09", " ", "%20").Replace(s)
		query := "return_to=" + escaped + "&url=" + escaped + "&redirect_uri=" + escaped + "&result=" + escaped + "&consent_id=" + escaped + "&answer=not-now"
		for _, target := range []string{result + "/return", page, result, "/" + s, "/c/" + s, "/back/" + s, "/back/" + s + "/return", "/callback/" + s, "/static/" + s} {
			location := get(target, query).Header().Get("Location")
			if location != "" && !strings.HasPrefix(location, "https://shop.test/bank/done?basket=7&") {
				t.Errorf("GET %q with %q leads to %q", target, s, location)
			}
			if strings.Contains(location, "evil") {
				t.Errorf("GET %q with %q: what was asked is in %q", target, s, location)
			}
		}
	}
	for _, s := range corpus[:40] {
		w.call(w.key, "POST", "/v1/consents", object{"customer_reference": "a", "bank": "sandbox", "return_to": s}).wants(t, 422, "invalid-request")
	}
}

func TestMetricsNameRoutesOnly(t *testing.T) {
	t.Parallel()
	w, b, id := granted(t)
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil)
	w.call(w.otherKey, "POST", "/v1/consents/"+id+"/token", nil)
	b.get("/random/path")
	b.do("BREW", "/")
	rec := httptest.NewRecorder()
	admin := web.NewAdmin(web.AdminConfig{Metrics: promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{})})
	admin.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text := rec.Body.String()
	for _, line := range []string{
		`consentd_hand_outs_total{outcome="allowed"} 1`, `consentd_hand_outs_total{outcome="not-found"} 1`,
		`consentd_http_requests_total{method="POST",route="/v1/consents/:id/token",status="2xx"} 1`,
		`consentd_http_requests_total{method="GET",route="none",status="4xx"} 1`,
		`consentd_http_requests_total{method="other",route="/",status="4xx"} 1`,
		`consentd_http_request_duration_seconds_count{route="/callback/:bank"} 1`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("metrics lack %s", line)
		}
	}
	if strings.Contains(text, id) || strings.Contains(text, "random") || strings.Contains(text, "BREW") {
		t.Errorf("metrics name what callers chose:\n%s", text)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	broken := errors.New("dial tcp: secret-canary")
	var failing error
	admin := web.NewAdmin(web.AdminConfig{Ready: map[string]func(context.Context) error{
		"redis": func(context.Context) error { return failing }, "keys": func(context.Context) error { return nil },
	}})
	ask := func(method, path string) (int, string) {
		rec := httptest.NewRecorder()
		admin.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
		body, _ := io.ReadAll(rec.Body)
		return rec.Code, strings.TrimSpace(string(body))
	}
	if code, body := ask("GET", "/readyz"); code != http.StatusOK || body != `{"status":"ok","checks":{"keys":"ok","redis":"ok"}}` {
		t.Errorf("/readyz = %d %s", code, body)
	}
	failing = broken
	if code, body := ask("GET", "/readyz"); code != http.StatusServiceUnavailable || body != `{"status":"unavailable","checks":{"keys":"ok","redis":"unavailable"}}` {
		t.Errorf("/readyz = %d %s", code, body)
	}
	for path, want := range map[string]int{"/livez": 200, "/metrics": 404, "/": 404} {
		if code, _ := ask("GET", path); code != want {
			t.Errorf("GET %s = %d, want %d", path, code, want)
		}
	}
}

func TestProblemPagesExistForEveryCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	all := b.get("/problems")
	codes := hrefs.FindAllStringSubmatch(all.text, -1)
	found := 0
	for _, m := range codes {
		if code, ok := strings.CutPrefix(m[1], "/problems/"); ok {
			found++
			b.get(m[1]).says(t, "What to do", code)
		}
	}
	if want := 28; found != want {
		t.Errorf("%d problems are listed, want %d", found, want)
	}
	fmt.Fprintln(t.Output(), found, "problems")
}
