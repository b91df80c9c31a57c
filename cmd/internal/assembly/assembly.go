// Package assembly builds consentd from its configuration: it is the one
// place that knows all parts, and holds nothing but their wiring. The
// production program, the demo and the tests that run several replicas build
// the same thing with it; what differs between them is Outside.
package assembly

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/schedule"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web"
)

// Outside is what lies outside the program. Fields left zero are made from
// the configuration.
type Outside struct {
	Redis   redis.UniversalClient
	Keys    *token.Keyring
	Bank    http.RoundTripper  // reaches every bank
	Company http.RoundTripper  // reaches the identity provider of staff
	Notify  []consent.Notifier // in place of a configured channel of the same name
	Now     func() time.Time
	Log     *slog.Logger

	Version string // for metrics
}

// Program is a consentd that is ready to serve.
type Program struct {
	Public  http.Handler // customers and apps
	Admin   http.Handler // health and metrics
	Staff   http.Handler // the staff console; nil when there is none
	Service *consent.Service
	Store   *redisstore.Store

	tls      *tls.Config // of the public listener; nil: in the clear
	vault    *token.Vault
	schedule *schedule.Schedule
	draining atomic.Bool // stopping: no new requests, please
	redis    redis.UniversalClient
	owned    bool // redis is ours to close
	log      *slog.Logger
}

// Build makes the parts and connects them. It talks to nothing; see
// [Program.Check].
func Build(c config.Config, o Outside) (*Program, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Program{redis: o.Redis, log: o.Log}
	if err := p.connect(c, o); err != nil {
		return nil, err
	}
	if err := p.build(c, o); err != nil {
		return nil, errors.Join(err, p.disconnect())
	}
	return p, nil
}

// build makes what stands on Redis.
func (p *Program) build(c config.Config, o Outside) error {
	keys, err := keyring(c, o)
	if err != nil {
		return err
	}
	if p.Store, err = redisstore.New(redisstore.Config{Client: p.redis, Retention: c.Retention}); err != nil {
		return err
	}
	if p.vault, err = newVault(c, o, keys, p.Store); err != nil {
		return err
	}
	channels, err := notifiers(c, o, p.Store)
	if err != nil {
		return err
	}
	if p.Service, err = newService(c, o, keys, channels, p); err != nil {
		return err
	}
	if p.schedule, err = newSchedule(c, p); err != nil {
		return err
	}
	if p.tls, err = listenTLS(c.ListenTLS, p.log); err != nil {
		return err
	}
	if err := p.serveStaff(c, o, keys); err != nil {
		return err
	}
	return p.serve(c, o, keys)
}

func (p *Program) connect(c config.Config, o Outside) error {
	if o.Redis != nil {
		return nil
	}
	options, err := redisOptions(c.Redis)
	if err != nil {
		return err
	}
	p.redis, p.owned = redis.NewUniversalClient(options), true
	return nil
}

// disconnect closes the connection to Redis, if it is ours.
func (p *Program) disconnect() error {
	if !p.owned {
		return nil
	}
	return p.redis.Close()
}

func newService(c config.Config, o Outside, keys *token.Keyring, channels []consent.Notifier, p *Program) (*consent.Service, error) {
	banks := make([]consent.Bank, 0, len(c.Banks))
	for _, b := range c.Banks {
		banks = append(banks, domainBank(b))
	}
	apps := make([]consent.App, 0, len(c.Apps))
	for _, a := range c.Apps {
		apps = append(apps, domainApp(a))
	}
	return consent.New(consent.Config{
		Store: p.Store, Vault: p.vault, Keys: keys, Banks: banks, Apps: apps, Notify: channels, Life: life(c),
		MinTTL: c.Refresh.MinTTLLeeway, Ahead: c.Refresh.Ahead, LinkLife: c.Links.StartLinkLife,
		FlowLife: c.Links.FlowLife, ConfirmLife: c.Links.ConfirmLife, Now: o.Now, Log: o.Log,
	})
}

func domainApp(a config.App) consent.App {
	return consent.App{ID: a.ID, Name: a.Name, Banks: a.Banks, Scopes: a.Scopes, ReturnURLs: a.ReturnURLs}
}

// serve makes the handlers.
func (p *Program) serve(c config.Config, o Outside, keys *token.Keyring) error {
	public, err := url.Parse(c.PublicURL)
	if err != nil {
		return fmt.Errorf("public_url: %w", err)
	}
	programs, err := issuers(c, o)
	if err != nil {
		return err
	}
	apis, err := bankAPIs(c, o)
	if err != nil {
		return err
	}
	registry := p.metrics(o.Version)
	p.Public, err = web.New(web.Config{
		Service: p.Service, Sessions: p.Store.Sessions(keys, "access"), Name: c.ServiceName, Apps: callers(c), Reference: c.API.Docs, PublicURL: public, BankOrigins: bankOrigins(c),
		TrustedProxies: append([]netip.Prefix{}, c.TrustedProxies...),
		BrowserLimit:   web.Limit{Requests: c.PageRateLimit.Requests, Per: c.PageRateLimit.Per},
		Uses:           p.Store,
		Issuers:        programs,
		BankAPIs:       apis,
		CallsAtOnce:    callsAtOnce(c),
		TokenDeadline:  c.Refresh.BankDeadline + 5*time.Second, Metrics: registry, Log: p.log,
	})
	p.Admin = web.NewAdmin(web.AdminConfig{
		Ready:   map[string]func(context.Context) error{"redis": p.ping, "serving": p.serving},
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), Log: p.log,
	})
	return err
}

// errDraining: a process that stops finishes what it has and wants no more.
var errDraining = errors.New("stopping")

func (p *Program) serving(context.Context) error {
	if p.draining.Load() {
		return errDraining
	}
	return nil
}

func (p *Program) ping(ctx context.Context) error { return p.redis.Ping(ctx).Err() }

// Check asks Redis whether it is fit to be the system of record. An evicting
// or forgetful server is an error unless the configuration says that it may
// be; what the server does not tell is, unless the operator vouches for it.
func (p *Program) Check(ctx context.Context, c config.Redis) error {
	risks, err := p.Store.Check(ctx)
	if err != nil {
		return fmt.Errorf("redis cannot be reached: %w", err)
	}
	var errs []error
	for _, r := range risks {
		text := fmt.Sprintf("redis %s %s", r.Setting, r.Problem)
		switch {
		case c.AllowVolatile:
			p.log.WarnContext(ctx, "redis may lose grants; redis.allow_volatile accepts it", slog.String("problem", text))
		case r.Unknown && c.Attested:
			p.log.InfoContext(ctx, "redis setting is attested by the operator", slog.String("setting", r.Setting))
		case r.Unknown:
			errs = append(errs, errors.New(text+"; if you have made sure of it, set redis.attested: true"))
		default:
			errs = append(errs, errors.New(text+"; for a demonstration only, set redis.allow_volatile: true"))
		}
	}
	return errors.Join(errs...)
}

// Close finishes what is under way, in order: background work, refreshes at
// banks, and the connection to Redis. It gives up when ctx ends.
func (p *Program) Close(ctx context.Context) error {
	return errors.Join(p.Service.Close(ctx), p.vault.Close(ctx), p.disconnect())
}
