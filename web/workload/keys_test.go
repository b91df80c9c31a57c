package workload_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/web/workload"
)

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
