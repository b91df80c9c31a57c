package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentd/consentd/cmd/demo/internal/fikapay"
	"github.com/consentd/consentd/cmd/demo/internal/pages"
	"github.com/consentd/consentd/cmd/demo/internal/stage"
	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/sandbox/workforce"
	"github.com/consentd/consentd/token"
)

// demo is everything that runs.
type demo struct {
	at     places
	keys   secrets
	failed chan error

	settings settings
	log      *slog.Logger
	stage    *stage.Stage
	redis    *miniredis.Miniredis
	bank     *sandbox.Bank
	company  *workforce.Provider
	consentd *assembly.Program
	sockets  map[string]net.Listener
	ends     []func(context.Context) error // in the order of starting
}

// The parts that serve HTTP.
const (
	partShop     = "shop"
	partConsentd = "consentd"
	partBank     = "bank"
	partDesk     = "desk"    // the staff console, which consentd serves
	partCompany  = "company" // where staff sign in
)

// start starts every part, after the one that it needs. On an error nothing
// runs on.
func start(s settings, log *slog.Logger) (_ *demo, err error) {
	d := &demo{settings: s, log: log, keys: newSecrets(), failed: make(chan error, 5), stage: stage.New(s.accessTTL), sockets: make(map[string]net.Listener)}
	for _, step := range []func() error{d.openSockets, d.startRedis, d.startBank, d.startCompany, d.startConsentd, d.startShop} {
		if err := step(); err != nil {
			for _, l := range d.sockets {
				_ = l.Close()
			}
			return nil, errors.Join(err, d.stop(context.Background()))
		}
	}
	return d, nil
}

// stop ends the parts in the reverse order: no new customers, then consentd
// with the refreshes that are under way, for which the bank and Redis stay.
func (d *demo) stop(ctx context.Context) error {
	var errs []error
	for _, end := range slices.Backward(d.ends) {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}

// openSockets takes all addresses first, because the parts have to know each
// other's.
func (d *demo) openSockets() error {
	for part, open := range map[string]func() (net.Listener, error){
		partShop:     func() (net.Listener, error) { return listenFor(d.settings.addr) },
		partConsentd: func() (net.Listener, error) { return listen(d.settings.consentdAddr) },
		partBank:     func() (net.Listener, error) { return listen(d.settings.bankAddr) },
		partDesk:     func() (net.Listener, error) { return listen(d.settings.staffAddr) },
		partCompany:  func() (net.Listener, error) { return listen("localhost:0") },
	} {
		l, err := open()
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		d.sockets[part] = l
	}
	d.at.shop = siteOf(d.settings.addr, d.sockets[partShop])
	d.at.consentd = siteOf(d.settings.consentdAddr, d.sockets[partConsentd])
	d.at.bank = siteOf(d.settings.bankAddr, d.sockets[partBank])
	d.at.desk = siteOf(d.settings.staffAddr, d.sockets[partDesk])
	d.at.company = siteOf("localhost:0", d.sockets[partCompany])
	return nil
}

func (d *demo) startRedis() error {
	d.redis = miniredis.NewMiniRedis()
	d.redis.ClockTTL(true)
	d.redis.RequireAuth(d.keys.redis)
	if err := d.redis.Start(); err != nil {
		return fmt.Errorf("embedded Redis: %w", err)
	}
	d.at.redis = d.redis.Addr()
	d.ends = append(d.ends, func(context.Context) error { d.redis.Close(); return nil })
	return nil
}

func (d *demo) startBank() (err error) {
	d.bank, err = sandbox.New(sandbox.Config{
		Issuer: d.at.bank, AccessTTL: d.settings.accessTTL, Rotation: d.settings.rotation, Now: d.stage.Now, Log: d.log,
		Clients: []sandbox.Client{{
			ID: "fika-pay", Name: "Fika Pay", Secret: d.keys.bankSecret, APIKey: d.keys.bankKey,
			RedirectURIs: []string{d.at.consentd + "/callback/sandbox"},
		}},
	})
	if err != nil {
		return err
	}
	d.serve(partBank, d.stage.Watch(d.bank))
	return nil
}

// startCompany starts the identity provider of the company whose staff answer
// calls. Staff's time is the machine's: moving the clock signs nobody out.
func (d *demo) startCompany() (err error) {
	d.company, err = workforce.New(workforce.Config{
		Issuer: d.at.company, ClientID: "support-desk", ClientSecret: d.keys.staffSecret,
		RedirectURIs: []string{d.at.desk + "/callback"}, BackChannel: d.at.desk + "/back-channel-logout", Log: d.log,
	})
	if err != nil {
		return err
	}
	d.serve(partCompany, d.company)
	return nil
}

// startConsentd builds the same program as production does. It is not asked
// whether its Redis keeps anything: it does not, and the greeting says so.
func (d *demo) startConsentd() error {
	c, err := configuration(d.settings, d.at, d.keys)
	if err != nil {
		return err
	}
	keys, err := token.NewKeyring()
	if err != nil {
		return err
	}
	p, err := assembly.Build(c, assembly.Outside{Keys: keys, Notify: []consent.Notifier{notify.NewMail(d.stage, c.PublicURL)}, Now: d.stage.Now, Log: d.log})
	if err != nil {
		return err
	}
	admin, err := listen("localhost:0")
	if err != nil {
		return err
	}
	d.stage.Connect(stage.Behind{Work: p.Service.Work, Ends: nextEnd(p, d.stage.Now)})
	p.Public, p.Staff = d.settings.around(partConsentd, p.Public), d.settings.around(partDesk, p.Staff)
	d.consentd = p
	d.runConsentd(p, c, admin)
	return nil
}

// nextEnd finds when the next access ends, which is when its secret is due to
// be deleted.
func nextEnd(p *assembly.Program, now func() time.Time) func(context.Context) (time.Time, error) {
	const year = 366 * 24 * time.Hour
	return func(ctx context.Context) (time.Time, error) {
		tasks, err := p.Store.DueBy(ctx, consent.TaskExpire, now().Add(year))
		var first time.Time
		for _, t := range tasks {
			if first.IsZero() || t.Due.Before(first) {
				first = t.Due
			}
		}
		return first, err
	}
}

func (d *demo) runConsentd(p *assembly.Program, c config.Config, admin net.Listener) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		err := p.Serve(ctx, assembly.Listeners{Public: d.sockets[partConsentd], Admin: admin, Staff: d.sockets[partDesk]}, c.ShutdownTimeout)
		if ctx.Err() == nil {
			d.failed <- err
			err = nil // told
		}
		ended <- err
	}()
	d.ends = append(d.ends, func(ctx context.Context) error {
		end()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return fmt.Errorf("consentd does not end: %w", ctx.Err())
		}
	})
}

func (d *demo) startShop() error {
	frame, err := pages.New(d.view, d.log)
	if err != nil {
		return err
	}
	app, err := fikapay.New(fikapay.Config{
		Consentd: fikapay.Door{URL: d.at.consentd, Key: d.keys.apiKey}, Bank: fikapay.Door{URL: d.at.bank, Key: d.keys.bankKey},
		BankID: "sandbox", BankName: "Sandbox Bank", Customers: customers(d.bank.Users()), Pages: frame, Now: d.stage.Now, Log: d.log,
		BankUser: func(c fikapay.Customer) string { return d.at.bank + "/onlinebank?user=" + c.ID },
		Tell:     d.stage.Tell,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.StripPrefix("/static/", pages.Static()))
	mux.Handle("GET /inbox", d.stage.Inbox(frame))
	mux.HandleFunc("GET /inbox/{id}", d.stage.Letter)
	mux.HandleFunc("POST /stage/{act}", d.stage.Act)
	mux.HandleFunc("GET /clock", d.stage.Clock)
	mux.HandleFunc("POST /clock", d.stage.Clock)
	mux.Handle("/", app.Handler())
	d.serve(partShop, atHome(d.at.shop, http.NewCrossOriginProtection().Handler(mux)))
	return nil
}

// view is what pages show around them.
func (d *demo) view() pages.Stage {
	v := d.stage.View()
	v.Desk = d.at.desk
	return v
}

// serve serves a part of which consentd is not one.
func (d *demo) serve(part string, h http.Handler) {
	server := assembly.NewServer(d.settings.around(part, h), d.log)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(d.sockets[part]); !errors.Is(err, http.ErrServerClosed) {
			d.failed <- fmt.Errorf("%s: %w", part, err)
		}
	}()
	d.ends = append(d.ends, func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		<-ended
		return err
	})
}

// customers are the bank's six, as Fika Pay knows them.
func customers(users []sandbox.User) []fikapay.Customer {
	comments := map[string]string{
		"JONGUNARS":  "Start with him: everything works",
		"SIGGIOLAFS": "The bank finds none of his accounts",
		"GUDEINARS":  "His main account is not one to pay from",
		"ANNAEINARS": "Has used up her daily limit",
	}
	var all []fikapay.Customer
	for _, u := range users {
		c := fikapay.Customer{ID: u.UserName, Name: u.Name, NationalID: u.Kennitala, Primary: u.Primary, Secondary: u.Secondary, Comment: comments[u.UserName]}
		c.Email = strings.ToLower(u.UserName) + "@example.com"
		if c.Primary == "" { // what a customer might type whom the bank does not find
			c.Primary, c.Secondary = "013826020180", "015826020180"
		}
		all = append(all, c)
	}
	return all
}
