package workload_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
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

func TestVerify(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	got, err := p.issuers().Verify(t.Context(), p.token(nil))
	if err != nil || got.Issuer != "cluster" || got.Subject != shop {
		t.Fatalf("Verify = %+v, %v", got, err)
	}
	for claim, values := range map[string]map[string]bool{
		"team": {"payments": true, "pay": false}, "roles": {"a": true, "b": true, "c": false}, "n": {"1": false}, "none": {"": false},
	} {
		for value, want := range values {
			if got.Has(claim, value) != want {
				t.Errorf("Has(%s, %s) = %t", claim, value, !want)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	hour := int64(3600)
	signed := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "1"}}
	for name, raw := range map[string]string{
		"nothing":               "",
		"not a token":           "a.b.c",
		"cut":                   strings.TrimSuffix(p.token(nil), p.token(nil)[len(p.token(nil))-4:]),
		"too long":              p.token(map[string]any{"x": strings.Repeat("a", 20<<10)}),
		"another issuer":        p.token(map[string]any{"iss": "https://other.test"}),
		"issuer with a slash":   p.token(map[string]any{"iss": p.url + "/"}),
		"another audience":      p.token(map[string]any{"aud": "https://other.test"}),
		"no audience":           p.token(map[string]any{"aud": nil}),
		"no subject":            p.token(map[string]any{"sub": ""}),
		"expired":               p.token(map[string]any{"iat": p.now.Unix() - hour, "exp": p.now.Unix() - 1}),
		"no expiry":             p.token(map[string]any{"exp": nil}),
		"no time of issue":      p.token(map[string]any{"iat": nil}),
		"issued in the future":  p.token(map[string]any{"iat": p.now.Unix() + 120}),
		"too long a life":       p.token(map[string]any{"exp": p.now.Unix() + hour + 1}),
		"not valid yet":         p.token(map[string]any{"nbf": p.now.Unix() + hour/2}),
		"another's signature":   p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: other, KeyID: "1"}}, p.claims(), nil),
		"a key of its own":      p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: other}, p.claims(), map[jose.HeaderKey]any{"jwk": jose.JSONWebKey{Key: other.Public()}}),
		"unknown key":           p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "2"}}, p.claims(), nil),
		"another algorithm":     p.sign(jose.SigningKey{Algorithm: jose.PS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "1"}}, p.claims(), nil),
		"a shared secret":       p.sign(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, p.claims(), nil),
		"no signature":          "eyJhbGciOiJub25lIn0." + strings.Split(p.token(nil), ".")[1] + ".",
		"another serialization": full(t, p.sign(signed, p.claims(), nil)),
	} {
		if _, err := p.issuers().Verify(t.Context(), raw); !errors.Is(err, workload.ErrInvalid) || strings.Contains(err.Error(), "other.test") {
			t.Errorf("%s: Verify = %v", name, err)
		}
	}
	if _, err := p.issuers().Verify(t.Context(), p.token(map[string]any{"exp": p.now.Unix() + hour})); err != nil {
		t.Errorf("a life of an hour: %v", err)
	}
}

func full(t *testing.T, compact string) string {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return jws.FullSerialize()
}

func TestVerifyOtherAlgorithms(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.publishes(jose.JSONWebKey{Key: ec.Public(), KeyID: "ec"}, jose.JSONWebKey{Key: ed.Public(), KeyID: "ed"},
		jose.JSONWebKey{Key: p.rsa.Public(), KeyID: "enc", Use: "enc"})
	s := p.issuers(func(i *workload.Issuer) { i.JWKSURL = p.url + "/keys" })
	for id, key := range map[string]jose.SigningKey{
		"ec": {Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: ec, KeyID: "ec"}}, "ed": {Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: ed, KeyID: "ed"}},
		"no id": {Algorithm: jose.ES256, Key: ec},
	} {
		if _, err := s.Verify(t.Context(), p.sign(key, p.claims(), nil)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	enc := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "enc"}}, p.claims(), nil)
	if _, err := s.Verify(t.Context(), enc); !errors.Is(err, workload.ErrInvalid) {
		t.Errorf("a key for encryption: %v", err)
	}
}

func TestAnIssuerThatIsDownIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]http.HandlerFunc{
		"error":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"html":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat(" ", 1<<20) + "{}"))
		},
		"nothing": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		p := newPlatform(t)
		p.breaks(broken)
		s := p.issuers()
		for range 3 {
			if _, err := s.Verify(t.Context(), p.token(nil)); !errors.Is(err, workload.ErrUnavailable) || errors.Is(err, workload.ErrInvalid) {
				t.Errorf("%s: Verify = %v", name, err)
			}
		}
		p.breaks(nil)
		p.now = p.now.Add(30 * time.Second)
		if _, err := s.Verify(t.Context(), p.token(nil)); err != nil {
			t.Errorf("%s, afterwards: %v", name, err)
		}
	}
}

func TestMetadataOfAnotherIssuerAreRefused(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.describes(`{"issuer":"https://other.test","jwks_uri":"` + p.url + `/keys"}`)
	if _, err := p.issuers().Verify(t.Context(), p.token(nil)); !errors.Is(err, workload.ErrUnavailable) || p.readings() != 0 {
		t.Errorf("Verify = %v after %d readings of keys", err, p.readings())
	}
}

func TestKeysAreReadNowAndThen(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.issuers()
	junk := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "junk"}}, p.claims(), nil)
	for range 50 {
		_, _ = s.Verify(t.Context(), p.token(nil))
		if _, err := s.Verify(t.Context(), junk); !errors.Is(err, workload.ErrInvalid) {
			t.Fatalf("junk: %v", err)
		}
	}
	if p.readings() != 1 {
		t.Errorf("%d readings for 100 tokens, want 1", p.readings())
	}
	p.now = p.now.Add(30 * time.Second)
	_, _ = s.Verify(t.Context(), junk)
	_, _ = s.Verify(t.Context(), junk)
	if p.readings() != 2 {
		t.Errorf("%d readings after the pause, want 2", p.readings())
	}
}

func TestKeysOutliveAnOutageForAnHour(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.issuers()
	verify := func() error { _, err := s.Verify(t.Context(), p.token(nil)); return err }
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	p.breaks(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	p.now = p.now.Add(59 * time.Minute)
	if err := verify(); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	junk := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "new"}}, p.claims(), nil)
	if _, err := s.Verify(t.Context(), junk); !errors.Is(err, workload.ErrUnavailable) {
		t.Errorf("a key that may be new: %v", err)
	}
	p.now = p.now.Add(time.Minute)
	if err := verify(); !errors.Is(err, workload.ErrUnavailable) {
		t.Errorf("after the hour: %v", err)
	}
}

func TestWithdrawnKeyIsDropped(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.issuers()
	if _, err := s.Verify(t.Context(), p.token(nil)); err != nil {
		t.Fatal(err)
	}
	p.publishes()
	p.now = p.now.Add(10 * time.Minute)
	if _, err := s.Verify(t.Context(), p.token(nil)); !errors.Is(err, workload.ErrInvalid) {
		t.Errorf("a token of a withdrawn key: %v", err)
	}
}

func TestNewReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	i := workload.Issuer{ID: "a", Issuer: "https://a.test", Audience: "x"}
	if _, err := workload.New(workload.Config{Issuers: []workload.Issuer{i, i}}); err == nil {
		t.Error("one issuer twice is accepted")
	}
	if _, err := workload.New(workload.Config{Issuers: []workload.Issuer{{ID: "a"}}}); err == nil {
		t.Error("an issuer without an issuer is accepted")
	}
}

// TestAKeyThatIsTooNewIsNoRefusal: while a stranger's tokens use up the
// readings, an issuer's new key is not known yet.
func TestAKeyThatIsTooNewIsNoRefusal(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.issuers()
	junk := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "junk"}}, p.claims(), nil)
	if _, err := s.Verify(t.Context(), junk); !errors.Is(err, workload.ErrInvalid) {
		t.Fatalf("junk: %v", err)
	}
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.publishes(jose.JSONWebKey{Key: p.rsa.Public(), KeyID: "1"}, jose.JSONWebKey{Key: next.Public(), KeyID: "2"})
	p.now = p.now.Add(time.Second)
	good := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: next, KeyID: "2"}}, p.claims(), nil)
	forged := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: next, KeyID: "1"}}, p.claims(), nil)
	if _, err := s.Verify(t.Context(), good); !errors.Is(err, workload.ErrUnavailable) || errors.Is(err, workload.ErrInvalid) {
		t.Errorf("by a key that was not read yet: %v", err)
	}
	if _, err := s.Verify(t.Context(), forged); !errors.Is(err, workload.ErrInvalid) {
		t.Errorf("by another key than the one it names: %v", err)
	}
	p.now = p.now.Add(30 * time.Second)
	if _, err := s.Verify(t.Context(), good); err != nil {
		t.Errorf("once the keys were read again: %v", err)
	}
}

func TestKeysOfAnHTTPSIssuerComeByHTTPS(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var front *httptest.Server
	front = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": front.URL, "jwks_uri": p.url + "/keys", "authorization_endpoint": front.URL, "token_endpoint": front.URL})
	}))
	t.Cleanup(front.Close)
	s, err := workload.New(workload.Config{Issuers: []workload.Issuer{{ID: "x", Issuer: front.URL, Audience: "https://consent.test"}},
		Now: func() time.Time { return p.now }, Transport: front.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	claims := p.claims()
	claims["iss"] = front.URL
	raw := p.sign(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.rsa, KeyID: "1"}}, claims, nil)
	if _, err := s.Verify(t.Context(), raw); !errors.Is(err, workload.ErrUnavailable) || p.readings() != 0 {
		t.Errorf("keys were read without https %d times, and %v", p.readings(), err)
	}
}
