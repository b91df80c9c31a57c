package token

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// BankEntry is a bank with what must be known of it to refresh safely.
type BankEntry struct {
	Bank     Bank
	Rotation Rotation // what happens to a refresh token that was used
	InFlight int      // refreshes at the bank at one time, from this process; required
}

// Rotation is a bank's habit with refresh tokens that were used once.
type Rotation string

// The habits. Strict is the safe assumption for a bank that says nothing.
const (
	RotationNone   Rotation = "none"   // the token stays good
	RotationGrace  Rotation = "grace"  // it is replaced, and stays good for a while
	RotationStrict Rotation = "strict" // it is replaced, and using it again may end the grant
)

// Config configures a [Vault]. All fields without a default are required.
type Config struct {
	Keys  *Keyring
	Store Store
	Banks map[string]BankEntry

	Lease        time.Duration // how long one refresh may hold a grant
	BankDeadline time.Duration // within which a bank call ends, whatever happens
	Margin       time.Duration // Lease must exceed BankDeadline by this: pauses, clock steps

	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: discard
}

// Vault refreshes grants. It is safe for concurrent use.
type Vault struct {
	c       Config
	flights singleflight.Group
	inBank  map[string]chan struct{}

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup

	// life is the context of work that no caller may cancel; it ends when
	// Close has waited long enough.
	life  context.Context
	abort context.CancelFunc
}

// New checks the configuration and reports everything that is wrong with it.
func New(c Config) (*Vault, error) {
	var errs []error
	if c.Keys == nil || c.Store == nil || len(c.Banks) == 0 {
		errs = append(errs, errors.New("token: keys, store and at least one bank are required"))
	}
	if c.BankDeadline <= 0 || c.Lease < c.BankDeadline+c.Margin {
		errs = append(errs, fmt.Errorf("token: the lease (%s) must outlive the bank's deadline (%s) by the margin (%s)",
			c.Lease, c.BankDeadline, c.Margin))
	}
	v := &Vault{c: c, inBank: make(map[string]chan struct{})}
	for id, b := range c.Banks {
		if b.Bank == nil || b.InFlight < 1 {
			errs = append(errs, fmt.Errorf("token: bank %q needs an adapter and at least one request in flight", id))
			continue
		}
		v.inBank[id] = make(chan struct{}, b.InFlight)
	}
	if v.c.Now == nil {
		v.c.Now = time.Now
	}
	if v.c.Log == nil {
		v.c.Log = slog.New(slog.DiscardHandler)
	}
	v.life, v.abort = context.WithCancel(context.Background())
	return v, errors.Join(errs...)
}

// Close refuses new work and waits until every refresh that is at a bank has
// ended and its result is stored, or until ctx ends.
func (v *Vault) Close(ctx context.Context) error {
	v.mu.Lock()
	v.closed = true
	v.mu.Unlock()
	defer v.abort()
	done := make(chan struct{})
	go func() { v.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		v.abort()
		return errors.Join(fmt.Errorf("token: work at a bank was cut off: %w", ctx.Err()), waitFor(done, lastCommit+time.Second))
	}
}

// waitFor gives what was cut off the time for its last commit.
func waitFor(done <-chan struct{}, limit time.Duration) error {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-done:
		return nil
	case <-t.C:
		return errors.New("token: a commit was cut off")
	}
}

// begin counts a piece of work that Close waits for.
func (v *Vault) begin() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return false
	}
	v.running.Add(1)
	return true
}

// atBank runs one exchange with a bank that the caller's cancellation does
// not reach: what the bank was told cannot be taken back.
func (v *Vault) atBank(bank string, call func(context.Context, Bank) error) error {
	b, err := v.bank(bank)
	if err != nil {
		return err
	}
	if !v.begin() {
		return ErrClosed
	}
	defer v.running.Done()
	ctx, cancel := context.WithTimeout(v.life, v.c.BankDeadline)
	defer cancel()
	return call(ctx, b.Bank)
}

// AuthorizationURL returns where to send the customer's browser.
func (v *Vault) AuthorizationURL(ctx context.Context, bank string, r AuthorizationRequest) (string, error) {
	b, err := v.bank(bank)
	if err != nil {
		return "", err
	}
	return b.Bank.AuthorizationURL(ctx, r)
}

// CheckIssuer compares the iss parameter that came back (RFC 9207).
func (v *Vault) CheckIssuer(bank, iss string) error {
	b, err := v.bank(bank)
	if err != nil {
		return err
	}
	return b.Bank.CheckIssuer(iss)
}

// Redeemed is a fresh grant, sealed for its consent and not yet stored.
type Redeemed struct {
	Sealed   Sealed
	Identity Identity
	Scopes   []string
	End      time.Time // the bank's own end of the grant, zero when it named none
}

// Redeem exchanges a code and seals what the bank gave, for the consent id.
// It goes on when its caller has left: a code is good for one request only.
func (v *Vault) Redeem(bank, id string, r Redemption) (Redeemed, error) {
	var out Redeemed
	err := v.atBank(bank, func(ctx context.Context, b Bank) error {
		g, who, err := b.Redeem(ctx, r)
		if err != nil {
			return err
		}
		s, err := v.c.Keys.sealGrant(bank, id, rand.Text(), g, who)
		if err != nil {
			_, undone := b.Revoke(ctx, g)
			return errors.Join(err, undone)
		}
		out = Redeemed{Sealed: s, Identity: who, Scopes: g.Scopes, End: g.End}
		return nil
	})
	return out, err
}

// Open opens the access token of a stored grant. Its error is [ErrSealBroken].
func (v *Vault) Open(bank, id string, s Sealed) (Access, error) {
	return v.c.Keys.OpenAccess(bank, id, s)
}

// Discard revokes a grant that is not going to be stored, or no longer is.
// It goes on when its caller has left.
func (v *Vault) Discard(bank, id string, s Sealed) (Revocation, error) {
	access, err := v.c.Keys.OpenAccess(bank, id, s)
	if err != nil {
		return RevocationFailed, err
	}
	g := Grant{Access: access.Token}
	if len(s.Refresh) > 0 {
		if g.Refresh, _, err = v.c.Keys.openRefresh(bank, id, s); err != nil {
			return RevocationFailed, err
		}
	}
	outcome := RevocationFailed
	err = v.atBank(bank, func(ctx context.Context, b Bank) error {
		outcome, err = b.Revoke(ctx, g)
		return err
	})
	return outcome, err
}

func (v *Vault) bank(id string) (BankEntry, error) {
	b, ok := v.c.Banks[id]
	if !ok {
		return BankEntry{}, fmt.Errorf("%w: bank %q is not configured any more", ErrMisconfigured, id)
	}
	return b, nil
}
