package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

const (
	issuer   = "http://bank.test"
	redirect = "http://app.test/callback?from=bank"
	verifier = "a-verifier-that-is-long-enough-for-rfc-7636-rules"
	fourAsk  = "openid profile customer payments"
)

// rig is a bank with one app, "shop", and what a test needs to talk to it.
type rig struct {
	*sandbox.Bank
	t    *testing.T
	http *http.Client
}

func newRig(t *testing.T, change ...func(*sandbox.Config)) *rig {
	t.Helper()
	cfg := sandbox.Config{
		Issuer: issuer,
		Clients: []sandbox.Client{
			{ID: "shop", Secret: "s+cr/t", APIKey: "key-shop", Name: "Shop & Co", RedirectURIs: []string{redirect}},
			{ID: "other", Secret: "other-secret", APIKey: "key-other", RedirectURIs: []string{redirect}},
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	b, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{
		Transport:     b,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &rig{Bank: b, t: t, http: browser}
}

func rotation(r sandbox.Rotation) func(*sandbox.Config) {
	return func(c *sandbox.Config) { c.Rotation = r }
}

// authorizationURL asks for the four scopes; overrides change or, when empty,
// remove parameters.
func authorizationURL(overrides ...string) string {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {"shop"}, "redirect_uri": {redirect},
		"scope": {fourAsk}, "state": {"st"}, "nonce": {"no"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
	for i := 0; i < len(overrides); i += 2 {
		q.Set(overrides[i], overrides[i+1])
		if overrides[i+1] == "" {
			q.Del(overrides[i])
		}
	}
	return issuer + "/as/authorization.oauth2?" + q.Encode()
}

// answer sends c through the bank and returns the parameters of the callback.
func (r *rig) answer(c sandbox.Customer, address string) url.Values {
	r.t.Helper()
	c.Client = &http.Client{Transport: r.Bank}
	callback, err := c.Authorize(r.t.Context(), address)
	if err != nil {
		r.t.Fatalf("Authorize(%s): %v", address, err)
	}
	if !strings.HasPrefix(callback, redirect+"&") {
		r.t.Fatalf("callback = %s, want it under %s", callback, redirect)
	}
	u, err := url.Parse(callback)
	if err != nil {
		r.t.Fatal(err)
	}
	return u.Query()
}

// tokens is a token answer of either kind.
type tokens struct {
	Access      string `json:"access_token"`
	Type        string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Refresh     string `json:"refresh_token"`
	Scope       string `json:"scope"`
	ID          string `json:"id_token"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Status      int    `json:"-"`
}

// grant takes a customer the whole way to the first tokens.
func (r *rig) grant(user string, untick ...string) tokens {
	r.t.Helper()
	got := r.answer(sandbox.Customer{User: user, Untick: untick}, authorizationURL())
	if got.Get("code") == "" {
		r.t.Fatalf("answer for %s = %v, want a code", user, got)
	}
	first := r.redeem(got.Get("code"))
	if first.Access == "" {
		r.t.Fatalf("redeem(%s) = %d %s, want tokens", user, first.Status, first.Error)
	}
	return first
}

func (r *rig) redeem(code string, overrides ...string) tokens {
	r.t.Helper()
	return r.token(append([]string{
		"grant_type", "authorization_code", "code", code, "redirect_uri", redirect, "code_verifier", verifier,
	}, overrides...)...)
}

func (r *rig) refresh(token string, overrides ...string) tokens {
	r.t.Helper()
	return r.token(append([]string{"grant_type", "refresh_token", "refresh_token", token}, overrides...)...)
}

// token posts to the token endpoint as "shop", by client_secret_basic.
func (r *rig) token(params ...string) (got tokens) {
	r.t.Helper()
	res := r.post("/as/token.oauth2", basic("shop", "s+cr/t"), params...)
	got.Status = res.StatusCode
	r.decode(res, &got)
	return got
}

func basic(id, secret string) func(*http.Request) {
	return func(req *http.Request) { req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
}

// post sends a form; later parameters replace earlier ones.
func (r *rig) post(path string, change func(*http.Request), params ...string) *http.Response {
	r.t.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	req := r.request(http.MethodPost, path, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if change != nil {
		change(req)
	}
	return r.do(req)
}

func (r *rig) request(method, path, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, issuer+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return req
}

func (r *rig) do(req *http.Request) *http.Response {
	r.t.Helper()
	res, err := r.http.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (r *rig) decode(res *http.Response, into any) {
	r.t.Helper()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		r.t.Fatalf("%s answers no JSON: %v", res.Request.URL.Path, err)
	}
}

func (r *rig) text(res *http.Response) string {
	r.t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(body)
}

// active asks the bank whether a token is worth anything.
func (r *rig) active(token string) bool {
	r.t.Helper()
	var got struct {
		Active bool `json:"active"`
	}
	r.decode(r.post("/as/introspect.oauth2", basic("shop", "s+cr/t"), "token", token), &got)
	return got.Active
}

// works asks the payments API whether an access token opens it.
func (r *rig) works(access string) bool {
	r.t.Helper()
	return r.api(http.MethodGet, "/BAA1234ABCDE1234", access, "").StatusCode == http.StatusOK
}

const transfers = "/Payments/Initiations/v1/CreditTransfers"

// api calls the payments API as "shop"; headers are name, value, ...
func (r *rig) api(method, path, access, body string, headers ...string) *http.Response {
	r.t.Helper()
	req := r.request(method, transfers+path, body)
	req.Header.Set("Authorization", "Bearer "+access)
	req.Header.Set("apikey", "key-shop")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.do(req)
}

const day = 24 * time.Hour
