package consent

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/consentd/consentd/token"
)

// Config configures a [Service]. Fields without a default are required.
type Config struct {
	Store  Store
	Vault  *token.Vault
	Keys   *token.Keyring
	Banks  []Bank
	Apps   []App
	Notify []Notifier // none: nobody is told
	Life   Life

	MinTTL      time.Duration // a token with less left is not handed out; default 10 s
	Ahead       time.Duration // refresh while the old token lives this long; default 60 s
	LinkLife    time.Duration // of a hosted page's address; default and most 10 min
	FlowLife    time.Duration // of one trip to the bank; default and most 10 min
	ConfirmLife time.Duration // of a completion code; default 10 min

	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: discard
}

// Service is the domain's one entry. It is safe for concurrent use.
type Service struct {
	c     Config
	banks map[string]Bank
	apps  map[string]App
	work  sync.WaitGroup

	// running is the context of work that no caller may cancel. It ends when
	// Close has waited long enough.
	running context.Context
	abort   context.CancelFunc

	// waiting is over when those who wait for events are to be answered.
	waiting  context.Context
	endWaits context.CancelFunc

	mu     sync.Mutex   // makes begin and Drain exclude each other
	wakes  atomic.Int32 // calls of wake that are not answered yet
	closed atomic.Bool
}

// The life of links and trips (security: short, and once).
const (
	mostLinkLife       = 10 * time.Minute
	defaultMinTTL      = 10 * time.Second
	defaultAhead       = time.Minute
	resultLife         = time.Hour
	defaultConfirmLife = 10 * time.Minute
)

// New checks the configuration and reports everything that is wrong with it.
func New(c Config) (*Service, error) {
	var errs []error
	if c.Store == nil || c.Vault == nil || c.Keys == nil {
		errs = append(errs, errors.New("consent: store, vault and keys are required"))
	}
	if c.LinkLife > mostLinkLife || c.FlowLife > mostLinkLife {
		errs = append(errs, fmt.Errorf("consent: links and trips to the bank live for %s at most", mostLinkLife))
	}
	s := &Service{c: c, banks: make(map[string]Bank), apps: make(map[string]App)}
	s.running, s.abort = context.WithCancel(context.Background())
	s.waiting, s.endWaits = context.WithCancel(s.running)
	s.setDefaults()
	for _, b := range c.Banks {
		if !b.Clock.valid() {
			errs = append(errs, fmt.Errorf("consent: bank %q needs a consent life longer than its margin, or days and their zone", b.ID))
		}
		s.banks[b.ID] = b
	}
	for _, a := range c.Apps {
		s.apps[a.ID] = a
	}
	return s, errors.Join(errs...)
}

func (s *Service) setDefaults() {
	orDefault(&s.c.MinTTL, defaultMinTTL)
	orDefault(&s.c.Ahead, defaultAhead)
	orDefault(&s.c.LinkLife, mostLinkLife)
	orDefault(&s.c.FlowLife, mostLinkLife)
	orDefault(&s.c.ConfirmLife, defaultConfirmLife)
	s.c.Life = s.c.Life.withDefaults()
	if s.c.Now == nil {
		s.c.Now = time.Now
	}
	if s.c.Log == nil {
		s.c.Log = slog.New(slog.DiscardHandler)
	}
}

func orDefault(d *time.Duration, fallback time.Duration) {
	if *d == 0 {
		*d = fallback
	}
}

// Settle waits for what is under way in the background to end: trips to a
// bank that are being concluded, refreshes ahead of time, and what became due
// by what was done here.
func (s *Service) Settle(ctx context.Context) error {
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("consent: background work still running: %w", ctx.Err())
	}
}

// Drain begins no more tasks from here on.
func (s *Service) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed.Store(true)
}

// begin counts a piece of work that Close waits for.
func (s *Service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	s.work.Add(1)
	return true
}

// Close begins no more tasks and waits for those that were begun, and for what
// else is under way. Close the vault afterwards.
func (s *Service) Close(ctx context.Context) error {
	s.Drain()
	defer s.abort()
	return s.Settle(ctx)
}

// Now is the service's time, for whoever must agree with it.
func (s *Service) Now() time.Time { return s.c.Now() }

// App returns an app by its id.
func (s *Service) App(id string) (App, bool) { a, ok := s.apps[id]; return a, ok }

// Bank returns a bank by its id.
func (s *Service) Bank(id string) (Bank, bool) { b, ok := s.banks[id]; return b, ok }

// newSecret makes an unguessable one-time secret: 32 random bytes as 43
// characters, which is also the form of a PKCE verifier (RFC 7636 section
// 4.1).
func newSecret() token.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return token.Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// hashOf is what is stored of a one-time secret.
func hashOf(s token.Secret) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sealFlow seals a value that belongs to one link or trip, bound to its key.
func (s *Service) sealFlow(kind, key string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", kind, err)
	}
	return s.c.Keys.Seal(token.PurposeFlow, plain, kind, key)
}

func (s *Service) openFlow(kind, key string, box []byte, v any) error {
	plain, err := s.c.Keys.Open(token.PurposeFlow, box, kind, key)
	if err != nil {
		return fmt.Errorf("open %s: %w", kind, err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return fmt.Errorf("open %s: %w", kind, token.ErrSealBroken)
	}
	return nil
}
