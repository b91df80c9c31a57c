// Package provider signs staff in at the company's identity provider: the
// authorization-code flow of OpenID Connect with PKCE, state and nonce, and
// every check of the ID token that answers it.
//
// It knows one provider and one registration there. What somebody may do is
// for package web/staff to say. Nothing is asked of the provider before
// somebody wants to sign in: the console starts without it.
package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/consentd/consentd/internal/jwks"
	"github.com/consentd/consentd/token"
)

// Config says where the provider is and what it must prove.
type Config struct {
	Issuer       string // letter for letter as its ID tokens have it
	ClientID     string
	ClientSecret token.Secret
	RedirectURI  string
	GroupsClaim  string        // the ID token's claim that lists groups
	ACR          []string      // asked for, and one of them required; none: any will do
	AMR          []string      // all of them required
	MaxAge       time.Duration // how long ago somebody may have shown who they are

	AllowHTTP bool              // plain http, for tests and demonstrations
	Transport http.RoundTripper // default: one with limits, without a proxy
	Now       func() time.Time  // default time.Now
	Log       *slog.Logger      // default: discard
}

// Why nobody is signed in. Errors wrap one of them, and hold none of what the
// provider or the browser sent.
var (
	// ErrUnavailable: the provider does not answer, or not usefully.
	ErrUnavailable = errors.New("provider: unavailable")

	// ErrRefused: the provider, or a check of its answer, said no.
	ErrRefused = errors.New("provider: refused")

	// ErrWeak: signed in, but not as strongly or as lately as is required.
	ErrWeak = errors.New("provider: not strong enough")
)

// Person is who signed in.
type Person struct {
	Subject string // with the issuer: who it is
	Session string // at the provider; empty: it does not say
	Name    string
	Groups  []string
}

// Trip is one browser's way to the provider and back. It is kept where only
// that browser finds it, and is good for one return.
type Trip struct {
	State, Nonce, Verifier token.Secret
}

const (
	deadline     = 10 * time.Second
	mostBody     = 256 << 10
	clockSkew    = time.Minute
	mostTokenAge = 10 * time.Minute
	metadataLife = 24 * time.Hour
)

// Provider is the company's identity provider. It is safe for concurrent use.
type Provider struct {
	c      Config
	client *http.Client
	keys   *keySet

	mu    sync.Mutex
	known *metadata
}

// metadata is what the provider says of itself.
type metadata struct {
	oauth2.Endpoint
	jwks     string
	algs     []string
	sendsIss bool
	read     time.Time
}

// New makes a provider and talks to nobody.
func New(c Config) (*Provider, error) {
	if c.Issuer == "" || c.ClientID == "" || c.ClientSecret == "" || c.RedirectURI == "" || c.GroupsClaim == "" || c.MaxAge <= 0 {
		return nil, errors.New("provider: issuer, client, secret, redirect address, groups claim and greatest age are required")
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	p := &Provider{c: c, client: &http.Client{Transport: bounded{c.Transport}, Timeout: deadline, CheckRedirect: noRedirect}}
	p.keys = &keySet{p: p}
	return p, nil
}

func newTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = deadline, deadline
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// noRedirect: a redirect of the token endpoint would carry our secret away.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// bounded ends bodies that are longer than any that makes sense.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, mostBody), res.Body}
	return res, nil
}

// discover reads where to go, once a day. What was read before goes on being
// used while the provider does not answer.
func (p *Provider) discover(ctx context.Context) (metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.c.Now()
	if p.known != nil && now.Sub(p.known.read) < metadataLife {
		return *p.known, nil
	}
	m, err := p.readMetadata(ctx)
	if err != nil && p.known != nil {
		return *p.known, nil
	}
	if err != nil {
		p.c.Log.WarnContext(ctx, "staff's identity provider cannot be read", slog.String("issuer", p.c.Issuer), slog.Any("error", err))
		return metadata{}, ErrUnavailable
	}
	m.read = now
	p.known = &m
	return m, nil
}

func (p *Provider) readMetadata(ctx context.Context) (metadata, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.c.Issuer)
	if err != nil {
		return metadata{}, errors.New("no valid metadata") // the library's error quotes what came
	}
	var more struct {
		JWKS     string   `json:"jwks_uri"`
		Algs     []string `json:"id_token_signing_alg_values_supported"`
		Auth     []string `json:"token_endpoint_auth_methods_supported"`
		SendsIss bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return metadata{}, errors.New("metadata of the wrong form")
	}
	m := metadata{Endpoint: found.Endpoint(), jwks: more.JWKS, sendsIss: more.SendsIss}
	m.AuthStyle = oauth2.AuthStyleInHeader // never left to be found out: that sends the code twice
	if len(more.Auth) > 0 && !slices.Contains(more.Auth, "client_secret_basic") {
		m.AuthStyle = oauth2.AuthStyleInParams
	}
	for _, alg := range more.Algs {
		if jwks.Known(alg) {
			m.algs = append(m.algs, alg)
		}
	}
	if len(m.algs) == 0 {
		return metadata{}, errors.New("no signature algorithm that is safe")
	}
	for _, address := range []string{m.AuthURL, m.TokenURL, m.jwks} {
		if err := p.checkAddress(address); err != nil {
			return metadata{}, err
		}
	}
	return m, nil
}

func (p *Provider) checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || (u.Scheme != "https" && !(p.c.AllowHTTP && u.Scheme == "http")) {
		return errors.New("an address in the metadata is not a plain https one")
	}
	return nil
}

func (p *Provider) flow(m metadata) *oauth2.Config {
	return &oauth2.Config{ClientID: p.c.ClientID, ClientSecret: p.c.ClientSecret.Reveal(), Endpoint: m.Endpoint,
		RedirectURL: p.c.RedirectURI, Scopes: []string{oidc.ScopeOpenID, "profile"}}
}

// Origin is where the browser is sent, for the page whose form leads there.
func (p *Provider) Origin(ctx context.Context) (string, error) {
	m, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(m.AuthURL)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return u.Scheme + "://" + u.Host, nil
}
