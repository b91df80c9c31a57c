// Package web is what the world reaches of consentd over HTTP: the API for
// apps, the pages for customers, and health and metrics for operators. It is
// the only package that knows Echo.
//
// It decides nothing about consents: package consent does. What it adds is
// who is asking (an app by its API key, a browser by its cookie), what a
// request may look like, and how an answer reads: one table (answers.go) says
// for each error of the domain what an app and what a customer is told.
//
// What holds for every answer:
//
//   - An app reaches its own consents only; another app's is "not found".
//   - Looking at a page changes nothing, whatever looks: what acts is a POST
//     that a browser says came from our own page. The one exception is the
//     return from the bank, which works once and for one browser.
//   - Addresses that we make start with Config.PublicURL, never with a Host
//     header, and customers leave for registered addresses only.
//   - The log and the metrics name routes, never addresses: those hold secrets.
//   - Every call of the API names an operation, and an app calls what it may.
//   - Apps and browsers are limited in how often they call, by each process for
//     itself: Redis is not asked, so that its outage changes no limit.
//
// A hand-out may wait Config.TokenDeadline, a call to a bank a minute after its
// hand-out, a return from the bank as long as the bank's deadline, and a look at
// the events 20 seconds: the listener's write time-out must exceed them all.
package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/gate"
	"github.com/consentd/consentd/web/workload"
)

// Config configures the handler that [New] makes.
type Config struct {
	Service  *consent.Service // required
	Sessions Sessions         // of customers; required
	Apps     []AppKeys

	// PublicURL is our scheme and host as the world sees them; required. With
	// https, cookies are Secure and browsers are told to stay on https.
	PublicURL *url.URL

	// Name is what the service is called at the top of each page; empty: what
	// the catalogue of texts calls it.
	Name string

	// BankOrigins says for a bank id on which origins its sign-in takes
	// place, separated by spaces: browsers refuse to follow our redirect
	// elsewhere. A bank that is not listed may sign in on any https origin.
	BankOrigins map[string]string

	// TrustedProxies are those whose X-Forwarded-For is believed; empty: no
	// proxy stands before us.
	TrustedProxies []netip.Prefix

	BankAPIs     map[string]BankAPI // by the bank's id, of those that apps may call
	CallsAtOnce  map[string]int     // by the bank's id: how many calls of apps may be open there; 0: any
	Issuers      *workload.Issuers  // of tokens of workloads; nil: there are none
	BrowserLimit Limit              // for each address that browsers come from
	Uses         Uses               // nil: nobody keeps when a credential was used
	Reference    bool               // whether the API's reference is served at /docs and /openapi.yaml

	TokenDeadline time.Duration         // how long a hand-out may wait for a refresh; default 25 s
	Metrics       prometheus.Registerer // nil: nothing is measured
	Log           *slog.Logger          // default: discard
}

// AppKeys is an app: how it is known, and what it may do.
type AppKeys struct {
	App          consent.App
	Colour       string   // of the pages about it, as #rrggbb; empty: our own
	KeyHashes    []string // as [NewAPIKey] makes them; two, while one key follows another
	Workloads    []Workload
	Certificates []string    // DNS names and URIs in certificates that our TLS has verified
	Operations   []Operation // nil: all but [OpEgress]
	Calls        []string    // with [OpEgress]: a method and a path each, such as GET /v1/payments/*
	CallsAtOnce  int         // how many of them may be open; 0: any
	Limit        Limit
}

const defaultTokenDeadline = 25 * time.Second

// server is what the handlers share.
type server struct {
	c         Config
	service   *consent.Service
	keys      keyring
	programs  workloads
	certified certificates
	browsers  *gate.Addresses
	rooms     map[string]*room // by bank
	pages     *pages
	headers   headers
	reference *reference // nil: not served
	origin    *http.CrossOriginProtection
	routes    map[string]bool
	metrics   *metrics
	log       *slog.Logger
}

// New checks the configuration, reports everything that is wrong with it, and
// returns the handler of the public listener.
func New(c Config) (http.Handler, error) {
	if c.Service == nil || c.PublicURL == nil {
		return nil, errors.New("web: service and public URL are required")
	}
	if c.TokenDeadline == 0 {
		c.TokenDeadline = defaultTokenDeadline
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	clients, badClients := newClients(c.Apps)
	keys, badKeys := newKeyring(clients)
	programs, badWorkloads := newWorkloads(clients)
	certified, badCertificates := newCertificates(clients)
	pages, badPages := newPages(c.Name, c.Apps)
	metrics, badMetrics := newMetrics(c.Metrics)
	_, badContract := jsonBodies()
	errs := []error{checkSessions(c.Sessions), badContract, checkPublicURL(c.PublicURL), checkReturnURLs(c.Apps), badClients, badKeys, badWorkloads, badCertificates, badPages, badMetrics, c.BrowserLimit.Check()}
	for bank, origins := range c.BankOrigins {
		errs = append(errs, checkBankOrigins(bank, origins))
	}
	s := &server{
		c: c, service: c.Service, keys: keys, programs: programs, certified: certified, browsers: gate.NewAddresses(c.BrowserLimit), rooms: newRooms(c), pages: pages, metrics: metrics, log: c.Log,
		headers: newHeaders(c.PublicURL.Scheme == "https"), origin: http.NewCrossOriginProtection(),
	}
	if c.Reference {
		var err error
		s.reference, err = newReference(c.PublicURL.Scheme + "://" + c.PublicURL.Host)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := s.origin.AddTrustedOrigin(c.PublicURL.Scheme + "://" + c.PublicURL.Host); err != nil {
		return nil, fmt.Errorf("web: public URL: %w", err)
	}
	return s.router()
}

func (s *server) router() (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = gate.IPExtractor(s.c.TrustedProxies)
	e.Use(s.around)
	api := s.api()
	for _, r := range api {
		e.Add(r.method, r.path, s.handlerOf(r))
	}
	s.routePages(e)
	s.routeReference(e)
	s.routes = make(map[string]bool)
	for _, r := range e.Routes() {
		s.routes[r.Path] = true
	}
	return e, checkRoutes(e.Routes(), api)
}

// api is every call that an app can make.
func (s *server) api() []apiRoute {
	const one = "/v1/consents/:id"
	all := []apiRoute{
		{method: http.MethodPost, path: "/v1/consents", operation: OpCreate, answer: s.createConsent},
		{method: http.MethodGet, path: "/v1/consents", operation: OpRead, answer: s.listConsents},
		{method: http.MethodGet, path: "/v1/events", operation: OpRead, answer: s.events},
		{method: http.MethodGet, path: one, operation: OpRead, answer: s.showConsent},
		{method: http.MethodPost, path: one + "/token", operation: OpToken, answer: s.handOut},
		{method: http.MethodPost, path: one + "/confirm", operation: OpConfirm, answer: s.confirm},
		{method: http.MethodPost, path: one + "/renewal", operation: OpRenew, answer: s.renew},
		{method: http.MethodDelete, path: one, operation: OpRevoke, answer: s.stop},
		{method: http.MethodPost, path: one + "/report", operation: OpReport, answer: s.report},
		{method: http.MethodGet, path: one + "/proof", operation: OpRead, answer: s.proof},
		{method: http.MethodPost, path: "/v1/access-links", operation: OpRenew, also: []Operation{OpRead, OpRevoke}, answer: s.linkToAccess},
		{method: http.MethodPost, path: "/v1/erasures", operation: OpErase, answer: s.erase},
		{method: http.MethodGet, path: "/v1/me", operation: OpRead, answer: s.me},
		{method: http.MethodPost, path: pathExchange, operation: OpToken, own: s.exchange},
	}
	for _, method := range callMethods {
		all = append(all, apiRoute{method: method, path: one + "/bank/*", operation: OpEgress, answer: s.egress})
	}
	return all
}

func (s *server) routePages(e *echo.Echo) {
	shown := func(path string, h handler) {
		e.GET(path, on(h))
		e.HEAD(path, on(h))
	}
	shown("/", s.front)
	shown("/robots.txt", robots)
	shown("/static/:name", s.static)
	shown("/problems", s.problemList)
	shown("/problems/:code", s.problemPage)

	shown("/c/:link", s.limited(s.ask))
	e.POST("/c/:link", s.fromOurPage(s.limited(s.begin)))
	e.GET(callbackPath, on(s.limited(s.callback)))
	e.HEAD(callbackPath, on(callbackProbe))
	shown("/back/:ref", s.limited(s.result))
	shown("/back/:ref/return", s.limited(s.toApp))
	e.POST("/back/:ref/retry", s.fromOurPage(s.limited(s.retry)))

	shown("/m/:link", s.limited(s.toManage))
	shown("/m/:link/", s.limited(s.manage))
	e.POST("/m/:link/renew", s.fromOurPage(s.limited(s.renewFromMail)))
	shown("/m/:link/stop", s.limited(s.askToStop))
	e.POST("/m/:link/stop", s.fromOurPage(s.limited(s.stopFromMail)))
	s.routeReminders(e)
	s.routeAccess(e, shown)
}

func checkPublicURL(u *url.URL) error {
	if !isWeb(u) || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("web: the public URL must be scheme://host, without a path")
	}
	return nil
}

func checkSessions(s Sessions) error {
	if s == nil {
		return errors.New("web: sessions are required")
	}
	return nil
}

func checkReturnURLs(apps []AppKeys) error {
	var errs []error
	for _, a := range apps {
		for id, raw := range a.App.ReturnURLs {
			if u, err := url.Parse(raw); err != nil || !isWeb(u) {
				errs = append(errs, fmt.Errorf("web: app %q: return URL %q is not an http or https address", a.App.ID, id))
			}
		}
	}
	return errors.Join(errs...)
}

func checkBankOrigins(bank, origins string) error {
	for origin := range strings.FieldsSeq(origins) {
		u, err := url.Parse(origin)
		if err != nil || !isWeb(u) || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(origin, ";,'\"*") {
			return fmt.Errorf("web: bank %q: %q is not an origin (scheme://host)", bank, origin)
		}
	}
	return nil
}

// isWeb reports whether u is an address that a browser can be sent to.
func isWeb(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Opaque == ""
}
