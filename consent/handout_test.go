package consent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func TestTokenLifeAsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(2 * time.Minute)
		got, err := p.token(t, consent.TokenRequest{MinTTL: 4 * time.Minute})
		must(t, err)
		if left := time.Until(got.Access.Expiry); left < 4*time.Minute || h.bank.Refreshes() != 1 {
			t.Errorf("%s left after %d refreshes", left, h.bank.Refreshes())
		}
		r := wantErr(t, second(p.token(t, consent.TokenRequest{MinTTL: time.Hour})), consent.ErrLifetime)
		if r.Longest != 5*time.Minute || h.bank.Refreshes() != 1 {
			t.Errorf("longest = %s after %d refreshes, want 5m after 1: asking for too much must not wear out the bank", r.Longest, h.bank.Refreshes())
		}
	})
}

func TestTokenNeededUntil(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		must(t, second(p.token(t, consent.TokenRequest{NeededUntil: end})))
		r := wantErr(t, second(p.token(t, consent.TokenRequest{NeededUntil: end.Add(time.Minute)})), consent.ErrRenewalRequired)
		if r.Renewal == nil || !r.EndsAt.Equal(end) {
			t.Errorf("refusal = %+v", r)
		}
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestTokenScopesAsGranted(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{Scopes: []string{"payments", "accounts"}})), consent.ErrInsufficientScope)
		if len(r.Missing) != 1 || r.Missing[0] != "accounts" {
			t.Errorf("missing = %v", r.Missing)
		}
	})
}

func TestTokenOfAnotherAppIsNotFound(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		other := shop
		other.ID = "other"
		wantErr(t, second(h.Token(t.Context(), other, p.id, consent.TokenRequest{})), consent.ErrNotFound)
		wantErr(t, second(h.Consent(t.Context(), other, p.id)), consent.ErrNotFound)
		_, _, err := h.Renew(t.Context(), other, p.id)
		wantErr(t, err, consent.ErrNotFound)
	})
}

func TestSwappedCiphertextDoesNotOpen(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		one, two := h.granted(t), h.granted(t)
		from, to := "{p:"+one.id.Partition()+"}:grant:"+string(one.id), "{p:"+two.id.Partition()+"}:grant:"+string(two.id)
		for _, field := range []string{"access", "cid"} {
			h.redis.HSet(to, field, h.redis.HGet(from, field))
		}
		wantErr(t, second(two.token(t, consent.TokenRequest{})), token.ErrSealBroken)
		two.wantStatus(t, consent.Valid, "")
		must(t, second(one.token(t, consent.TokenRequest{})))
	})
}

func TestShutdownIsToldApart(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(6 * time.Minute)
		must(t, errors.Join(h.Close(t.Context()), h.vault.Close(t.Context())))
		wantErr(t, second(p.token(t, consent.TokenRequest{})), token.ErrStoreUnavailable)
		p.wantStatus(t, consent.Valid, "")
	})
}
