package token_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/consentd/consentd/token"
)

// rotating is a bank that replaces a refresh token at each use and ends the
// grant when it sees a used one again, once its grace is over.
type rotating struct {
	mu       sync.Mutex
	newest   string
	replaced map[string]time.Time // used refresh tokens, and when
	dead     bool
	grace    time.Duration
	calls    int
	revoked  []token.Secret

	// before and after, when set, run around the bank's work; an error from
	// after is an answer that got lost.
	before func(ctx context.Context) error
	after  func(ctx context.Context) error
}

func newRotating() *rotating {
	return &rotating{newest: "refresh-0", replaced: make(map[string]time.Time)}
}

func (b *rotating) Refresh(ctx context.Context, refresh token.Secret, _ []string, who token.Identity) (token.Grant, error) {
	if b.before != nil {
		if err := b.before(ctx); err != nil {
			return token.Grant{}, err
		}
	}
	g, err := b.rotate(refresh.Reveal())
	if err == nil && b.after != nil {
		err = b.after(ctx)
	}
	if err == nil && who.Subject != "anna" {
		err = &token.BankError{Op: "refresh", Err: token.ErrAnswerRejected}
	}
	return g, err
}

func (b *rotating) rotate(refresh string) (token.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	used, known := b.replaced[refresh]
	if b.dead || (refresh != b.newest && (!known || time.Since(used) > b.grace)) {
		b.dead = true
		return token.Grant{}, &token.BankError{Op: "refresh", Status: 400, Code: "invalid_grant", Err: token.ErrRefused}
	}
	b.replaced[refresh] = time.Now()
	b.newest = fmt.Sprintf("refresh-%d", b.calls)
	return token.Grant{
		Access: token.Secret(fmt.Sprintf("access-%d", b.calls)), Refresh: token.Secret(b.newest), TokenType: "Bearer",
		IssuedAt: time.Now(), AccessExpiry: time.Now().Add(5 * time.Minute), Scopes: []string{"payments"},
	}, nil
}

func (b *rotating) count() int { b.mu.Lock(); defer b.mu.Unlock(); return b.calls }

func (b *rotating) AuthorizationURL(context.Context, token.AuthorizationRequest) (string, error) {
	return "https://bank.example/authorize", nil
}

func (b *rotating) CheckIssuer(string) error { return nil }

func (b *rotating) Revoke(_ context.Context, g token.Grant) (token.Revocation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked = append(b.revoked, g.Refresh)
	return token.RevocationConfirmed, nil
}

func (b *rotating) Redeem(context.Context, token.Redemption) (token.Grant, token.Identity, error) {
	now := time.Now()
	g := token.Grant{Access: "access-0", Refresh: "refresh-0", TokenType: "Bearer", IssuedAt: now,
		AccessExpiry: now.Add(5 * time.Minute), Scopes: []string{"payments"}}
	return g, token.Identity{Issuer: "bank", Subject: "anna", NationalID: "0501809999"}, nil
}
