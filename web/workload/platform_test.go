package workload_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/web/workload"
)

// platform is an issuer of tokens whose clock and faults the test has in hand.
type platform struct {
	t   *testing.T
	url string
	now time.Time
	rsa *rsa.PrivateKey

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	broken   http.HandlerFunc
	metadata string // in place of its own
	reads    int
}

var weekday = time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{t: t, now: weekday, rsa: rsaKey()}
	p.keys = []jose.JSONWebKey{{Key: p.rsa.Public(), KeyID: "1", Use: "sig"}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		p.broken(w, r)
		return
	}
	var body any = map[string]any{"issuer": p.url, "jwks_uri": p.url + "/keys", "token_endpoint": p.url, "authorization_endpoint": p.url}
	if r.URL.Path == "/keys" {
		p.reads++
		body = map[string]any{"keys": append([]any{map[string]string{"kty": "odd"}}, all(p.keys)...)}
	} else if p.metadata != "" {
		body = json.RawMessage(p.metadata)
	}
	_ = json.NewEncoder(w).Encode(body)
}

func (p *platform) breaks(how http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = how
}

func (p *platform) publishes(keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

func (p *platform) describes(metadata string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.metadata = metadata
}

func (p *platform) readings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads
}

func all(keys []jose.JSONWebKey) []any {
	var out []any
	for _, k := range keys {
		out = append(out, k)
	}
	return out
}

func (p *platform) issuers(change ...func(*workload.Issuer)) *workload.Issuers {
	p.t.Helper()
	i := workload.Issuer{ID: "cluster", Issuer: p.url, Audience: "https://consent.test"}
	for _, f := range change {
		f(&i)
	}
	s, err := workload.New(workload.Config{Issuers: []workload.Issuer{i}, Now: func() time.Time { return p.now }})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

const shop = "system:serviceaccount:payments:shop"

func (p *platform) claims() map[string]any {
	return map[string]any{"iss": p.url, "sub": shop, "aud": []string{"https://consent.test"},
		"iat": p.now.Unix(), "exp": p.now.Add(10 * time.Minute).Unix(), "team": "payments", "roles": []string{"a", "b"}, "n": 1}
}

func (p *platform) sign(key jose.SigningKey, claims map[string]any, header map[jose.HeaderKey]any) string {
	p.t.Helper()
	signer, err := jose.NewSigner(key, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		p.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return raw
}

func (p *platform) token(change map[string]any) string {
	claims := p.claims()
	maps.Copy(claims, change)
	return p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "1"}}, claims, nil)
}
