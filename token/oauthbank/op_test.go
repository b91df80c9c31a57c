package oauthbank_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

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
