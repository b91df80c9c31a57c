package consent_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

const (
	issuer   = "http://bank.test"
	callback = "http://consent.test/callback/"

	gudrun        = "GUDGUNNARS"
	gudrunID      = token.Secret("0401809999")
	anna          = "ANNAEINARS"
	consentLife   = 90 * 24 * time.Hour
	consentMargin = 10 * time.Minute
)

var shop = consent.App{ID: "shop", Name: "Shop", Banks: []string{"sandbox", "second"}, Scopes: []string{"accounts"},
	ReturnURLs: map[string]string{"done": "https://shop.test/done"}}

// house is consentd's domain between a sandbox bank and an embedded Redis.
type house struct {
	*consent.Service
	config consent.Config
	bank   *sandbox.Bank
	second *sandbox.Bank
	redis  *miniredis.Miniredis
	store  *redisstore.Store
	vault  *token.Vault
	mail   *told
	hook   *told
}

// told keeps the events that customers were told.
type told struct {
	channel string
	mu      sync.Mutex
	events  []consent.Event
	down    func(consent.Event) error // when set, whether an attempt fails
}

func (n *told) Channel() string { return n.channel }
func (n *told) Reaches(e consent.Event) bool {
	return n.channel != consent.ChannelMail || e.Email != ""
}

func (n *told) Notify(_ context.Context, e consent.Event) error {
	n.mu.Lock()
	down := n.down
	n.mu.Unlock()
	if down != nil {
		if err := down(e); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
	return nil
}

// breaks makes attempts fail as down says; nil mends the channel.
func (n *told) breaks(down func(consent.Event) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

// all are the events that were told, in order.
func (n *told) all() []consent.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

// what names them.
func (n *told) what() []string {
	var out []string
	for _, e := range n.all() {
		out = append(out, e.Notice.Event)
	}
	return out
}

func newHouse(t *testing.T) *house {
	t.Helper()
	bank, second := newBank(t, "sandbox"), newBank(t, "second")
	m, client := redistest.Embedded(t)
	store, err := redisstore.New(redisstore.Config{Client: client})
	must(t, err)
	keys, err := token.NewKeyring()
	must(t, err)
	vault, err := token.New(token.Config{Keys: keys, Store: store, Lease: time.Minute, BankDeadline: 20 * time.Second, Margin: 10 * time.Second,
		Banks: map[string]token.BankEntry{"sandbox": adapter(t, "sandbox", bank), "second": adapter(t, "second", second)}})
	must(t, err)
	h := &house{bank: bank, second: second, redis: m, store: store, vault: vault,
		mail: &told{channel: consent.ChannelMail}, hook: &told{channel: consent.ChannelWebhook}}
	h.config = consent.Config{Store: store, Vault: vault, Keys: keys, Notify: []consent.Notifier{h.mail, h.hook}, Apps: []consent.App{shop},
		Banks: []consent.Bank{domainBank("sandbox"), domainBank("second")}}
	h.Service, err = consent.New(h.config)
	must(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(h.Close(ctx), vault.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	return h
}

func newBank(t *testing.T, id string) *sandbox.Bank {
	t.Helper()
	b, err := sandbox.New(sandbox.Config{Issuer: issuer, Rotation: sandbox.Strict(),
		Clients: []sandbox.Client{{ID: "consentd", Secret: "bank-secret", RedirectURIs: []string{callback + id}}}})
	must(t, err)
	return b
}

func adapter(t *testing.T, id string, bank *sandbox.Bank) token.BankEntry {
	t.Helper()
	b, err := oauthbank.New(oauthbank.Config{ID: id, Issuer: issuer, DiscoveryURL: issuer,
		ClientID: "consentd", ClientSecret: "bank-secret", ClientAuth: "client_secret_basic", PKCE: true, RedirectURI: callback + id,
		NationalIDClaim: "kennitala", AllowInsecure: true, Transport: bank})
	must(t, err)
	return token.BankEntry{Bank: b, Rotation: token.RotationStrict, InFlight: 16}
}

func domainBank(id string) consent.Bank {
	return consent.Bank{ID: id, Name: "Bank " + id, Required: []string{"openid", "profile", "customer", "payments"},
		Optional: []string{"accounts"}, IndividualsOnly: true, NationalID: consent.Kennitala,
		BusinessCodes: []string{"ERR_80102_110", "ERR_80102_111", "ERR_80102_112"},
		Clock:         consent.Clock{Life: consentLife, Margin: consentMargin}}
}

func bubble(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newHouse(t)) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// trip is one customer's browser on its way.
type trip struct {
	*house
	at      string // id of the bank
	id      consent.ID
	link    token.Secret
	browser token.Secret
}

func (h *house) ask(t *testing.T, r consent.Request) *trip {
	t.Helper()
	r.Reference, r.ReturnTo, r.Email = "customer-1", "done", "gudrun@example.is"
	if r.Bank == "" {
		r.Bank = "sandbox"
	}
	c, link, err := h.Create(t.Context(), shop, r)
	must(t, err)
	return &trip{house: h, at: r.Bank, id: c.ID, link: link.Secret, browser: "the-browser-of-gudrun"}
}

// again gives the trip a fresh link.
func (p *trip) again(t *testing.T) *trip {
	t.Helper()
	_, link, err := p.Renew(t.Context(), shop, p.id)
	must(t, err)
	p.link = link.Secret
	return p
}

// arrival sends the customer to the bank and returns how the browser comes
// back.
func (p *trip) arrival(t *testing.T, c sandbox.Customer) consent.Arrival {
	t.Helper()
	address, err := p.Begin(t.Context(), p.link, p.browser, "text-1")
	must(t, err)
	c.Client = &http.Client{Transport: map[string]*sandbox.Bank{"sandbox": p.bank, "second": p.second}[p.at]}
	back, err := c.Authorize(t.Context(), address)
	must(t, err)
	u, err := url.Parse(back)
	must(t, err)
	q := u.Query()
	return consent.Arrival{Bank: p.at, Browser: p.browser, State: token.Secret(q.Get("state")),
		Code: token.Secret(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error")}
}

// visit makes the whole trip and returns what the customer is told.
func (p *trip) visit(t *testing.T, c sandbox.Customer) consent.Result {
	t.Helper()
	ref, err := p.Return(t.Context(), p.arrival(t, c))
	must(t, err)
	r, err := p.Result(t.Context(), ref, p.browser)
	must(t, err)
	return r
}

func (p *trip) token(t *testing.T, r consent.TokenRequest) (consent.HandedOut, error) {
	t.Helper()
	return p.Token(t.Context(), shop, p.id, r)
}

func (p *trip) wantStatus(t *testing.T, want consent.Status, why string) consent.Consent {
	t.Helper()
	c, err := p.Consent(t.Context(), shop, p.id)
	must(t, err)
	if now := p.Now(); c.StatusAt(now) != want || c.CauseAt(now).Code != why {
		t.Errorf("consent is %s because %q, want %s because %q", c.StatusAt(now), c.CauseAt(now).Code, want, why)
	}
	return c
}

func wantEnding(t *testing.T, got consent.Result, want consent.Ending) {
	t.Helper()
	if got.Ending != want {
		t.Fatalf("ending = %s, want %s", got.Ending, want)
	}
}

func wantErr(t *testing.T, got, want error) *consent.Refusal {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("error = %v, want %v", got, want)
	}
	r, _ := errors.AsType[*consent.Refusal](got)
	return r
}

func (h *house) granted(t *testing.T) *trip {
	t.Helper()
	p := h.ask(t, consent.Request{Expected: gudrunID})
	wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
	return p
}

func TestGrantWithExpectedPerson(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: "040180-9999", Scopes: []string{"accounts", "openid"}})
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrPending)
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		c := p.wantStatus(t, consent.Valid, "")
		if want := time.Now().Add(consentLife - consentMargin); !c.EndsAt.Equal(want.UTC().Truncate(time.Millisecond)) {
			t.Errorf("ends at %s, want %s", c.EndsAt, want)
		}
		got, err := p.token(t, consent.TokenRequest{Scopes: []string{"payments", "accounts"}})
		must(t, err)
		if got.Access.NationalID != gudrunID || got.Access.Token == "" || got.DaysLeft != 90 || got.Access.Type != "Bearer" {
			t.Errorf("handed out %+v for %q", got, got.Access.NationalID.Reveal())
		}
		synctest.Wait()
		for _, n := range []*told{h.mail, h.hook} {
			if got := n.what(); !slices.Equal(got, []string{consent.ToldConnected}) {
				t.Errorf("%s told %v", n.channel, got)
			}
		}
	})
}

func second[A any](_ A, err error) error { return err }

func TestGrantConfirmedByCode(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		wantEnding(t, r, consent.EndUnconfirmed)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrUnconfirmed)
		wantErr(t, second(h.Confirm(t.Context(), shop, p.id, "guessed")), consent.ErrConfirmation)
		other := shop
		other.ID = "other"
		wantErr(t, second(h.Confirm(t.Context(), other, p.id, r.Code)), consent.ErrNotFound)
		for range 2 {
			c, err := h.Confirm(t.Context(), shop, p.id, r.Code)
			must(t, err)
			if c.Status != consent.Valid {
				t.Errorf("status = %s", c.Status)
			}
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestGrantNeverConfirmedIsWorthNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)), consent.ErrConfirmation)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrPending)
		must(t, h.Work(t.Context()))
		for _, key := range h.redis.Keys() {
			if strings.Contains(key, ":grant:") {
				t.Errorf("the secret outlived its confirmation: %s", key)
			}
		}
		// Whoever came first and was not confirmed does not stand in the way.
		r = p.again(t).visit(t, sandbox.Customer{User: anna})
		wantEnding(t, r, consent.EndUnconfirmed)
		must(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)))
	})
}

func TestGrantTurnedAway(t *testing.T) {
	tests := map[string]struct {
		ask    consent.Request
		do     sandbox.Customer
		ending consent.Ending
		status consent.Status
		why    string
		err    error
	}{
		"wrong person": {consent.Request{Expected: gudrunID}, sandbox.Customer{User: anna},
			consent.EndWrongPerson, consent.Rejected, consent.CauseWrongPerson, consent.ErrRejected},
		"cancelled": {consent.Request{}, sandbox.Customer{User: anna, Cancel: true},
			consent.EndCancelled, consent.Rejected, consent.CauseCancelled, consent.ErrRejected},
		"payments left out": {consent.Request{}, sandbox.Customer{User: anna, Untick: []string{"payments"}},
			consent.EndLeftOut, consent.PartiallyAuthorised, consent.CauseLeftOut, consent.ErrInsufficientScope},
		"national id left out": {consent.Request{Expected: gudrunID}, sandbox.Customer{User: gudrun, Untick: []string{"customer"}},
			consent.EndNoIdentity, consent.Rejected, consent.CauseNoIdentity, consent.ErrRejected},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.ask(t, test.ask)
				wantEnding(t, p.visit(t, test.do), test.ending)
				p.wantStatus(t, test.status, test.why)
				refusal := wantErr(t, second(p.token(t, consent.TokenRequest{})), test.err)
				if refusal.Renewal == nil {
					t.Error("the app is not told where to send the customer")
				}
				if h.bank.Withdraw(test.do.User, "consentd") != 0 {
					t.Error("the grant was not given back to the bank")
				}
				p.link = refusal.Renewal.Secret
				r := p.visit(t, sandbox.Customer{User: gudrun})
				if r.Ending != consent.EndConnected && r.Ending != consent.EndUnconfirmed {
					t.Errorf("trying again ends in %s", r.Ending)
				}
			})
		})
	}
}

func TestReturnThatDoesNotBelong(t *testing.T) {
	tests := map[string]struct {
		forge func(*consent.Arrival)
		want  error
	}{
		"no state":            {func(a *consent.Arrival) { a.State = "" }, consent.ErrFlowGone},
		"unknown state":       {func(a *consent.Arrival) { a.State = "forged" }, consent.ErrFlowGone},
		"another browser":     {func(a *consent.Arrival) { a.Browser = "another" }, consent.ErrForeignBrowser},
		"no cookie":           {func(a *consent.Arrival) { a.Browser = "" }, consent.ErrForeignBrowser},
		"another bank's path": {func(a *consent.Arrival) { a.Bank = "other" }, consent.ErrForgedReturn},
		"another issuer":      {func(a *consent.Arrival) { a.Issuer = issuer + "/" }, consent.ErrForgedReturn},
		"no issuer":           {func(a *consent.Arrival) { a.Issuer = "" }, consent.ErrForgedReturn},
		"code and error":      {func(a *consent.Arrival) { a.Error = "access_denied" }, consent.ErrForgedReturn},
		"neither":             {func(a *consent.Arrival) { a.Code = "" }, consent.ErrForgedReturn},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				p := h.ask(t, consent.Request{Expected: gudrunID})
				good := p.arrival(t, sandbox.Customer{User: gudrun})
				forged := good
				test.forge(&forged)
				wantErr(t, second(h.Return(t.Context(), forged)), test.want)
				if h.bank.Calls(sandbox.EndpointToken) != 0 {
					t.Error("a forged return reached the bank")
				}
				ref, err := h.Return(t.Context(), good) // and burnt nothing
				must(t, err)
				r, err := h.Result(t.Context(), ref, p.browser)
				must(t, err)
				wantEnding(t, r, consent.EndConnected)
			})
		})
	}
}

func TestReturnTwiceIsOneExchange(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		a := p.arrival(t, sandbox.Customer{User: gudrun})
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				ref, err := h.Return(t.Context(), a)
				if err != nil || ref == "" {
					t.Errorf("Return = %q, %v", ref, err)
				}
			})
		}
		all.Wait()
		ref, err := h.Return(t.Context(), a)
		must(t, err)
		r, err := h.Result(t.Context(), ref, p.browser)
		must(t, err)
		wantEnding(t, r, consent.EndConnected)
		if n := h.bank.Calls(sandbox.EndpointToken); n != 1 {
			t.Errorf("%d exchanges, want 1", n)
		}
		wantErr(t, second(h.Result(t.Context(), ref, "another")), consent.ErrForeignBrowser)
	})
}

func TestLinksAreShortAndForOneBrowser(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		for range 10 { // a mail scanner looks
			must(t, second(h.Ask(t.Context(), p.link)))
		}
		must(t, second(h.Begin(t.Context(), p.link, p.browser, "1")))
		must(t, second(h.Begin(t.Context(), p.link, p.browser, "1"))) // a double click
		wantErr(t, second(h.Begin(t.Context(), p.link, "another", "1")), consent.ErrLinkUsed)
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.Ask(t.Context(), p.link)), consent.ErrLinkGone)
		wantErr(t, second(h.Begin(t.Context(), p.link, p.browser, "1")), consent.ErrLinkGone)
		wantErr(t, second(h.Ask(t.Context(), "forged")), consent.ErrLinkGone)

		a := p.again(t).arrival(t, sandbox.Customer{User: gudrun})
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.Return(t.Context(), a)), consent.ErrFlowGone)
	})
}

func TestBankDownOnTheWayLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.bank.Fail(sandbox.EndpointDiscovery, 1, sandbox.Fault{HTML: true, Status: 502})
		p := h.ask(t, consent.Request{Expected: gudrunID})
		wantErr(t, second(h.Begin(t.Context(), p.link, p.browser, "1")), consent.ErrBankUnavailable)
		time.Sleep(2 * time.Minute)
		for _, f := range []sandbox.Fault{{}, {Hang: true}, {Status: 429, RetryAfter: time.Second}, {HTML: true}} {
			h.bank.Fail(sandbox.EndpointToken, 1, f)
			wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndBankDown)
			p.wantStatus(t, consent.Received, "")
		}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
	})
}

func TestStoreDownOnTheWayLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		down := func(f func()) { h.redis.SetError("LOADING"); f(); h.redis.SetError("") }
		p := h.ask(t, consent.Request{Expected: gudrunID})
		down(func() {
			_, _, err := h.Create(t.Context(), shop, consent.Request{Reference: "x", Bank: "sandbox", ReturnTo: "done"})
			wantErr(t, err, token.ErrStoreUnavailable)
			wantErr(t, second(h.Ask(t.Context(), p.link)), token.ErrStoreUnavailable)
			wantErr(t, second(h.Begin(t.Context(), p.link, p.browser, "1")), token.ErrStoreUnavailable)
		})
		a := p.arrival(t, sandbox.Customer{User: gudrun})
		down(func() { wantErr(t, second(h.Return(t.Context(), a)), token.ErrStoreUnavailable) })
		must(t, second(h.Return(t.Context(), a)))
		p.wantStatus(t, consent.Valid, "")
		down(func() {
			r := wantErr(t, second(p.token(t, consent.TokenRequest{})), token.ErrStoreUnavailable)
			if r.RetryAfter <= 0 {
				t.Error("no Retry-After")
			}
		})
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestStoreDownAfterTheExchangeIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		a := p.arrival(t, sandbox.Customer{User: gudrun})
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 2 * time.Second})
		go func() { // goes away while the bank works, and comes back
			time.Sleep(time.Second)
			h.redis.SetError("LOADING")
			time.Sleep(1500 * time.Millisecond)
			h.redis.SetError("")
		}()
		ref, err := h.Return(t.Context(), a)
		must(t, err)
		r, err := h.Result(t.Context(), ref, p.browser)
		must(t, err)
		wantEnding(t, r, consent.EndConnected)
	})
}

func TestCreateNamesEverythingThatIsWrong(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		_, _, err := h.Create(t.Context(), shop, consent.Request{Bank: "unknown", ReturnTo: "nowhere", Language: "xx",
			Email: "Anna <a@example.is>", Reference: token.Secret(strings.Repeat("x", 129))})
		invalid, ok := errors.AsType[*consent.Invalid](err)
		if !ok || len(invalid.Fields) != 5 {
			t.Fatalf("error = %v", err)
		}
		good := consent.Request{Reference: "x", Bank: "sandbox", ReturnTo: "done"}
		for pointer, change := range map[string]func(*consent.Request){
			"/scopes/1":             func(r *consent.Request) { r.Scopes = []string{"accounts", "everything"} },
			"/expected_national_id": func(r *consent.Request) { r.Expected = "5401809999" }, // a company's
			"/customer_reference":   func(r *consent.Request) { r.Reference = "a\nb" },
		} {
			r := good
			change(&r)
			_, _, err := h.Create(t.Context(), shop, r)
			if invalid, ok := errors.AsType[*consent.Invalid](err); !ok || len(invalid.Fields) != 1 || invalid.Fields[0].Pointer != pointer {
				t.Errorf("error = %v, want %s", err, pointer)
			}
		}
	})
}
