package provider

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/internal/jwks"
)

const (
	keysLife  = time.Hour        // a key that the provider withdrew is gone after this
	keysPause = 30 * time.Second // between two reads, whatever tokens come
	keysAgain = 5 * time.Second  // after one that failed
)

// keySet holds the provider's keys. go-oidc's own trusts a withdrawn key for
// ever, and fetches at every bad token.
type keySet struct {
	p *Provider

	mu   sync.Mutex
	list jwks.Set
	read time.Time // when list came
	next time.Time // not before then
}

// VerifySignature implements [oidc.KeySet].
func (s *keySet) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(raw, jwks.Algorithms())
	if err != nil {
		return nil, errors.New("not a signed token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.p.c.Now()
	if now.Sub(s.read) < keysLife {
		if payload, ok := s.list.Verify(jws); ok {
			return payload, nil
		}
	}
	if now.Before(s.next) {
		return nil, errors.New("no key fits")
	}
	if err := s.fetch(ctx); err != nil {
		s.p.c.Log.WarnContext(ctx, "keys of staff's identity provider cannot be read", slog.Any("error", err))
		return nil, err
	}
	if payload, ok := s.list.Verify(jws); ok {
		return payload, nil
	}
	return nil, errors.New("no key fits")
}

func (s *keySet) fetch(ctx context.Context) error {
	s.next = s.p.c.Now().Add(keysAgain)
	m, err := s.p.discover(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.jwks, nil)
	if err != nil {
		return errors.New("no address of keys")
	}
	res, err := s.p.client.Do(req)
	if err != nil {
		return ErrUnavailable
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, &set) != nil {
		return errors.New("no key set")
	}
	s.list, s.read = jwks.Of(set.Keys), s.p.c.Now()
	s.next = s.read.Add(keysPause)
	return nil
}
