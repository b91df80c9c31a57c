package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
	"github.com/consentd/consentd/web"
	"github.com/consentd/consentd/web/workload"
)

const (
	issuer   = "https://bank.test"
	gudrun   = "GUDGUNNARS"
	gudrunID = "0401809999"
	kristin  = "KRISTOLAFS"
	sought   = "https://shop.test/bank/done?basket=7"
)

// world is the whole of consentd behind its handler, on an embedded Redis and
// with the sandbox as its bank.
type world struct {
	t        testing.TB
	url      string
	server   *httptest.Server
	handler  http.Handler
	service  *consent.Service
	redis    *miniredis.Miniredis
	bank     *sandbox.Bank
	bankDoor http.RoundTripper
	key      token.Secret // of the app "shop"
	otherKey token.Secret // of the app "lender"
	log      *safeBuffer
	registry *prometheus.Registry
	postman  *postman
	store    consent.Store
	sessions web.Sessions
	ahead    atomic.Int64 // how far the clock was moved
	panics   atomic.Bool  // whoever asks for the time

	mu    sync.Mutex
	pages []string // every page that a browser was shown
}

// setting changes the world before it begins.
type setting func(*settings)

type settings struct {
	app      consent.App
	bank     consent.Bank
	bankDoor func(http.RoundTripper) http.RoundTripper
	store    func(consent.Store) consent.Store
	public   string
	deadline time.Duration

	operations []web.Operation
	limit      web.Limit // of the app "shop"
	browsers   web.Limit
	calls      []string // of the app "shop"
	open       int      // how many of those calls may be open
	openAtBank int
	uses       web.Uses
	issuers    *workload.Issuers
	workloads  []web.Workload // of the app "shop"
	others     []web.Workload // of the app "lender"

	certificates, otherCertificates []string // of the two

	noReference bool
	colour      string // of the app
	name        string // of the service
}

func newWorld(t testing.TB, with ...setting) *world {
	t.Helper()
	w := &world{t: t, log: &safeBuffer{}, postman: &postman{}, registry: prometheus.NewRegistry()}
	w.server = httptest.NewUnstartedServer(nil)
	w.url = "http://" + w.server.Listener.Addr().String()
	required := []string{"openid", "profile", "customer", "payments"}
	s := settings{
		public: w.url,
		app: consent.App{ID: "shop", Name: "Súpubúðin", Banks: []string{"sandbox"}, Scopes: []string{"accounts"},
			ReturnURLs: map[string]string{"done": sought}},
		bank: consent.Bank{ID: "sandbox", Name: "Landsbankinn", Required: required, Optional: []string{"accounts"},
			IndividualsOnly: true, NationalID: consent.Kennitala, Clock: consent.Clock{Life: 90 * 24 * time.Hour, Margin: 10 * time.Minute}, OnlineBank: true, SignIn: true,
			BusinessCodes: []string{"ERR_80102_110", "ERR_80102_111", "ERR_80102_112"}},
		bankDoor: func(r http.RoundTripper) http.RoundTripper { return r },
		store:    func(s consent.Store) consent.Store { return s },
	}
	for _, change := range with {
		change(&s)
	}
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.openBank(s)
	w.build(s, logger)
	w.server.Config.Handler = contracted(t, w.handler)
	w.server.Start()
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) now() time.Time {
	if w.panics.Load() {
		panic("panic-canary")
	}
	return time.Now().Add(time.Duration(w.ahead.Load()))
}

// pass moves the clock of everything.
func (w *world) pass(d time.Duration) {
	w.ahead.Add(int64(d))
	w.redis.FastForward(d)
}

func (w *world) openBank(s settings) {
	w.t.Helper()
	bank, err := sandbox.New(sandbox.Config{Issuer: issuer, Now: w.now, Clients: []sandbox.Client{{
		ID: "consentd", Secret: "bank-secret-canary", Name: "consentd", APIKey: "apikey", RedirectURIs: []string{w.url + "/callback/sandbox"},
	}}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.bank, w.bankDoor = bank, s.bankDoor(bank)
}

func (w *world) build(s settings, logger *slog.Logger) {
	w.t.Helper()
	m, client := redistest.Embedded(w.t)
	w.redis = m
	onRedis, err := redisstore.New(redisstore.Config{Client: client})
	w.check(err)
	store := s.store(onRedis)
	w.store = onRedis
	keys, err := token.NewKeyring()
	w.check(err)
	w.sessions = onRedis.Sessions(keys, "access")
	bank, err := oauthbank.New(oauthbank.Config{
		ID: "sandbox", Issuer: issuer, DiscoveryURL: issuer, ClientID: "consentd", ClientSecret: "bank-secret-canary",
		ClientAuth: oauthbank.ClientSecretBasic, PKCE: true, RedirectURI: w.url + "/callback/sandbox", AllowInsecure: true,
		NationalIDClaim: "kennitala", Transport: w.bankDoor, Now: w.now, Log: logger, Deadline: 2 * time.Second,
	})
	w.check(err)
	vault, err := token.New(token.Config{Keys: keys, Store: store, Now: w.now, Log: logger,
		Banks: map[string]token.BankEntry{"sandbox": {Bank: bank, Rotation: token.RotationNone, InFlight: 4}},
		Lease: 60 * time.Second, BankDeadline: 3 * time.Second, Margin: 10 * time.Second})
	w.check(err)
	lender := consent.App{ID: "lender", Name: "Lender", Banks: []string{"sandbox"}, ReturnURLs: map[string]string{"done": "https://lender.test/"}}
	w.service, err = consent.New(consent.Config{Store: store, Vault: vault, Keys: keys, Banks: []consent.Bank{s.bank},
		Apps: []consent.App{s.app, lender}, Notify: []consent.Notifier{w.postman, notify.NewLog(onRedis)}, Now: w.now, Log: logger})
	w.check(err)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, _ = w.service.Close(ctx), vault.Close(ctx)
	})
	public, err := url.Parse(s.public)
	w.check(err)
	var hash, otherHash string
	w.key, hash = web.NewAPIKey()
	w.otherKey, otherHash = web.NewAPIKey()
	api, err := oauthbank.NewAPI(oauthbank.APIConfig{Bank: "sandbox", BaseURL: issuer, KeyHeader: "apikey", Key: "apikey",
		RequestID: oauthbank.RequestIDAlnum32, Transport: w.bankDoor})
	w.check(err)
	w.handler, err = web.New(web.Config{
		BankAPIs: map[string]web.BankAPI{"sandbox": api}, CallsAtOnce: map[string]int{"sandbox": s.openAtBank}, Name: s.name,
		Service: w.service, Sessions: w.sessions, PublicURL: public, Reference: !s.noReference, BankOrigins: map[string]string{"sandbox": issuer}, Log: logger, Metrics: w.registry, TokenDeadline: s.deadline,
		BrowserLimit: s.browsers, Uses: s.uses, Issuers: s.issuers,
		Apps: []web.AppKeys{{App: s.app, KeyHashes: []string{hash}, Colour: s.colour, Workloads: s.workloads, Certificates: s.certificates, Operations: s.operations, Calls: s.calls, CallsAtOnce: s.open, Limit: s.limit},
			{App: lender, KeyHashes: []string{otherHash}, Workloads: s.others, Certificates: s.otherCertificates}},
	})
	w.check(err)
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// safeBuffer is a log that several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
