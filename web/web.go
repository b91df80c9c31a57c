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
//
// There are no rate limits here yet: put a proxy that has them in front. A
// hand-out may wait Config.TokenDeadline, a return from the bank as long as the
// bank's deadline, and a look at the events 20 seconds: the listener's write
// time-out must exceed them all.
package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/consentd/consentd/consent"
)

// Config configures the handler that [New] makes.
type Config struct {
	Service *consent.Service // required
	Apps    []AppKeys

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

	Reference bool // whether the API's reference is served at /docs and /openapi.yaml

	TokenDeadline time.Duration         // how long a hand-out may wait for a refresh; default 25 s
	Metrics       prometheus.Registerer // nil: nothing is measured
	Log           *slog.Logger          // default: discard
}

// AppKeys is an app with the hashes of its API keys, as [NewAPIKey] makes
// them. Several, so that a key can be changed without a gap.
type AppKeys struct {
	App       consent.App
	KeyHashes []string
	Colour    string // of the pages about it, as #rrggbb; empty: our own
}

const defaultTokenDeadline = 25 * time.Second

// server is what the handlers share.
type server struct {
	c         Config
	service   *consent.Service
	keys      keyring
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
	keys, badKeys := newKeyring(c.Apps)
	pages, badPages := newPages(c.Name, c.Apps)
	metrics, badMetrics := newMetrics(c.Metrics)
	_, badContract := jsonBodies()
	errs := []error{badContract, checkPublicURL(c.PublicURL), checkReturnURLs(c.Apps), badKeys, badPages, badMetrics}
	for bank, origins := range c.BankOrigins {
		errs = append(errs, checkBankOrigins(bank, origins))
	}
	s := &server{
		c: c, service: c.Service, keys: keys, pages: pages, metrics: metrics, log: c.Log,
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
	return s.router(), nil
}

func (s *server) router() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard)
	e.IPExtractor = ipExtractor(s.c.TrustedProxies)
	e.Use(s.around)
	s.routeAPI(e)
	s.routePages(e)
	s.routeReference(e)
	s.routes = make(map[string]bool)
	for _, r := range e.Routes() {
		s.routes[r.Path] = true
	}
	return e
}

func (s *server) routeAPI(e *echo.Echo) {
	e.POST("/v1/consents", s.forApp(s.createConsent))
	e.GET("/v1/events", s.forApp(s.events))
	e.GET("/v1/consents", s.forApp(s.listConsents))
	e.GET("/v1/consents/:id", s.forApp(s.showConsent))
	e.POST("/v1/consents/:id/token", s.forApp(s.handOut))
	e.POST("/v1/consents/:id/confirm", s.forApp(s.confirm))
	e.POST("/v1/consents/:id/renewal", s.forApp(s.renew))
	e.DELETE("/v1/consents/:id", s.forApp(s.stop))
	e.POST("/v1/consents/:id/report", s.forApp(s.report))
	e.GET("/v1/consents/:id/proof", s.forApp(s.proof))
	e.POST("/v1/erasures", s.forApp(s.erase))
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

	shown("/c/:link", s.ask)
	e.POST("/c/:link", s.fromOurPage(s.begin))
	e.GET(callbackPath, on(s.callback))
	e.HEAD(callbackPath, on(callbackProbe))
	shown("/back/:ref", s.result)
	shown("/back/:ref/return", s.toApp)
	e.POST("/back/:ref/retry", s.fromOurPage(s.retry))

	shown("/m/:link", s.toManage)
	shown("/m/:link/", s.manage)
	e.POST("/m/:link/renew", s.fromOurPage(s.renewFromMail))
	shown("/m/:link/stop", s.askToStop)
	e.POST("/m/:link/stop", s.fromOurPage(s.stopFromMail))
	s.routeReminders(e)
}

func ipExtractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		p = p.Masked()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

func checkPublicURL(u *url.URL) error {
	if !isWeb(u) || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("web: the public URL must be scheme://host, without a path")
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
