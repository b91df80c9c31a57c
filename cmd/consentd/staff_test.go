package main

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox/workforce"
)

// console is a consentd with a staff console, and the company's identity
// provider.
type console struct {
	t       *testing.T
	url     string // of the console
	company *workforce.Provider
	client  *http.Client
}

// newConsole returns what a process needs to know of it, too.
func newConsole(t *testing.T) (*console, []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	listen := l.Addr().String()
	must(t, l.Close())
	jar, err := cookiejar.New(nil)
	must(t, err)
	c := &console{t: t, url: "http://" + listen, client: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	server := httptest.NewUnstartedServer(nil)
	login := "http://" + server.Listener.Addr().String()
	c.company, err = workforce.New(workforce.Config{Issuer: login, ClientID: "console", ClientSecret: "s3", RedirectURIs: []string{c.url + "/callback"}})
	must(t, err)
	server.Config.Handler = c.company
	server.Start()
	t.Cleanup(server.Close)
	return c, []string{"CONSENTD_STAFF_LISTEN=" + listen, "CONSENTD_STAFF_PUBLIC_URL=" + c.url, "CONSENTD_STAFF_ISSUER=" + login,
		"CONSENTD_STAFF_CLIENT_ID=console", "CONSENTD_STAFF_CLIENT_SECRET=s3", "CONSENTD_STAFF_AMR=mfa", "CONSENTD_STAFF_ROLES_SUPPORT=support"}
}

// ask sends what a browser on the console's own page would.
func (c *console) ask(method, address string, form url.Values, change ...func(*http.Request)) (status int, text, to string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, address, strings.NewReader(form.Encode()))
	must(c.t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", c.url)
	}
	for _, f := range change {
		f(r)
	}
	res, err := c.client.Do(r)
	must(c.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(c.t, err)
	return res.StatusCode, string(body), res.Header.Get("Location")
}

// TestServeStaffConsole runs a process with a console on a listener of its
// own: it is there, and nowhere else, and somebody signs in and is signed out.
func TestServeStaffConsole(t *testing.T) {
	t.Parallel()
	c, environ := newConsole(t)
	cmd, v := process(t, newSite(t, redistest.Start(t)), environ...)
	if !strings.Contains(v.log.String(), `"staff_listen":"`+strings.TrimPrefix(c.url, "http://")+`"`) {
		t.Errorf("the log does not say where the console is:\n%s", v.log)
	}
	as := func(host string) func(*http.Request) {
		return func(r *http.Request) { r.Host = strings.TrimPrefix(host, "http://") }
	}
	for _, test := range []struct {
		at, path, host string
		want           int
	}{
		{c.url, "/sign-in", c.url, http.StatusOK}, {c.url, "/sign-in", v.listen, http.StatusMisdirectedRequest},
		{v.listen, "/sign-in", v.listen, http.StatusNotFound}, {v.listen, "/sign-in", c.url, http.StatusNotFound},
		{v.listen, "/overview", c.url, http.StatusNotFound}, {v.admin, "/sign-in", c.url, http.StatusNotFound},
		{c.url, "/v1/consents/" + aConsent, c.url, http.StatusNotFound}, {c.url, "/c/x", c.url, http.StatusNotFound},
		{c.url, "/metrics", c.url, http.StatusNotFound}, {c.url, "/livez", c.url, http.StatusNotFound},
	} {
		if status, _, _ := c.ask(http.MethodGet, test.at+test.path, nil, as(test.host)); status != test.want {
			t.Errorf("GET %s%s as %s = %d, want %d", test.at, test.path, test.host, status, test.want)
		}
	}
	_, _, away := c.ask(http.MethodPost, c.url+"/sign-in", url.Values{"to": {"/overview"}})
	back, err := c.company.SignIn(away, "audur")
	must(t, err)
	if status, text, to := c.ask(http.MethodGet, back.String(), nil); status != http.StatusSeeOther || to != "/overview" {
		t.Fatalf("back from the company = %d to %q:\n%s\n%s", status, to, text, v.log)
	}
	if status, text, _ := c.ask(http.MethodGet, c.url+"/overview", nil); status != http.StatusOK || !strings.Contains(text, "Auður") {
		t.Errorf("GET /overview = %d\n%s", status, text)
	}
	signedOut, err := c.company.LogoutToken("logout+jwt", "audur", "", nil)
	must(t, err)
	if status, text, _ := c.ask(http.MethodPost, c.url+"/back-channel-logout", url.Values{"logout_token": {signedOut}}); status != http.StatusOK {
		t.Errorf("POST /back-channel-logout = %d %s\n%s", status, text, v.log)
	}
	if status, _, to := c.ask(http.MethodGet, c.url+"/overview", nil); status != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in") {
		t.Errorf("GET /overview after signing out at the company = %d to %q", status, to)
	}
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if code := <-v.ended; code != exitOK {
		t.Errorf("serve ended with %d:\n%s", code, v.log)
	}
}
