package provider_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox/workforce"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/staff/provider"
)

const (
	issuer = "https://login.company.test"
	back   = "https://staff.example.test/callback"
)

// line is the way to the provider, which can be cut, and counts.
type line struct {
	to    http.RoundTripper
	cut   bool
	calls []string
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.calls = append(l.calls, r.URL.Path)
	if l.cut {
		return nil, errors.New("the line is cut")
	}
	return l.to.RoundTrip(r)
}

type world struct {
	t        *testing.T
	company  *workforce.Provider
	line     *line
	provider *provider.Provider
	now      time.Time
}

func newWorld(t *testing.T, change func(*provider.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	var err error
	w.company, err = workforce.New(workforce.Config{Issuer: issuer, ClientID: "console", ClientSecret: "s p/c=", RedirectURIs: []string{back}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	w.line = &line{to: w.company}
	c := provider.Config{Issuer: issuer, ClientID: "console", ClientSecret: "s p/c=", RedirectURI: back, GroupsClaim: "groups",
		ACR: []string{workforce.ACRStrong}, AMR: []string{"mfa"}, MaxAge: 8 * time.Hour, Transport: w.line, Now: now}
	if change != nil {
		change(&c)
	}
	if w.provider, err = provider.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// trip goes to the provider, where somebody picks who they are.
func (w *world) trip(subject string) (provider.Trip, url.Values) {
	w.t.Helper()
	trip, address, err := w.provider.Begin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, secret := range []token.Secret{trip.Verifier, "s p/c="} {
		if strings.Contains(address, url.QueryEscape(secret.Reveal())) {
			w.t.Errorf("the address holds a secret: %s", address)
		}
	}
	returned, err := w.company.SignIn(address, subject)
	if err != nil {
		w.t.Fatal(err)
	}
	return trip, returned.Query()
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	trip, answer := w.trip("audur")
	who, err := w.provider.Finish(t.Context(), trip, answer)
	if err != nil || who.Subject != "audur" || !strings.HasPrefix(who.Name, "Auður") || !slices.Equal(who.Groups, []string{workforce.GroupSupport}) {
		t.Errorf("Finish = %+v, %v", who, err)
	}
	if _, err := w.provider.Finish(t.Context(), trip, answer); !errors.Is(err, provider.ErrRefused) {
		t.Errorf("Finish again = %v, want it refused", err)
	}
}

// TestFaults lets the provider sign each thing that must be refused.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range workforce.Faults() {
		if fault == workforce.FaultNoGroups {
			continue // for whoever gives roles
		}
		w := newWorld(t, nil)
		w.company.Fail(fault)
		trip, answer := w.trip("audur")
		want := provider.ErrRefused
		if fault == workforce.FaultWeakACR || fault == workforce.FaultOldAuthTime {
			want = provider.ErrWeak
		}
		if who, err := w.provider.Finish(t.Context(), trip, answer); !errors.Is(err, want) || who.Subject != "" {
			t.Errorf("%s: Finish = %+v, %v, want %v", fault, who, err, want)
		}
	}
}

func TestRequiredMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *provider.Config) { c.ACR, c.AMR = nil, []string{"mfa", "hwk"} })
	trip, answer := w.trip("audur")
	if _, err := w.provider.Finish(t.Context(), trip, answer); !errors.Is(err, provider.ErrWeak) {
		t.Errorf("Finish = %v, want too weak without hwk", err)
	}
}

// TestForgedReturns must not reach the provider at all.
func TestForgedReturns(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(url.Values){
		"no state":         func(v url.Values) { v.Del("state") },
		"another state":    func(v url.Values) { v.Set("state", "x") },
		"two states":       func(v url.Values) { v.Add("state", v.Get("state")) },
		"another issuer":   func(v url.Values) { v.Set("iss", issuer+"/") },
		"no issuer":        func(v url.Values) { v.Del("iss") },
		"two codes":        func(v url.Values) { v.Add("code", "y") },
		"no code":          func(v url.Values) { v.Del("code") },
		"code and error":   func(v url.Values) { v.Set("error", "access_denied") },
		"the answer is no": func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") },
	} {
		w := newWorld(t, nil)
		trip, answer := w.trip("audur")
		forge(answer)
		before := len(w.line.calls)
		if _, err := w.provider.Finish(t.Context(), trip, answer); !errors.Is(err, provider.ErrRefused) {
			t.Errorf("%s: Finish = %v, want it refused", name, err)
		}
		if calls := w.line.calls[before:]; len(calls) > 0 {
			t.Errorf("%s: asked the provider for %v", name, calls)
		}
	}
}

func TestAnotherBrowsersTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, answer := w.trip("audur")
	other, theirs := w.trip("dagny")
	answer.Set("state", theirs.Get("state"))
	if _, err := w.provider.Finish(t.Context(), other, answer); !errors.Is(err, provider.ErrRefused) {
		t.Errorf("Finish = %v, want another trip's code refused by its verifier", err)
	}
	if _, err := w.provider.Finish(t.Context(), provider.Trip{}, url.Values{"state": {""}, "code": {"x"}, "iss": {issuer}}); !errors.Is(err, provider.ErrRefused) {
		t.Errorf("Finish without a trip = %v, want it refused", err)
	}
}

func TestProviderDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.line.cut = true
	if _, _, err := w.provider.Begin(t.Context()); !errors.Is(err, provider.ErrUnavailable) {
		t.Errorf("Begin = %v, want unavailable", err)
	}
	w.line.cut = false
	trip, answer := w.trip("audur") // back again, without a restart
	w.line.cut = true
	if _, err := w.provider.Finish(t.Context(), trip, answer); !errors.Is(err, provider.ErrUnavailable) {
		t.Errorf("Finish = %v, want unavailable", err)
	}
	if sent := slices.Index(w.line.calls, "/token"); sent < 0 || slices.Contains(w.line.calls[sent+1:], "/token") {
		t.Errorf("calls = %v, want the code sent once", w.line.calls)
	}
	w.now = w.now.Add(25 * time.Hour)
	if origin, err := w.provider.Origin(t.Context()); err != nil || origin != issuer {
		t.Errorf("Origin = %q, %v, want what was known before", origin, err)
	}
}

func TestKeysAreReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.company.Fail(workforce.FaultForeignKey, workforce.FaultForeignKey, workforce.FaultForeignKey)
	for range 3 {
		trip, answer := w.trip("audur")
		_, _ = w.provider.Finish(t.Context(), trip, answer)
	}
	reads := 0
	for _, path := range w.line.calls {
		if path == "/keys" {
			reads++
		}
	}
	if reads != 1 {
		t.Errorf("keys were read %d times for three bad tokens, want once", reads)
	}
	w.now = w.now.Add(time.Minute)
	trip, answer := w.trip("audur")
	if _, err := w.provider.Finish(t.Context(), trip, answer); err != nil {
		t.Errorf("Finish = %v", err)
	}
}

// TestKeysThatCannotBeRead are not asked for at every token.
func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	reads := 0
	w.line.to = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/keys" {
			return w.company.RoundTrip(r)
		}
		reads++
		return nil, errors.New("cut")
	})
	signIn := func() error {
		trip, answer := w.trip("audur")
		_, err := w.provider.Finish(t.Context(), trip, answer)
		return err
	}
	for range 2 {
		if signIn() == nil {
			t.Error("somebody signs in although no key is known")
		}
	}
	if reads != 1 {
		t.Errorf("keys were asked for %d times at once, want once", reads)
	}
	w.line.to = w.company
	w.now = w.now.Add(6 * time.Second)
	if err := signIn(); err != nil {
		t.Errorf("Finish = %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	trip, answer := w.trip("audur")
	w.line.to = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/token" {
			return w.company.RoundTrip(r)
		}
		return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://evil.test/token"}},
			Body: http.NoBody, Request: r}, nil
	})
	if _, err := w.provider.Finish(t.Context(), trip, answer); err == nil {
		t.Error("Finish succeeds after a redirect")
	}
	if n := len(w.line.calls); w.line.calls[n-1] != "/token" {
		t.Errorf("calls = %v, want none after the redirect", w.line.calls)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestMissingSettings(t *testing.T) {
	t.Parallel()
	if _, err := provider.New(provider.Config{Issuer: issuer}); err == nil {
		t.Error("New succeeds without a client")
	}
}
