package workload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/consentd/consentd/internal/jwks"
)

// How long keys are good: they are read again when they are no longer fresh,
// and count for an hour when that fails. No reading follows another sooner
// than the pause, however many tokens come that no key fits.
const (
	keysFresh = 10 * time.Minute
	keysLast  = time.Hour
	keysPause = 30 * time.Second
)

// keySet holds the keys of an issuer. Unlike go-oidc's own it drops keys that
// the issuer withdraws, reads no more often than the pause allows, and
// survives a key that it cannot use.
type keySet struct {
	issuer Issuer
	client *http.Client
	now    func() time.Time
	flight singleflight.Group

	mu    sync.Mutex
	list  jwks.Set
	since time.Time // when list came; zero: never
	tried time.Time
	err   error // of the last reading
}

// get returns keys that count. newer asks for a reading although they are
// fresh, because none of them fits.
func (s *keySet) get(ctx context.Context, newer bool) (jwks.Set, error) {
	s.mu.Lock()
	now := s.now()
	if within(now, s.since, keysFresh) && !newer || within(now, s.tried, keysPause) {
		defer s.mu.Unlock()
		return s.known(now, newer)
	}
	s.mu.Unlock()
	done := s.flight.DoChan("", func() (any, error) { s.read(context.WithoutCancel(ctx)); return nil, nil })
	select {
	case <-done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known(s.now(), newer)
}

// known is what there is, as long as it counts.
func (s *keySet) known(now time.Time, newer bool) (jwks.Set, error) {
	if !within(now, s.since, keysLast) || newer && s.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, s.err)
	}
	return s.list, nil
}

// mayKnow reports whether the issuer may have a key of this id by now: it was
// not asked since a token came.
func (s *keySet) mayKnow(id string, came time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := slices.ContainsFunc(s.list, func(k jose.JSONWebKey) bool { return id != "" && k.KeyID == id })
	return !had && s.tried.Before(came)
}

// within is false when the clock was put back to before start.
func within(now, start time.Time, d time.Duration) bool {
	elapsed := now.Sub(start)
	return !start.IsZero() && elapsed >= 0 && elapsed < d
}

func (s *keySet) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	list, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.err = s.now(), err
	if err == nil {
		s.list, s.since = list, s.tried
	}
}

func (s *keySet) fetch(ctx context.Context) (jwks.Set, error) {
	address, err := s.address(ctx)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address of its keys is none")
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, errors.New("its keys cannot be reached")
	}
	defer func() { _ = res.Body.Close() }()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&set) != nil {
		return nil, errors.New("its keys are unreadable")
	}
	return jwks.Of(set.Keys), nil
}

// address is where the keys are: as configured, or as the issuer's metadata
// say, which must name the same issuer.
func (s *keySet) address(ctx context.Context) (string, error) {
	if s.issuer.JWKSURL != "" {
		return s.issuer.JWKSURL, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, s.client), s.issuer.Issuer)
	if err != nil {
		return "", errors.New("its metadata cannot be had, or name another issuer")
	}
	var metadata struct {
		JWKSURL string `json:"jwks_uri"`
	}
	if provider.Claims(&metadata) != nil || metadata.JWKSURL == "" {
		return "", errors.New("its metadata name no keys")
	}
	if strings.HasPrefix(s.issuer.Issuer, "https:") && !strings.HasPrefix(metadata.JWKSURL, "https:") {
		return "", errors.New("its metadata name keys without https")
	}
	return metadata.JWKSURL, nil
}

// signature is the look at one token's signature. It keeps why it failed,
// which go-oidc does not.
type signature struct {
	keys *keySet
	err  error
}

var _ oidc.KeySet = (*signature)(nil)

// VerifySignature implements [oidc.KeySet].
func (s *signature) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		s.err = invalid("malformed")
		return nil, s.err
	}
	came := s.keys.now()
	for _, newer := range []bool{false, true} {
		list, err := s.keys.get(ctx, newer)
		if err != nil {
			s.err = err
			return nil, err
		}
		if payload, ok := list.Verify(jws); ok {
			return payload, nil
		}
	}
	s.err = invalid("no key of the issuer has signed it")
	if s.keys.mayKnow(jws.Signatures[0].Header.KeyID, came) {
		s.err = fmt.Errorf("%w: its keys are read again in a while", ErrUnavailable)
	}
	return nil, s.err
}
