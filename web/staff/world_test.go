package staff

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox/workforce"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/staff/provider"
)

const (
	host   = "https://staff.example.test"
	issuer = "https://login.company.test"
)

// world is a console on a real Redis, with the company's identity provider.
type world struct {
	t       *testing.T
	server  *server
	handler http.Handler
	desk    *consent.Service
	company *workforce.Provider
	cut     bool // the line to the identity provider
	clock   time.Time
	log     strings.Builder
	id      consent.ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: time.Now()}
	keys, err := token.NewKeyring()
	must(t, err)
	store, err := redisstore.New(redisstore.Config{Client: redistest.Start(t).Client(t)})
	must(t, err)
	w.buildDesk(store, keys)
	w.company, err = workforce.New(workforce.Config{Issuer: issuer, ClientID: "console", ClientSecret: "s3", RedirectURIs: []string{host + "/callback"}, Now: w.now})
	must(t, err)
	company, err := provider.New(provider.Config{Issuer: issuer, ClientID: "console", ClientSecret: "s3", RedirectURI: host + "/callback",
		GroupsClaim: "groups", AMR: []string{"mfa"}, MaxAge: 8 * time.Hour, Transport: w, Now: w.now})
	must(t, err)
	public, err := url.Parse(host)
	must(t, err)
	w.server, err = newServer(Config{Desk: w.desk, Apps: []consent.App{shop}, Banks: []consent.Bank{bank}, Warn: []int{30, 14, 7, 3, 1}, Provider: company,
		Roles:    map[string]Role{workforce.GroupSupport: Support, workforce.GroupAuditor: Auditor, workforce.GroupAdmin: Admin},
		Sessions: store.Sessions(keys, "staff"), PublicURL: public, Customers: "https://consent.example.test",
		Idle: 15 * time.Minute, Absolute: 8 * time.Hour, Clock: w.now, Log: slog.New(slog.NewTextHandler(&w.log, nil))})
	must(t, err)
	w.handler = w.server.router()
	return w
}

var (
	shop = consent.App{ID: "shop", Name: "Súpubúðin", Banks: []string{"bank"}, ReturnURLs: map[string]string{"done": "https://shop.test/done"}}
	bank = consent.Bank{ID: "bank", Name: "Landsbankinn", Required: []string{"payments"}, NationalID: consent.Kennitala, Clock: consent.Clock{Life: 90 * day}}
)

// buildDesk makes the domain, with one consent that nobody has granted yet.
func (w *world) buildDesk(store *redisstore.Store, keys *token.Keyring) {
	w.t.Helper()
	vault, err := token.New(token.Config{Keys: keys, Store: store, Banks: map[string]token.BankEntry{"bank": {Bank: silentBank{}, Rotation: token.RotationNone, InFlight: 1}}, Lease: time.Minute, BankDeadline: 20 * time.Second, Margin: 10 * time.Second})
	must(w.t, err)
	w.desk, err = consent.New(consent.Config{Store: store, Vault: vault, Keys: keys, Banks: []consent.Bank{bank}, Apps: []consent.App{shop}})
	must(w.t, err)
	c, _, err := w.desk.Create(w.t.Context(), shop, consent.Request{Reference: "customer-17", Bank: "bank", ReturnTo: "done", Expected: "0101902989"})
	must(w.t, err)
	w.id = c.ID
}

// silentBank is never asked: nobody grants here.
type silentBank struct{ token.Bank }

func (w *world) now() time.Time { return w.clock }

// RoundTrip is the line to the identity provider.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.cut {
		return nil, io.ErrUnexpectedEOF
	}
	return w.company.RoundTrip(r)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser is somebody's, with its cookie.
type browser struct {
	w      *world
	cookie *http.Cookie
	status int
	header http.Header
	text   string
}

func (w *world) browser() *browser { return &browser{w: w} }

// do sends a request as a browser on our own page would.
func (b *browser) do(method, address string, form url.Values, change ...func(*http.Request)) *browser {
	b.w.t.Helper()
	r := httptest.NewRequestWithContext(b.w.t.Context(), method, host+address, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	for _, f := range change {
		f(r)
	}
	rec := httptest.NewRecorder()
	b.w.handler.ServeHTTP(rec, r)
	b.status, b.header, b.text = rec.Code, rec.Header(), rec.Body.String()
	for _, c := range rec.Result().Cookies() {
		if c.Name != "__Host-staff" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
			b.w.t.Errorf("cookie = %v", c)
		}
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return b
}

func (b *browser) get(address string) *browser { return b.do(http.MethodGet, address, nil) }

func (b *browser) post(address string, fields ...string) *browser {
	form := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, address, form)
}

func (b *browser) want(status int, words ...string) *browser {
	b.w.t.Helper()
	if b.status != status {
		b.w.t.Fatalf("status = %d, want %d\n%s\n%s", b.status, status, b.text, b.w.log.String())
	}
	for _, word := range words {
		if !strings.Contains(b.text, word) {
			b.w.t.Fatalf("page does not say %q:\n%s", word, b.text)
		}
	}
	return b
}

// toProvider goes as far as the provider and back, without arriving.
func (b *browser) toProvider(subject, to string) *url.URL {
	b.w.t.Helper()
	b.post("/sign-in", "to", to).want(http.StatusSeeOther)
	back, err := b.w.company.SignIn(b.header.Get("Location"), subject)
	must(b.w.t, err)
	return back
}

func (b *browser) signIn(subject string) *browser {
	b.w.t.Helper()
	back := b.toProvider(subject, "/")
	return b.get(back.RequestURI())
}
