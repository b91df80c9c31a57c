package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

func TestAuthorizeRefusesThroughTheBrowser(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		overrides []string
		want      string
	}{
		{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"plain PKCE", []string{"code_challenge_method", "plain"}, "invalid_request"},
		{"method without challenge", []string{"code_challenge", ""}, "invalid_request"},
		{"short challenge", []string{"code_challenge", "abc"}, "invalid_request"},
		{"implicit flow", []string{"response_type", "token"}, "unsupported_response_type"},
		{"form_post", []string{"response_mode", "form_post"}, "invalid_request"},
		{"request object", []string{"request", "e30"}, "request_not_supported"},
		{"unknown scope", []string{"scope", "openid admin"}, "invalid_scope"},
		{"no scope", []string{"scope", ""}, "invalid_scope"},
		{"no interaction", []string{"prompt", "none"}, "login_required"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := newRig(t).answer(sandbox.Customer{User: "JONGUNARS"}, authorizationURL(c.overrides...))
			if got.Get("error") != c.want || got.Get("iss") != issuer || got.Get("state") != "st" || got.Has("code") {
				t.Errorf("answer = %v, want %s with iss and state", got, c.want)
			}
		})
	}
}

func TestAuthorizeIsNoOpenRedirector(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"unknown client":         authorizationURL("client_id", "nobody"),
		"no redirect address":    authorizationURL("redirect_uri", ""),
		"longer redirect":        authorizationURL("redirect_uri", redirect+"x"),
		"other redirect":         authorizationURL("redirect_uri", "https://evil.test/"),
		"two redirect addresses": authorizationURL() + "&redirect_uri=https%3A%2F%2Fevil.test",
		"unknown request_uri":    authorizationURL("request_uri", "urn:ietf:params:oauth:request_uri:x"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			res := r.do(r.request(http.MethodGet, strings.TrimPrefix(address, issuer), ""))
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("answer = %s to %q, want a page with 400", res.Status, res.Header.Get("Location"))
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	got := newRig(t).answer(sandbox.Customer{User: "JONGUNARS", Cancel: true}, authorizationURL())
	if got.Get("error") != "access_denied" || got.Get("iss") != issuer || got.Get("state") != "st" {
		t.Errorf("answer = %v, want access_denied with iss and state", got)
	}
}

func TestCancelOnTheLoginPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	res := r.post("/as/login", nil, "request", r.visit(), "action", "cancel")
	back, err := res.Location()
	if err != nil || back.Query().Get("error") != "access_denied" {
		t.Errorf("answer = %v, %v, want access_denied", back, err)
	}
}

// visit opens an authorization and returns the id that its pages carry.
func (r *rig) visit() string {
	r.t.Helper()
	res := r.do(r.request(http.MethodGet, strings.TrimPrefix(authorizationURL(), issuer), ""))
	login, err := res.Location()
	if err != nil {
		r.t.Fatal(err)
	}
	return login.Query().Get("request")
}

// signIn signs in for a visit and returns the browser's session.
func (r *rig) signIn(visit, user string) *http.Cookie {
	r.t.Helper()
	res := r.post("/as/login", nil, "request", visit, "username", user, "password", "x")
	if len(res.Cookies()) != 1 {
		r.t.Fatalf("signing in sets %d cookies, want 1", len(res.Cookies()))
	}
	return res.Cookies()[0]
}

func TestOnlyTheBrowserThatSignedInDecides(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	visit, foreign := r.visit(), r.visit()
	mine, other := r.signIn(visit, "JONGUNARS"), r.signIn(foreign, "GUDGUNNARS")
	if !mine.HttpOnly || mine.SameSite != http.SameSiteLaxMode {
		t.Errorf("session cookie = %v, want HttpOnly and SameSite=Lax", mine)
	}
	approve := func(cookie *http.Cookie) *http.Response {
		return r.post("/as/permissions", func(req *http.Request) {
			if cookie != nil {
				req.AddCookie(cookie)
			}
		}, "request", visit, "scope", "openid", "action", "approve")
	}
	for _, cookie := range []*http.Cookie{nil, other} {
		if got := approve(cookie).StatusCode; got != http.StatusGone {
			t.Errorf("approval with cookie %v = %d, want 410", cookie, got)
		}
	}
	if got := approve(mine).StatusCode; got != http.StatusSeeOther {
		t.Errorf("approval by the right browser = %d, want 303", got)
	}
	if got := approve(mine).StatusCode; got != http.StatusGone {
		t.Errorf("second approval = %d, want 410", got)
	}
}

func TestCrossSiteFormsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	visit := r.visit()
	cookie := r.signIn(visit, "JONGUNARS")
	for _, path := range []string{"/as/permissions", "/as/login", "/onlinebank/withdraw"} {
		res := r.post(path, func(req *http.Request) {
			req.AddCookie(cookie)
			req.Header.Set("Sec-Fetch-Site", "cross-site")
		}, "request", visit, "scope", "openid", "action", "approve")
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("cross-site POST %s = %d, want 403", path, res.StatusCode)
		}
	}
}

func TestVisitExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	visit := r.visit()
	r.Advance(10 * time.Minute)
	if got := r.do(r.request(http.MethodGet, "/as/login?request="+visit, "")).StatusCode; got != http.StatusGone {
		t.Errorf("login page after ten minutes = %d, want 410", got)
	}
}

// push sends an authorization request to the PAR endpoint.
func (r *rig) push(overrides ...string) (res *http.Response, requestURI string) {
	r.t.Helper()
	u, err := url.Parse(authorizationURL(overrides...))
	if err != nil {
		r.t.Fatal(err)
	}
	var params []string
	for name := range u.Query() {
		params = append(params, name, u.Query().Get(name))
	}
	res = r.post("/as/par.oauth2", basic("shop", "s+cr/t"), params...)
	var answer struct {
		RequestURI string `json:"request_uri"`
	}
	r.decode(res, &answer)
	return res, answer.RequestURI
}

func TestPAR(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.RequirePAR = true })
	customer := sandbox.Customer{User: "JONGUNARS"}
	if got := r.answer(customer, authorizationURL()); got.Get("error") != "invalid_request" {
		t.Errorf("request that was not pushed: %v, want invalid_request", got)
	}
	res, uri := r.push()
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("push = %s, want 201", res.Status)
	}
	address := issuer + "/as/authorization.oauth2?" + url.Values{"client_id": {"shop"}, "request_uri": {uri}}.Encode()
	if foreign := strings.Replace(address, "client_id=shop", "client_id=other", 1); r.opens(foreign) {
		t.Error("another client may use the pushed request")
	}
	back := r.answer(customer, address)
	if got := r.redeem(back.Get("code")); got.Access == "" {
		t.Errorf("redeem after PAR = %s", got.Error)
	}
	if r.opens(address) {
		t.Error("a request_uri works twice")
	}
	_, late := r.push()
	r.Advance(time.Minute)
	if r.opens(issuer + "/as/authorization.oauth2?client_id=shop&request_uri=" + url.QueryEscape(late)) {
		t.Error("a request_uri does not expire")
	}
	for name, overrides := range map[string][]string{
		"no PKCE": {"code_challenge", ""}, "other redirect": {"redirect_uri", "https://evil.test"}, "nested": {"request_uri", "x"},
	} {
		if res, _ := r.push(overrides...); res.StatusCode != http.StatusBadRequest {
			t.Errorf("push with %s = %s, want 400", name, res.Status)
		}
	}
	if res := r.post("/as/par.oauth2", basic("shop", "wrong")); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("push with a wrong secret = %s, want 401", res.Status)
	}
}

// opens tells whether an authorization address leads to the login page.
func (r *rig) opens(address string) bool {
	r.t.Helper()
	res := r.do(r.request(http.MethodGet, strings.TrimPrefix(address, issuer), ""))
	return res.StatusCode == http.StatusSeeOther
}

func TestNarrowHoldsForTheNextGrants(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Narrow("jongunnars", "openid", "customer", "accounts")
	if got := r.grant("JONGUNARS").Scope; got != "openid customer" {
		t.Errorf("narrowed scope = %q, want openid customer", got)
	}
	if got := r.grant("GUDGUNNARS").Scope; got != fourAsk {
		t.Errorf("another customer's scope = %q, want all four", got)
	}
	r.Narrow("JONGUNARS", "accounts")
	if got := r.answer(sandbox.Customer{User: "JONGUNARS"}, authorizationURL()); got.Get("error") != "access_denied" {
		t.Errorf("with nothing left: %v, want access_denied", got)
	}
	r.Narrow("JONGUNARS")
	if got := r.grant("JONGUNARS").Scope; got != fourAsk {
		t.Errorf("scope after Narrow was taken back = %q, want all four", got)
	}
}

func TestCustomerSaysWhereItStopped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := sandbox.Customer{User: "NOBODY", Client: &http.Client{Transport: r.Bank}}
	if _, err := c.Authorize(t.Context(), authorizationURL()); err == nil || !strings.Contains(err.Error(), "/as/login") {
		t.Errorf("Authorize with an unknown user = %v, want an error at /as/login", err)
	}
	if _, err := c.Authorize(t.Context(), issuer+"/"); err == nil {
		t.Error("Authorize at a page without a form succeeds")
	}
}
