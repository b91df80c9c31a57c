package token_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
)

const consentID = consent.ID("cns_7f00000000000000000000000001")

// house is a bank, a store with one valid consent, and replicas.
type house struct {
	bank     *rotating
	store    *redisstore.Store
	keys     *token.Keyring
	rotation token.Rotation
}

const (
	lease    = 60 * time.Second
	deadline = 20 * time.Second
)

func newHouse(t *testing.T) *house {
	t.Helper()
	_, client := redistest.Embedded(t)
	store, err := redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{bank: newRotating(), store: store, keys: newKeyring(t), rotation: token.RotationStrict}
	v := h.replica(t, store)
	r, err := v.Redeem("bank", string(consentID), token.Redemption{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := consent.Consent{ID: consentID, App: "shop", Bank: "bank", Status: consent.Received, Version: 1, CreatedAt: now}
	if err := store.Create(t.Context(), c, []byte{0x7f}, consent.Work{}); err != nil {
		t.Fatal(err)
	}
	err = store.Activate(t.Context(), consentID, consent.Activation{Version: 1, Sealed: r.Sealed, Status: consent.Valid,
		AuthorizedAt: now, EndsAt: now.Add(90 * 24 * time.Hour), Granted: []string{"payments"}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// replica is one process of several.
func (h *house) replica(t *testing.T, store token.Store) *token.Vault {
	t.Helper()
	v, err := token.New(token.Config{Keys: h.keys, Store: store, Lease: lease, BankDeadline: deadline, Margin: 10 * time.Second,
		Banks: map[string]token.BankEntry{"bank": {Bank: h.bank, Rotation: h.rotation, InFlight: 16}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close(context.WithoutCancel(t.Context())) })
	return v
}

// stored reads what is stored now: its generation and, opened, its token.
func (h *house) stored(t *testing.T) (consent.HandOut, string) {
	t.Helper()
	out, err := h.store.HandOut(t.Context(), consent.HandOutRequest{ID: consentID, App: "shop", Now: time.Now(), MinTTL: -time.Hour * 24 * 365})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Sealed.Access) == 0 {
		return out, ""
	}
	a, err := h.keys.OpenAccess("bank", string(consentID), out.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	return out, a.Token.Reveal()
}

func (h *house) wantToken(t *testing.T, want string) {
	t.Helper()
	if _, got := h.stored(t); got != want {
		t.Errorf("stored token = %q, want %q", got, want)
	}
}

// wantAlive fails unless the grant works at the bank from here on.
func (h *house) wantAlive(t *testing.T) {
	t.Helper()
	out, _ := h.stored(t)
	if err := h.replica(t, h.store).Refresh(t.Context(), string(consentID), out.Generation); err != nil {
		t.Errorf("the grant does not refresh any more: %v", err)
	}
}

func bubble(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newHouse(t)) })
}

// faulty is a store whose replies get lost on demand.
type faulty struct {
	consent.Store
	commits func() error // before a commit
	lost    func() error // after it
}

func (f *faulty) Commit(ctx context.Context, id string, l token.Lease, s token.Sealed) error {
	if f.commits != nil {
		if err := f.commits(); err != nil {
			return err
		}
	}
	err := f.Store.Commit(ctx, id, l, s)
	if err == nil && f.lost != nil {
		return f.lost()
	}
	return err
}
