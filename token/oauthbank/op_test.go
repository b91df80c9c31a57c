package oauthbank_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

const (
	issuer       = "https://bank.example/oidc"
	clientID     = "consentd"
	clientSecret = "s3cret of our client"
	redirectURI  = "https://consentd.example/callback/bank"
	subject      = "subject-1"
	nonce        = "nonce-of-this-trip"
	verifier     = "a-code-verifier-that-is-longer-than-43-characters-0123456789"
)

// signer is one key of the bank.
type signer struct {
	alg  string
	kid  string
	key  crypto.Signer
	edit func(jwk map[string]any) // how the bank publishes it
}

var (
	rsaKeys = sync.OnceValue(func() []*rsa.PrivateKey {
		keys := make([]*rsa.PrivateKey, 2)
		for i := range keys {
			keys[i] = must(rsa.GenerateKey(rand.Reader, 2048))
		}
		return keys
	})
	weakRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ecKey      = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	ec384Key   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	edKey      = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// request is one that reached the bank.
type request struct {
	method, url, path string
	header            http.Header
	form              url.Values
}

// misbehavingOP is a bank in process. As it comes it behaves; a test bends
// one of its hooks. It is the network too: it answers as a RoundTripper.
type misbehavingOP struct {
	mu       sync.Mutex
	requests []request

	now        func() time.Time
	keys       []signer // published; the first one signs
	jwks       func() any
	jwksHeader http.Header
	claims     func(map[string]any) // bends the ID token
	jwsHeader  map[string]any       // bends its header
	mint       func(claims map[string]any) string
	answer     func(map[string]any) // bends the token answer
	metadata   func(map[string]any)
	serve      map[string]func(*http.Request) (*http.Response, error) // by path, replaces all
}

func newOP() *misbehavingOP {
	return &misbehavingOP{
		now:   time.Now,
		keys:  []signer{{alg: "RS256", kid: "k1", key: rsaKeys()[0]}},
		serve: map[string]func(*http.Request) (*http.Response, error){},
	}
}

func (op *misbehavingOP) config() oauthbank.Config {
	return oauthbank.Config{
		ID:     "testbank",
		Issuer: issuer,
		Endpoints: oauthbank.Endpoints{
			Authorization: "https://bank.example/authorize",
			Token:         "https://bank.example/token",
			JWKS:          "https://bank.example/jwks",
			Revocation:    "https://bank.example/revoke",
			PAR:           "https://bank.example/par",
		},
		ClientID:        clientID,
		ClientSecret:    clientSecret,
		ClientAuth:      oauthbank.ClientSecretBasic,
		PKCE:            true,
		RedirectURI:     redirectURI,
		NationalIDClaim: "kennitala",
		Transport:       op,
	}
}

func (op *misbehavingOP) bank(t testing.TB, edits ...func(*oauthbank.Config)) *oauthbank.Bank {
	t.Helper()
	c := op.config()
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	for _, edit := range edits {
		edit(&c)
	}
	b, err := oauthbank.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func withDiscovery(c *oauthbank.Config) {
	c.DiscoveryURL = issuer
	c.Endpoints = oauthbank.Endpoints{}
}

func (op *misbehavingOP) RoundTrip(r *http.Request) (*http.Response, error) {
	seen := request{method: r.Method, url: r.URL.String(), path: r.URL.Path, header: r.Header.Clone()}
	if r.Body != nil {
		seen.form, _ = url.ParseQuery(string(must(io.ReadAll(r.Body))))
	}
	op.mu.Lock()
	op.requests = append(op.requests, seen)
	serve := op.serve[r.URL.Path]
	op.mu.Unlock()
	if serve != nil {
		return serve(r)
	}
	switch r.URL.Path {
	case "/oidc/.well-known/openid-configuration":
		return jsonResponse(200, op.discovery()), nil
	case "/jwks":
		resp := jsonResponse(200, op.published())
		maps.Copy(resp.Header, op.jwksHeader)
		return resp, nil
	case "/token":
		return jsonResponse(200, op.tokens()), nil
	case "/revoke":
		return textResponse(200, "text/plain", ""), nil
	case "/par":
		return jsonResponse(201, map[string]any{"request_uri": "urn:ietf:params:oauth:request_uri:abc", "expires_in": 60}), nil
	}
	return textResponse(404, "text/html", "<h1>not found</h1>"), nil
}

func (op *misbehavingOP) discovery() map[string]any {
	m := map[string]any{
		"issuer":                 issuer,
		"authorization_endpoint": "https://bank.example/authorize",
		"token_endpoint":         "https://bank.example/token",
		"jwks_uri":               "https://bank.example/jwks",
		"revocation_endpoint":    "https://bank.example/revoke",
	}
	if op.metadata != nil {
		op.metadata(m)
	}
	return m
}

func (op *misbehavingOP) published() any {
	if op.jwks != nil {
		return op.jwks()
	}
	return jwksOf(op.keys...)
}

func jwksOf(keys ...signer) any {
	var list []any
	for _, k := range keys {
		list = append(list, jwkOf(k))
	}
	return map[string]any{"keys": list}
}

func jwkOf(k signer) map[string]any {
	text := must(json.Marshal(jose.JSONWebKey{Key: k.key.Public(), KeyID: k.kid, Algorithm: k.alg, Use: "sig"}))
	var jwk map[string]any
	if err := json.Unmarshal(text, &jwk); err != nil {
		panic(err)
	}
	if k.edit != nil {
		k.edit(jwk)
	}
	return jwk
}

func (op *misbehavingOP) tokens() map[string]any {
	const access = "access-1"
	answer := map[string]any{
		"access_token":  access,
		"refresh_token": "refresh-1",
		"token_type":    "Bearer",
		"expires_in":    600,
		"scope":         "openid payments",
		"id_token":      op.idToken(access),
	}
	if op.answer != nil {
		op.answer(answer)
	}
	return answer
}

func (op *misbehavingOP) idToken(access string) string {
	claims := map[string]any{
		"iss":       issuer,
		"sub":       subject,
		"aud":       clientID,
		"exp":       op.now().Add(5 * time.Minute).Unix(),
		"iat":       op.now().Unix(),
		"nonce":     nonce,
		"at_hash":   atHash(access),
		"name":      "Jón Gunnarsson",
		"kennitala": "0101809999",
	}
	if op.claims != nil {
		op.claims(claims)
	}
	if op.mint != nil {
		return op.mint(claims)
	}
	return op.sign(op.keys[0], claims)
}

func atHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (op *misbehavingOP) sign(k signer, claims map[string]any) string {
	return op.signText(k, string(must(json.Marshal(claims))))
}

func (op *misbehavingOP) signRaw(payload string) string { return op.signText(op.keys[0], payload) }

func (op *misbehavingOP) signText(k signer, payload string) string {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if k.kid != "" {
		options = options.WithHeader("kid", k.kid)
	}
	for name, value := range op.jwsHeader {
		options = options.WithHeader(jose.HeaderKey(name), value)
	}
	s := must(jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: k.key}, options))
	return must(must(s.Sign([]byte(payload))).CompactSerialize())
}

func (op *misbehavingOP) seen(path string) []request {
	op.mu.Lock()
	defer op.mu.Unlock()
	var list []request
	for _, r := range op.requests {
		if r.path == path {
			list = append(list, r)
		}
	}
	return list
}

// on replaces the answer of one path.
func (op *misbehavingOP) on(path string, serve func(*http.Request) (*http.Response, error)) {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.serve[path] = serve
}

func (op *misbehavingOP) reply(path string, status int, contentType, body string, header ...string) {
	op.on(path, func(*http.Request) (*http.Response, error) {
		resp := textResponse(status, contentType, body)
		for i := 0; i+1 < len(header); i += 2 {
			resp.Header.Set(header[i], header[i+1])
		}
		return resp, nil
	})
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func jsonResponse(status int, v any) *http.Response {
	return textResponse(status, "application/json", string(must(json.Marshal(v))))
}

func textResponse(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {contentType}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

func redemption() token.Redemption {
	return token.Redemption{Code: "code-1", Verifier: verifier, Nonce: nonce, Scopes: []string{"openid", "payments"}}
}

func redeem(t testing.TB, b *oauthbank.Bank) (token.Grant, token.Identity, error) {
	t.Helper()
	return b.Redeem(t.Context(), redemption())
}

func refresh(t testing.TB, b *oauthbank.Bank) (token.Grant, error) {
	t.Helper()
	return b.Refresh(t.Context(), "refresh-0", []string{"openid", "payments"},
		token.Identity{Issuer: issuer, Subject: subject})
}

// wantFault checks the class of a failure and the word for it.
func wantFault(t testing.TB, err error, want error, code string) {
	t.Helper()
	var be *token.BankError
	if !errors.As(err, &be) || !errors.Is(err, want) || be.Code != code {
		t.Errorf("error = %v, want %v with code %q", err, want, code)
	}
}

// logged collects a log.
func logged(c *oauthbank.Config) *syncBuffer {
	out := &syncBuffer{}
	c.Log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return out
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func contextWithCancel(t testing.TB) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}

func reveal(s token.Secret) string { return s.Reveal() }

func slowly(d time.Duration, answer any) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		time.Sleep(d)
		return jsonResponse(200, answer), nil
	}
}

func asFault(err, want error) (*token.BankError, bool) {
	be, ok := errors.AsType[*token.BankError](err)
	return be, ok && errors.Is(err, want)
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// lockedKey is a key in a store that does not answer.
type lockedKey struct{ crypto.Signer }

func (lockedKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("key store unavailable")
}
