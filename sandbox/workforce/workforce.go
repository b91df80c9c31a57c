// Package workforce is a company's identity provider in a box, for the demo
// and for tests: staff sign in by picking who they are, without a password. It
// is an OpenID provider as far as a relying party can see: discovery, keys,
// authorization code with PKCE, ID tokens with acr, amr, auth_time and groups,
// and an end of the session.
//
//	/.well-known/openid-configuration
//	/keys        public keys (RS256)
//	/authorize   the list of staff; prompt=none answers from the session
//	/token       code for ID token: client_secret_basic, PKCE S256
//	/logout      ends the session (RP-initiated logout), and tells the client
//	             (back-channel logout)
//
// A [Provider] is an [http.Handler] to serve and an [http.RoundTripper] to
// test with. [Provider.Fail] makes it sign what a relying party must refuse.
// It imports nothing of consentd's.
package workforce

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/sandbox"
)

// Config says what a provider is like.
type Config struct {
	Issuer       string            // required: scheme and host, "http://localhost:8084"
	ClientID     string            // required: the one client
	ClientSecret string            // required
	RedirectURIs []string          // required, compared exactly
	LogoutURIs   []string          // where a browser may go after /logout
	BackChannel  string            // where the client is told of the end of sessions; empty: nowhere
	Client       http.RoundTripper // the way there; default [http.DefaultTransport]
	Staff        []Person          // default [Staff]
	Now          func() time.Time  // default time.Now
	Log          *slog.Logger      // default: nothing is logged
}

// Provider is the identity provider. Make one with [New]; its methods may be
// called from several goroutines.
type Provider struct {
	cfg     Config
	key     jose.JSONWebKey
	handler http.Handler

	mu       sync.Mutex
	staff    []Person
	trips    map[string]trip     // authorization requests whose browser has not picked yet
	codes    map[string]approval // codes, until they are used or too old
	sessions map[string]session
	last     string // sid of the newest session
	faults   []Fault
}

var (
	_ http.Handler      = (*Provider)(nil)
	_ http.RoundTripper = (*Provider)(nil)
)

// New opens a provider. The error names everything that is wrong in cfg.
func New(cfg Config) (*Provider, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Staff == nil {
		cfg.Staff = Staff()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Client == nil {
		cfg.Client = http.DefaultTransport
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Provider{cfg: cfg, key: name(firstKey()), staff: slices.Clone(cfg.Staff),
		trips: make(map[string]trip), codes: make(map[string]approval), sessions: make(map[string]session)}
	p.handler = p.routes()
	return p, nil
}

func (c Config) check() error {
	var errs []error
	u, err := url.Parse(c.Issuer)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		errs = append(errs, fmt.Errorf("workforce: issuer %q is not scheme://host", c.Issuer))
	}
	if c.ClientID == "" || c.ClientSecret == "" {
		errs = append(errs, errors.New("workforce: client id and secret are required"))
	}
	if len(c.RedirectURIs) == 0 {
		errs = append(errs, errors.New("workforce: no redirect address"))
	}
	for _, s := range slices.Concat(c.RedirectURIs, c.LogoutURIs) {
		if u, err := url.Parse(s); err != nil || u.Scheme == "" || u.Host == "" || u.Fragment != "" {
			errs = append(errs, fmt.Errorf("workforce: address %q is not absolute or has a fragment", s))
		}
	}
	return errors.Join(errs...)
}

// maxBody is many times the largest request that makes sense.
const maxBody = 64 << 10

// ServeHTTP answers one request.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p.handler.ServeHTTP(w, r)
}

// RoundTrip serves r within the process, whatever host it names.
func (p *Provider) RoundTrip(r *http.Request) (*http.Response, error) {
	return sandbox.RoundTrip(p, r)
}

func (p *Provider) routes() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /authorize", p.authorize)
	pages.HandleFunc("POST /authorize", p.pick)
	pages.HandleFunc("/logout", p.logout)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.token)
	mux.Handle("/", http.NewCrossOriginProtection().Handler(pages))
	return mux
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	issuer := p.cfg.Issuer
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                issuer,
		"authorization_endpoint":                issuer + "/authorize",
		"token_endpoint":                        issuer + "/token",
		"jwks_uri":                              issuer + "/keys",
		"end_session_endpoint":                  issuer + "/logout",
		"scopes_supported":                      []string{"openid", "profile", "email", "groups"},
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"code_challenge_methods_supported":      []string{"S256"},
		"acr_values_supported":                  []string{ACRStrong, ACRWeak},
		"claims_supported": []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr",
			"name", "email", "groups"},
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"authorization_response_iss_parameter_supported": true,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
}

// firstKey and otherKey are made once for all providers of the process:
// making a key costs more than most tests that need a provider.
var (
	firstKey = sync.OnceValue(newKey)
	otherKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("workforce: no randomness: " + err.Error())
	}
	return key
}

func name(key *rsa.PrivateKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone: nothing to tell it
}

// refuse answers in the words of RFC 6749.
func refuse(w http.ResponseWriter, status int, code, description string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="workforce"`)
	}
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}
