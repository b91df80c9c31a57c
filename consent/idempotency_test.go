package consent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// keyed is a request with an idempotency key.
func keyed() consent.Request {
	return consent.Request{Reference: "canary-reference", Bank: "sandbox", ReturnTo: "done", Expected: gudrunID,
		Email: "canary@example.is", IdempotencyKey: "canary-key.1"}
}

// leads reads where a link leads to.
func (h *house) leads(t *testing.T, link consent.Link) consent.ID {
	t.Helper()
	a, err := h.Ask(t.Context(), link.Secret)
	must(t, err)
	return a.Consent.ID
}

// asked are the consents of the customer of keyed.
func (h *house) asked(t *testing.T) []consent.Consent {
	t.Helper()
	found, err := h.FindByCustomer(t.Context(), shop.ID, "canary-reference")
	must(t, err)
	return found
}

func TestOneConsentForManyCallsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		replicas := []*consent.Service{h.Service, h.replica(t, nil)}
		var mu sync.Mutex
		made, first := make(map[consent.Link]consent.ID), 0
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				c, link, err := replicas[i%2].Create(t.Context(), shop, keyed())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if !link.Replayed {
					first++
				}
				link.Replayed = false
				made[link] = c.ID
			})
		}
		all.Wait()
		if len(made) != 1 || first != 1 || len(h.asked(t)) != 1 {
			t.Fatalf("20 calls: %d links, %d of them made, %d consents; want one of each", len(made), first, len(h.asked(t)))
		}
		for link, id := range made {
			if got := h.leads(t, link); got != id {
				t.Errorf("the link leads to %s, want %s", got, id)
			}
		}
	})
}

// crashing dies in one step, before or after it is done.
type crashing struct {
	consent.Store
	step  string
	after bool
}

var errCrash = fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)

func (s *crashing) in(step string, do func() error) error {
	if s.step != step {
		return do()
	}
	if s.after {
		return errors.Join(do(), errCrash)
	}
	return errCrash
}

func (s *crashing) Reserve(ctx context.Context, app, key string, box []byte, until time.Time) (stands []byte, made bool, err error) {
	err = s.in("Reserve", func() (err error) { stands, made, err = s.Store.Reserve(ctx, app, key, box, until); return err })
	return stands, made, err
}

func (s *crashing) Create(ctx context.Context, c consent.Consent, customer []byte, work consent.Work) error {
	return s.in("Create", func() error { return s.Store.Create(ctx, c, customer, work) })
}

func (s *crashing) PutLink(ctx context.Context, key string, box []byte, until time.Time) error {
	return s.in("PutLink", func() error { return s.Store.PutLink(ctx, key, box, until) })
}

func (s *crashing) Made(ctx context.Context, app, key string) error {
	return s.in("Made", func() error { return s.Store.Made(ctx, app, key) })
}

func TestKeyGoesOnAfterACrashInAnyStep(t *testing.T) {
	for _, step := range []string{"Reserve", "Create", "PutLink", "Made"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/after=%t", step, after), func(t *testing.T) {
				bubble(t, func(t *testing.T, h *house) {
					dying := h.replica(t, func(c *consent.Config) { c.Store = &crashing{Store: c.Store, step: step, after: after} })
					_, _, err := dying.Create(t.Context(), shop, keyed())
					wantErr(t, err, token.ErrStoreUnavailable)
					c, link, err := h.Create(t.Context(), shop, keyed())
					must(t, err)
					again, same, err := h.Create(t.Context(), shop, keyed())
					must(t, err)
					if again.ID != c.ID || same.Secret != link.Secret || !same.Replayed || len(h.asked(t)) != 1 {
						t.Errorf("%s then %s, %d consents", c.ID, again.ID, len(h.asked(t)))
					}
					if got := h.leads(t, link); got != c.ID {
						t.Errorf("the link leads to %s, want %s", got, c.ID)
					}
				})
			})
		}
	}
}

func TestKeyDoesNotBringBackWhoWasErased(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		dying := h.replica(t, func(c *consent.Config) { c.Store = &crashing{Store: c.Store, step: "Made"} })
		_, _, err := dying.Create(t.Context(), shop, keyed())
		wantErr(t, err, token.ErrStoreUnavailable)
		e, err := h.Erase(t.Context(), shop, "canary-reference")
		must(t, err)
		time.Sleep(24*time.Hour - time.Minute)
		_, _, err = h.Create(t.Context(), shop, keyed())
		wantErr(t, err, consent.ErrNotFound)
		if n := len(h.asked(t)); e.Consents != 1 || n != 0 {
			t.Errorf("erased %d, and there are %d again", e.Consents, n)
		}
	})
}

func TestKeyWithALinkThatIsTooOldGivesAFreshOne(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, link, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		p := &trip{house: h, at: "sandbox", id: c.ID, link: link.Secret, browser: "b"}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		time.Sleep(10 * time.Minute)
		again, fresh, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		if again.ID != c.ID || again.Status != consent.Valid || fresh.Secret == link.Secret || !fresh.Replayed || h.leads(t, fresh) != c.ID {
			t.Errorf("replay = %s %s, %+v", again.ID, again.Status, fresh)
		}
	})
}

func TestKeyIsForgottenAfterADay(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, _, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		time.Sleep(23 * time.Hour)
		again, _, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		time.Sleep(time.Hour)
		other, link, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		if again.ID != c.ID || other.ID == c.ID || link.Replayed {
			t.Errorf("ids = %s, %s, %s", c.ID, again.ID, other.ID)
		}
	})
}

func TestKeyOfAnErasedConsentMakesNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		_, _, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		must(t, second(h.Erase(t.Context(), shop, "canary-reference")))
		_, _, err = h.Create(t.Context(), shop, keyed())
		wantErr(t, err, consent.ErrNotFound)
		if len(h.asked(t)) != 0 {
			t.Error("a replay brought an erased customer back")
		}
	})
}

func TestKeyStandsForOneRequest(t *testing.T) {
	changes := map[string]func(*consent.Request){
		"reference": func(r *consent.Request) { r.Reference = "another" },
		"person":    func(r *consent.Request) { r.Expected = "" },
		"scopes":    func(r *consent.Request) { r.Scopes = []string{"accounts"} },
		"bank":      func(r *consent.Request) { r.Bank = "second" },
		"address":   func(r *consent.Request) { r.Email = "another@example.is" },
		"language":  func(r *consent.Request) { r.Language = "is" },
	}
	bubble(t, func(t *testing.T, h *house) {
		c, _, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		for what, change := range changes {
			r := keyed()
			change(&r)
			if _, _, err := h.Create(t.Context(), shop, r); !errors.Is(err, consent.ErrKeyReused) {
				t.Errorf("another %s: %v, want ErrKeyReused", what, err)
			}
		}
		same := keyed()
		same.Language, same.Expected, same.Scopes = "en", "040180-9999", []string{"openid"} // which says the same
		again, _, err := h.Create(t.Context(), shop, same)
		must(t, err)
		if again.ID != c.ID {
			t.Error("the same request in other words made another consent")
		}
		lender := shop
		lender.ID = "lender"
		theirs, link, err := h.Create(t.Context(), lender, keyed())
		must(t, err)
		if theirs.ID == c.ID || link.Replayed {
			t.Error("two apps share an idempotency key")
		}
	})
}

func TestKeyLeavesNothingReadableInRedis(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		_, link, err := h.Create(t.Context(), shop, keyed())
		must(t, err)
		for _, secret := range []string{"canary", gudrunID.Reveal(), link.Secret.Reveal()} {
			if strings.Contains(h.redis.Dump(), secret) {
				t.Errorf("Redis holds %q in the clear", secret)
			}
		}
	})
}

func TestWrongKeysAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		for _, key := range []string{"with space", "é", "a\n", strings.Repeat("a", 256)} {
			r := keyed()
			r.IdempotencyKey = key
			if _, _, err := h.Create(t.Context(), shop, r); err == nil || !strings.Contains(err.Error(), "/idempotency_key") {
				t.Errorf("key %q: %v", key, err)
			}
		}
	})
}
