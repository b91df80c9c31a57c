package oauthbank

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/internal/jwks"
	"github.com/consentd/consentd/token"
)

const (
	keysFresh = time.Hour
	keysPause = 30 * time.Second
)

// keySet holds the keys with which the bank signs ID tokens. A key that the
// bank withdraws is gone after an hour at most; a token that no key fits
// causes one extra read, of which there is at most one in keysPause.
//
// Where go-oidc's own set would fail whole over one odd key, read the keys
// again for every bad token and use keys that are not for signing, this one
// does not; see package jwks.
type keySet struct {
	bank *Bank
	doc  remote[keys]
}

type keys struct {
	url  string
	list jwks.Set
}

func newKeySet(b *Bank) *keySet {
	s := &keySet{bank: b}
	s.doc = remote[keys]{read: s.read, now: b.cfg.Now, pause: keysPause}
	return s
}

// ready fails while no fresh keys are to be had. Asked before a code is
// spent, it keeps a bank's broken key endpoint from costing a finished login.
func (s *keySet) ready(ctx context.Context) (*keys, error) {
	m, err := s.bank.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if m.JWKS == "" {
		return nil, refused("no_jwks")
	}
	known, err := s.doc.get(ctx)
	if err == nil && known.url != m.JWKS {
		known, err = s.doc.renew(ctx, known)
	}
	if err != nil {
		return nil, err
	}
	return known, nil
}

func (s *keySet) read(ctx context.Context) (keys, time.Duration, error) {
	m, err := s.bank.endpoints(ctx)
	if err != nil {
		return keys{}, 0, err
	}
	r, err := s.bank.fetch(ctx, m.JWKS)
	if err != nil {
		return keys{}, 0, err
	}
	body, err := parseObject(r.body)
	var raw []json.RawMessage
	if err == nil {
		err = json.Unmarshal(body.members["keys"], &raw)
	}
	if err != nil {
		return keys{}, 0, &fault{err: token.ErrNotDone, code: "jwks_unreadable"}
	}
	return keys{url: m.JWKS, list: jwks.Of(raw)}, freshness(r.header), nil
}

// freshness is what Cache-Control allows (RFC 9111 section 5.2.2), between
// keysPause and keysFresh.
func freshness(h http.Header) time.Duration {
	fresh := keysFresh
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			fresh = 0
		case "max-age":
			if seconds, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil {
				fresh = min(fresh, time.Duration(min(max(seconds, 0), 3600))*time.Second)
			}
		}
	}
	return max(fresh, keysPause)
}

// verify returns the payload that a key of the bank signed.
func (s *keySet) verify(ctx context.Context, raw string) ([]byte, error) {
	var accepted []jose.SignatureAlgorithm
	for _, alg := range s.bank.cfg.IDTokenAlgs {
		accepted = append(accepted, jose.SignatureAlgorithm(alg))
	}
	jws, err := jose.ParseSignedCompact(raw, accepted)
	if err != nil {
		return nil, rejected("id_token_malformed")
	}
	known, err := s.ready(ctx)
	if err != nil {
		return nil, rejected("jwks_unavailable")
	}
	if payload, ok := known.list.Verify(jws); ok {
		return payload, nil
	}
	newer, err := s.doc.renew(ctx, known)
	if f, ok := errors.AsType[*fault](err); err != nil && !(ok && f.code == readLately) {
		return nil, rejected("jwks_unavailable")
	}
	if payload, ok := newer.list.Verify(jws); ok {
		return payload, nil
	}
	return nil, rejected("id_token_signature")
}

func rejected(code string) error { return &fault{err: token.ErrAnswerRejected, code: code} }
