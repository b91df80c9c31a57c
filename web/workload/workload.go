// Package workload knows programs by the tokens that their platform or their
// company's identity provider gives them (RFC 7523, OpenID Connect Core): who
// signed, for whom, until when, and about whom. What a program may do is not
// its business.
//
// An issuer that does not answer makes a token unknown, never wrong. Nothing
// of a token reaches an error.
package workload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

var (
	// ErrInvalid: not a token that counts here.
	ErrInvalid = errors.New("workload: invalid token")

	// ErrUnavailable: the issuer's keys are not to be had at the moment.
	ErrUnavailable = errors.New("workload: issuer unavailable")
)

// Issuer is who gives tokens to programs.
type Issuer struct {
	ID       string
	Issuer   string // iss, letter for letter
	Audience string // must be in aud
	JWKSURL  string // where its keys are; empty: discovered (OpenID Connect Discovery)
	RootCAs  *x509.CertPool
}

// Config configures [New].
type Config struct {
	Issuers   []Issuer
	Now       func() time.Time  // default time.Now
	Transport http.RoundTripper // default: one for each issuer, with its RootCAs
}

// Issuers verify tokens. They are safe for concurrent use.
type Issuers struct {
	byName map[string]*issuer
	now    func() time.Time
}

type issuer struct {
	Issuer
	keys     *keySet
	verifies *oidc.Config
}

const (
	longestLife  = time.Hour
	skew         = time.Minute
	longestToken = 16 << 10
	readTimeout  = 5 * time.Second
	mostDocument = 256 << 10
)

// algorithms are the signatures that count.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}

// New makes no network call: an issuer that is down keeps nobody from starting.
func New(c Config) (*Issuers, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	all := &Issuers{byName: make(map[string]*issuer), now: c.Now}
	var errs []error
	for _, i := range c.Issuers {
		if i.ID == "" || i.Issuer == "" || i.Audience == "" {
			errs = append(errs, fmt.Errorf("workload: issuer %q needs an id, an issuer and an audience", i.ID))
		}
		if all.byName[i.Issuer] != nil {
			errs = append(errs, fmt.Errorf("workload: issuer %q is there twice", i.ID))
		}
		all.byName[i.Issuer] = &issuer{Issuer: i,
			keys:     &keySet{issuer: i, client: newClient(i, c.Transport), now: c.Now},
			verifies: &oidc.Config{ClientID: i.Audience, SupportedSigningAlgs: names(algorithms), Now: c.Now}}
	}
	return all, errors.Join(errs...)
}

func names(algs []jose.SignatureAlgorithm) []string {
	var out []string
	for _, a := range algs {
		out = append(out, string(a))
	}
	return out
}

// newClient follows no redirect, heeds no proxy of the environment and reads
// no more than a document may have. Its issuer is the operator's choice, and
// often inside of the own network.
func newClient(i Issuer, transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: i.RootCAs},
			TLSHandshakeTimeout: readTimeout, ResponseHeaderTimeout: readTimeout, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns: 1, IdleConnTimeout: time.Minute,
		}
	}
	return &http.Client{
		Transport: bounded{transport}, Timeout: readTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts bodies, which go-oidc reads whole.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = cut{io.LimitReader(res.Body, mostDocument), res.Body}
	}
	return res, err
}

type cut struct {
	io.Reader
	io.Closer
}

// Token is a token that was verified.
type Token struct {
	Issuer  string // its id
	Subject string
	claims  map[string]any
}

// Has reports whether a claim is that text, or a list in which it is.
func (t Token) Has(claim, value string) bool {
	switch have := t.claims[claim].(type) {
	case string:
		return have == value
	case []any:
		return slices.Contains(have, any(value))
	}
	return false
}

// Verify checks a token in full. Its errors are [ErrInvalid] and
// [ErrUnavailable], with the reason.
func (s *Issuers) Verify(ctx context.Context, raw string) (Token, error) {
	i, err := s.issuerOf(raw)
	if err != nil {
		return Token{}, err
	}
	look := &signature{keys: i.keys}
	verified, err := oidc.NewVerifier(i.Issuer.Issuer, look, i.verifies).Verify(ctx, raw)
	switch _, expired := errors.AsType[*oidc.TokenExpiredError](err); {
	case look.err != nil:
		return Token{}, look.err
	case expired:
		return Token{}, invalid("expired")
	case err != nil:
		return Token{}, invalid("audience, or not valid yet")
	}
	if err := s.checkTimes(verified); err != nil {
		return Token{}, err
	}
	t := Token{Issuer: i.ID, Subject: verified.Subject}
	if verified.Subject == "" || verified.Claims(&t.claims) != nil {
		return Token{}, invalid("subject")
	}
	return t, nil
}

// issuerOf is whom a token claims to be from, before anything of it is
// believed.
func (s *Issuers) issuerOf(raw string) (*issuer, error) {
	if len(raw) > longestToken {
		return nil, invalid("too long")
	}
	jws, err := jose.ParseSignedCompact(raw, algorithms)
	if err != nil {
		return nil, invalid("malformed, or signed in another way than RS256, ES256 or EdDSA")
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims) != nil {
		return nil, invalid("malformed")
	}
	if i := s.byName[claims.Issuer]; i != nil {
		return i, nil
	}
	return nil, invalid("unknown issuer")
}

// checkTimes adds what go-oidc leaves to its callers.
func (s *Issuers) checkTimes(t *oidc.IDToken) error {
	switch {
	case t.IssuedAt.IsZero():
		return invalid("no iat")
	case t.IssuedAt.After(s.now().Add(skew)):
		return invalid("issued in the future")
	case t.Expiry.Sub(t.IssuedAt) > longestLife:
		return invalid("lives longer than an hour")
	}
	return nil
}

func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }
