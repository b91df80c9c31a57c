package workforce_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/consentd/consentd/sandbox/workforce"
)

const (
	issuer   = "http://workforce.test"
	callback = "http://console.test/callback"
)

// party is a relying party as a library makes it.
type party struct {
	*workforce.Provider
	ctx      context.Context
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	now      time.Time
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newParty(t *testing.T) *party {
	t.Helper()
	r := &party{now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	p, err := workforce.New(workforce.Config{Issuer: issuer, ClientID: "consentd", ClientSecret: "s:e/c+ret",
		RedirectURIs: []string{callback}, LogoutURIs: []string{"http://console.test/"}, Now: func() time.Time { return r.now }})
	must(t, err)
	r.Provider, r.ctx = p, oidc.ClientContext(t.Context(), &http.Client{Transport: p})
	found, err := oidc.NewProvider(r.ctx, issuer)
	must(t, err)
	r.oauth = oauth2.Config{ClientID: "consentd", ClientSecret: "s:e/c+ret", RedirectURL: callback, Endpoint: found.Endpoint(), Scopes: []string{"openid", "groups"}}
	r.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	r.verifier = found.Verifier(&oidc.Config{ClientID: "consentd", Now: func() time.Time { return r.now }})
	return r
}

// signIn makes the whole trip of one person.
func (r *party) signIn(t *testing.T, subject string) (*oidc.IDToken, error) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	back, err := r.SignIn(r.oauth.AuthCodeURL("the-state", oidc.Nonce("the-nonce"), oauth2.S256ChallengeOption(verifier)), subject)
	must(t, err)
	q := back.Query()
	if q.Get("state") != "the-state" || q.Get("iss") != issuer || !strings.HasPrefix(back.String(), callback+"?") {
		t.Fatalf("the browser comes back to %s", back)
	}
	got, err := r.oauth.Exchange(r.ctx, q.Get("code"), oauth2.VerifierOption(verifier))
	must(t, err)
	raw, _ := got.Extra("id_token").(string)
	return r.verifier.Verify(r.ctx, raw)
}

type identity struct {
	Groups   []string `json:"groups"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	AuthTime int64    `json:"auth_time"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
}

func TestStaffSignIn(t *testing.T) {
	r := newParty(t)
	for _, who := range workforce.Staff() {
		id, err := r.signIn(t, who.Subject)
		must(t, err)
		var got identity
		must(t, id.Claims(&got))
		if id.Subject != who.Subject || id.Nonce != "the-nonce" || !slices.Equal(got.Groups, who.Groups) || got.Name != who.Name ||
			got.Email != who.Email || got.ACR != workforce.ACRStrong || !slices.Contains(got.AMR, "mfa") || got.AuthTime != r.now.Unix() {
			t.Errorf("%s signed in as %s, %+v", who.Subject, id.Subject, got)
		}
	}
	r.SetGroups("audur", workforce.GroupAdmin)
	id, err := r.signIn(t, "audur")
	must(t, err)
	var got identity
	must(t, id.Claims(&got))
	if !slices.Equal(got.Groups, []string{workforce.GroupAdmin}) {
		t.Errorf("groups = %v after a move", got.Groups)
	}
}

func TestFaultsAreInTheToken(t *testing.T) {
	seen := map[workforce.Fault]func(*oidc.IDToken, error, identity) bool{
		workforce.FaultWrongNonce:    func(id *oidc.IDToken, err error, _ identity) bool { return err == nil && id.Nonce != "the-nonce" },
		workforce.FaultWrongAudience: func(_ *oidc.IDToken, err error, _ identity) bool { return err != nil },
		workforce.FaultWrongIssuer:   func(_ *oidc.IDToken, err error, _ identity) bool { return err != nil },
		workforce.FaultExpired:       func(_ *oidc.IDToken, err error, _ identity) bool { return err != nil },
		workforce.FaultUnsigned:      func(_ *oidc.IDToken, err error, _ identity) bool { return err != nil },
		workforce.FaultForeignKey:    func(_ *oidc.IDToken, err error, _ identity) bool { return err != nil },
		workforce.FaultNoGroups:      func(_ *oidc.IDToken, err error, c identity) bool { return err == nil && c.Groups == nil },
		workforce.FaultWeakACR:       func(_ *oidc.IDToken, err error, c identity) bool { return err == nil && c.ACR == workforce.ACRWeak },
		workforce.FaultOldAuthTime: func(_ *oidc.IDToken, err error, c identity) bool {
			return err == nil && c.AuthTime == time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).Unix()
		},
	}
	r := newParty(t)
	for _, f := range workforce.Faults() {
		r.Fail(f)
		id, err := r.signIn(t, "dagny")
		var c identity
		if err == nil {
			must(t, id.Claims(&c))
		}
		if !seen[f](id, err, c) {
			t.Errorf("%s: %+v, %v", f, c, err)
		}
		if _, err := r.signIn(t, "dagny"); err != nil {
			t.Errorf("%s lasts: %v", f, err)
		}
	}
}

func TestCodeIsForOneClientOnce(t *testing.T) {
	r := newParty(t)
	verifier := oauth2.GenerateVerifier()
	ask := r.oauth.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier))
	code := func() string {
		back, err := r.SignIn(ask, "bjorn")
		must(t, err)
		return back.Query().Get("code")
	}
	exchange := func(code, verifier string) error {
		_, err := r.oauth.Exchange(r.ctx, code, oauth2.VerifierOption(verifier))
		return err
	}
	c := code()
	must(t, exchange(c, verifier))
	if exchange(c, verifier) == nil {
		t.Error("a code worked twice")
	}
	if exchange(code(), oauth2.GenerateVerifier()) == nil {
		t.Error("another verifier worked")
	}
	c = code()
	r.now = r.now.Add(2 * time.Minute)
	if exchange(c, verifier) == nil {
		t.Error("an old code worked")
	}
	r.oauth.ClientSecret = "wrong"
	if exchange(code(), verifier) == nil {
		t.Error("a wrong secret worked")
	}
	r.oauth.ClientSecret = "s:e/c+ret"
	c = code()
	r.Remove("bjorn")
	if exchange(c, verifier) == nil {
		t.Error("somebody who left signed in")
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	r := newParty(t)
	good := func() url.Values {
		return url.Values{"client_id": {"consentd"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"},
			"code_challenge_method": {"S256"}, "code_challenge": {strings.Repeat("a", 43)}}
	}
	for want, change := range map[string]func(url.Values){
		"invalid_request":           func(v url.Values) { v.Del("code_challenge") },
		"unsupported_response_type": func(v url.Values) { v.Set("response_type", "token") },
		"invalid_scope":             func(v url.Values) { v.Set("scope", "groups") },
		"login_required":            func(v url.Values) { v.Set("prompt", "none") },
		"access_denied":             func(url.Values) {},
	} {
		q := good()
		change(q)
		back, err := r.SignIn(issuer+"/authorize?"+q.Encode(), "nobody")
		must(t, err)
		if got := back.Query().Get("error"); got != want {
			t.Errorf("error = %s, want %s", got, want)
		}
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		q := good()
		q.Set(name, "http://evil.test")
		if back, err := r.SignIn(issuer+"/authorize?"+q.Encode(), "dagny"); err == nil {
			t.Errorf("another %s is sent to %s", name, back)
		}
	}
}

func TestSessionAnswersSilentlyUntilLogout(t *testing.T) {
	r := newParty(t)
	jar := browser{t: t, party: r}
	ask := func(extra ...oauth2.AuthCodeOption) url.Values {
		extra = append(extra, oauth2.SetAuthURLParam("prompt", "none"), oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
		return jar.get(r.oauth.AuthCodeURL("s", extra...)).Query()
	}
	if got := ask(); got.Get("error") != "login_required" {
		t.Errorf("without a session: %v", got)
	}
	jar.pick("dagny")
	if got := ask(); got.Get("code") == "" {
		t.Errorf("with a session: %v", got)
	}
	r.now = r.now.Add(time.Hour)
	if got := ask(oauth2.SetAuthURLParam("max_age", "60")); got.Get("error") != "login_required" {
		t.Errorf("with an old session: %v", got)
	}
	if to := jar.get(issuer + "/logout?state=x&post_logout_redirect_uri=" + url.QueryEscape("http://console.test/")); to.String() != "http://console.test/?state=x" {
		t.Errorf("after logout the browser is sent to %s", to)
	}
	if got := ask(); got.Get("error") != "login_required" {
		t.Errorf("after logout: %v", got)
	}
}

// TestLogoutTellsTheClient of the session that has ended, and of no other.
func TestLogoutTellsTheClient(t *testing.T) {
	r := newParty(t)
	var told []url.Values
	client := roundTrip(func(q *http.Request) (*http.Response, error) {
		if q.URL.String() != "http://console.test/back-channel-logout" || q.ParseForm() != nil {
			t.Errorf("told %s %s", q.Method, q.URL)
		}
		told = append(told, q.PostForm)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: q}, nil
	})
	var err error
	r.Provider, err = workforce.New(workforce.Config{Issuer: issuer, ClientID: "consentd", ClientSecret: "s3", RedirectURIs: []string{callback}, LogoutURIs: []string{"http://console.test/"},
		BackChannel: "http://console.test/back-channel-logout", Client: client, Now: func() time.Time { return r.now }})
	must(t, err)
	jar := browser{t: t, party: r}
	jar.pick("dagny")
	for range 2 {
		jar.get(issuer + "/logout?post_logout_redirect_uri=" + url.QueryEscape("http://console.test/"))
	}
	if len(told) != 1 {
		t.Fatalf("told %d times, want once", len(told))
	}
	parts := strings.Split(told[0].Get("logout_token"), ".")
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	must(t, err)
	if text := string(body); !strings.Contains(text, `"sub":"dagny"`) || !strings.Contains(text, `"sid":"`+r.LastSession()+`"`) {
		t.Errorf("logout token: %s", text)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// browser keeps the provider's cookie.
type browser struct {
	t      *testing.T
	party  *party
	cookie *http.Cookie
}

func (b *browser) do(r *http.Request) *url.URL {
	b.t.Helper()
	if b.cookie != nil {
		r.AddCookie(b.cookie)
	}
	res, err := b.party.RoundTrip(r)
	must(b.t, err)
	for _, c := range res.Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	to, err := res.Location()
	must(b.t, err)
	return to
}

func (b *browser) get(address string) *url.URL {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	must(b.t, err)
	return b.do(r)
}

// pick signs in through the form.
func (b *browser) pick(subject string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.party.oauth.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())), nil)
	must(b.t, err)
	res, err := b.party.RoundTrip(r)
	must(b.t, err)
	var body strings.Builder
	must(b.t, res.Write(&body))
	_, rest, _ := strings.Cut(body.String(), `name="trip" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	form := url.Values{"trip": {id}, "subject": {subject}}
	r, err = http.NewRequestWithContext(b.t.Context(), http.MethodPost, issuer+"/authorize", strings.NewReader(form.Encode()))
	must(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.do(r)
}
