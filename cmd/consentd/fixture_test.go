package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web"
)

const (
	issuer   = "http://bank.test"
	gudrun   = "GUDGUNNARS"
	gudrunID = "0401809999"
	customer = "customer-canary-17"
	address  = "canary-17@example.is"
	secret   = "bank-secret-canary"
)

// asMain makes the test's own binary behave as consentd, for tests that need
// a process.
const asMain = "CONSENTD_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// outcome is what a command left behind.
type outcome struct {
	code      int
	out, talk string
}

// consentd runs a command as a shell would, without a process.
func consentd(t testing.TB, environ []string, stdin string, args ...string) outcome {
	t.Helper()
	var out bytes.Buffer
	var talk record // the Redis library talks to whoever came last
	code := run(t.Context(), args, environ, strings.NewReader(stdin), &out, &talk)
	return outcome{code: code, out: out.String(), talk: talk.String()}
}

// says fails unless the command talked about each of these.
func (o outcome) says(t testing.TB, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code = %d, want %d\nout: %s\ntalk: %s", o.code, code, o.out, o.talk)
	}
	for _, text := range texts {
		if !strings.Contains(o.talk, text) {
			t.Errorf("nothing is said of %q:\n%s", text, o.talk)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site is an installation on a real Redis with the sandbox as its bank: files
// for the program, and everything that lies outside of it.
type site struct {
	t       testing.TB
	redis   *redistest.Server
	config  string // path
	keys    string // path
	key     token.Secret
	bank    *sandbox.Bank
	door    http.RoundTripper // to the bank
	ahead   atomic.Int64      // how far the clock was moved
	public  net.Listener      // of the first replica
	servers []*httptest.Server
	program *assembly.Program // of the newest replica
	log     *record
	level   slog.Level
}

const settings = `environment: test
public_url: %s
listen: 127.0.0.1:0
admin_listen: 127.0.0.1:0
keys_file: %s
rate_limit: {requests: 0}
page_rate_limit: {requests: 0}
redis: {addresses: ["%s"]}
banks:
  - {profile: sandbox, issuer: "%s", client_id: consentd, client_secret: %s}
apps:
  - id: shop
    name: Shop
    key_hashes: [%s]
    banks: [sandbox]
    return_urls: {done: "https://shop.test/done"}
`

func newSite(t testing.TB, redis *redistest.Server) *site {
	t.Helper()
	s := &site{t: t, redis: redis, log: &record{}, level: slog.LevelDebug}
	var err error
	s.public, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = s.public.Close() })
	s.bank, err = sandbox.New(sandbox.Config{Issuer: issuer, Rotation: sandbox.Strict(), Now: s.now, Clients: []sandbox.Client{
		{ID: "consentd", Secret: secret, APIKey: apiKey, RedirectURIs: []string{s.url() + "/callback/sandbox"}}}})
	must(t, err)
	s.door = s.bank
	dir := t.TempDir()
	s.keys, s.config = filepath.Join(dir, "keys.json"), filepath.Join(dir, "consentd.yaml")
	consentd(t, nil, "", "keys", "init", s.keys).says(t, exitOK)
	var hash string
	s.key, hash = web.NewAPIKey()
	text := fmt.Sprintf(settings, s.url(), s.keys, redis.Addr, issuer, secret, hash)
	must(t, os.WriteFile(s.config, []byte(text), 0o600))
	return s
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// url is the public address.
func (s *site) url() string { return "http://" + s.public.Addr().String() }

// build makes the program as serve does, but with the sandbox as its bank and
// a clock that can be moved.
func (s *site) build() *assembly.Program {
	s.t.Helper()
	p := s.assemble()
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			s.t.Errorf("Close() = %v", err)
		}
	})
	return p
}

// assemble is build for a program that closes itself.
func (s *site) assemble() *assembly.Program {
	s.t.Helper()
	c, err := config.Load(s.config, nil)
	must(s.t, err)
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: s.level}))
	p, err := assembly.Build(c, assembly.Outside{Bank: s.door, Now: s.now, Log: log})
	must(s.t, err)
	return p
}

// replica starts one more process, as far as processes matter here: parts of
// its own, connections of its own. The first has the public address.
func (s *site) replica() *httptest.Server {
	s.t.Helper()
	s.program = s.build()
	server := httptest.NewUnstartedServer(s.program.Public)
	if len(s.servers) == 0 {
		must(s.t, server.Listener.Close())
		server.Listener = s.public
	}
	server.Start()
	s.t.Cleanup(server.Close)
	s.servers = append(s.servers, server)
	return server
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	json   map[string]any
}

func (r reply) str(name string) string { s, _ := r.json[name].(string); return s }

// call is one request of the app, with its key unless key is empty.
func call(t testing.TB, key token.Secret, method, address string, body any) (reply, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		must(t, err)
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, in)
	if err != nil {
		return reply{}, err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	out := reply{status: res.StatusCode, header: res.Header}
	return out, json.NewDecoder(res.Body).Decode(&out.json)
}

func (s *site) call(method, address string, body any) reply {
	s.t.Helper()
	r, err := call(s.t, s.key, method, address, body)
	must(s.t, err)
	return r
}

// grant plays app and customer from the first request to a valid consent, by
// way of the hosted pages and the bank's.
func (s *site) grant() consent.ID {
	s.t.Helper()
	made := s.call("POST", s.url()+"/v1/consents", map[string]any{
		"customer_reference": customer, "bank": "sandbox", "return_to": "done", "expected_national_id": gudrunID,
		"contact": map[string]any{"email": address}})
	if made.status != http.StatusCreated {
		s.t.Fatalf("POST /v1/consents = %d %v", made.status, made.json)
	}
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page := made.str("page_url")
	s.visit(browser, http.MethodGet, page, http.StatusOK)
	toBank := s.visit(browser, http.MethodPost, page, http.StatusSeeOther)
	back, err := sandbox.Customer{User: gudrun, Client: &http.Client{Transport: s.bank}}.Authorize(s.t.Context(), toBank)
	must(s.t, err)
	s.visit(browser, http.MethodGet, back, http.StatusSeeOther)
	id := made.str("id")
	if got := s.call("GET", s.url()+"/v1/consents/"+id, nil); got.str("status") != "valid" {
		s.t.Fatalf("consent is %v, want valid", got.json)
	}
	return consent.ID(id)
}

// textVersion is that of the wording which a page asks with: its form sends it
// along.
var textVersion = regexp.MustCompile(`<input type="hidden" name="text" value="([^"]+)">`)

// visit opens an address in a browser, or opens it and presses its button, and
// returns where that leads.
func (s *site) visit(browser *http.Client, method, address string, want int) string {
	s.t.Helper()
	form := url.Values{}
	if method == http.MethodPost {
		_, page := s.do(browser, http.MethodGet, address, nil)
		if m := textVersion.FindStringSubmatch(page); m != nil {
			form.Set("text", m[1])
		}
	}
	res, _ := s.do(browser, method, address, form)
	if res.StatusCode != want {
		s.t.Fatalf("%s %s = %d, want %d", method, res.Request.URL.Path, res.StatusCode, want)
	}
	return res.Header.Get("Location")
}

func (s *site) do(browser *http.Client, method, address string, form url.Values) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(form.Encode()))
	must(s.t, err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := browser.Do(r)
	must(s.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(s.t, err)
	return res, string(body)
}
