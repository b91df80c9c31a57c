package consent_test

import (
	"context"
	"errors"
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

func second[A any](_ A, err error) error { return err }

const day = 24 * time.Hour

// replica is one more process: same store, same channels.
func (h *house) replica(t *testing.T, change func(*consent.Config)) *consent.Service {
	t.Helper()
	c := h.config
	if change != nil {
		change(&c)
	}
	s, err := consent.New(c)
	must(t, err)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

// live lets time pass, with every replica ticking each interval. Ticks at
// which nothing is due are left out: they read and change nothing.
func (h *house) live(t *testing.T, span, interval time.Duration, replicas ...*consent.Service) {
	t.Helper()
	if len(replicas) == 0 {
		replicas = []*consent.Service{h.Service}
	}
	for end := time.Now().Add(span); time.Now().Before(end); tick(t, replicas) {
		wait := interval
		if due := h.nextDue(t); due.IsZero() {
			wait = span
		} else if late := time.Until(due); late > interval {
			wait = (late + interval - 1).Truncate(interval)
		}
		time.Sleep(min(wait, time.Until(end)))
	}
}

func tick(t *testing.T, replicas []*consent.Service) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range replicas {
		all.Go(func() {
			if err := r.Work(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// nextDue is when the next task is due, whoever's; zero when there is none.
func (h *house) nextDue(t *testing.T) time.Time {
	t.Helper()
	synctest.Wait() // what is read here is not copied
	var first float64
	for _, key := range h.redis.Keys() {
		if !strings.HasSuffix(key, "}:due") {
			continue
		}
		tasks, err := h.redis.SortedSet(key)
		must(t, err)
		for _, at := range tasks {
			if first == 0 || at < first {
				first = at
			}
		}
	}
	if first == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(first))
}

// wantNoSecret fails if Redis holds a grant.
func (h *house) wantNoSecret(t *testing.T) {
	t.Helper()
	for _, key := range h.redis.Keys() {
		if strings.Contains(key, ":grant:") || strings.Contains(key, ":aside:") {
			t.Errorf("a secret outlived its consent: %s", key)
		}
	}
}
