package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := client.New(client.Config{BaseURL: "https://host/path?sesame", Key: "k", TokenFile: "f", LongestWait: -1})
	if err == nil {
		t.Fatal("New takes a wrong configuration")
	}
	for _, want := range []string{"BaseURL must be", "exactly one of", "LongestWait"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "sesame") {
		t.Errorf("the error repeats the address: %v", err)
	}
	for _, c := range []client.Config{
		{}, {BaseURL: "https://a"}, {Key: "k"}, {BaseURL: "a", Key: "k"}, {BaseURL: "https://u:p@a", Key: "k"},
		{BaseURL: "http://a", Key: "k"}, {BaseURL: "https://a", Key: "k\n"},
	} {
		if _, err := client.New(c); err == nil {
			t.Errorf("New(%+v) takes it", c)
		}
	}
	for _, c := range []client.Config{
		{BaseURL: "https://a/", Key: "k"}, {BaseURL: "http://localhost:1", TokenFile: "f"}, {BaseURL: "http://[::1]:1", Key: "k"},
		{BaseURL: "http://a", Key: "k", AllowHTTP: true},
	} {
		if _, err := client.New(c); err != nil {
			t.Errorf("New(%+v) = %v", c, err)
		}
	}
}

func TestWholePath(t *testing.T) {
	t.Parallel()
	s := clienttest.Start()
	defer s.Close()
	c, ctx := s.Client(), t.Context()
	r := asked
	r.ExpectedNationalID = ""
	made, err := c.Create(ctx, r)
	must(t, err)
	if made.Status != client.Received || made.Page.URL == "" || made.Page.ExpiresAt.IsZero() || !made.EndsAt.IsZero() {
		t.Fatalf("Create = %+v", made)
	}
	_, err = c.Token(ctx, made.ID, client.TokenRequest{})
	wants(t, err, client.ErrPending)
	code := s.Approve(made.ID)
	_, err = c.Token(ctx, made.ID, client.TokenRequest{})
	wants(t, err, client.ErrConfirmationRequired)
	_, err = c.Confirm(ctx, made.ID, "wrong")
	wants(t, err, client.ErrConfirmationFailed)
	confirmed, err := c.Confirm(ctx, made.ID, code)
	must(t, err)
	if confirmed.Status != client.Valid || confirmed.DaysLeft != 90 || confirmed.EndsAt.IsZero() {
		t.Errorf("Confirm = %+v", confirmed)
	}
	token, err := c.Token(ctx, made.ID, client.TokenRequest{MinTTL: time.Minute, Scopes: []string{"payments"}})
	must(t, err)
	if token.Access == "" || token.Consent.DaysLeft != 90 || token.ExpiresIn < 290 {
		t.Errorf("Token = %+v", token)
	}
	page, err := c.Renew(ctx, made.ID)
	if must(t, err); page.URL == "" {
		t.Error("Renew gives no page")
	}
	s.Approve(made.ID)
	found, err := c.Get(ctx, made.ID)
	if must(t, err); found.Renewals != 1 || found.LastUsedAt.IsZero() {
		t.Errorf("Get = %+v", found)
	}
	stopped, err := c.Stop(ctx, made.ID)
	if must(t, err); stopped.Status != client.TerminatedByTpp || *stopped.Cause != (client.Cause{Actor: "app", Code: "stopped"}) {
		t.Errorf("Stop = %+v", stopped)
	}
	proof, err := c.Proof(ctx, made.ID)
	if must(t, err); proof.Consent.ID != made.ID || len(proof.Timeline) < 4 {
		t.Errorf("Proof = %+v", proof)
	}
	access, err := c.Access(ctx, asked.Reference, "is")
	must(t, err)
	if access.URL.Reveal() == "" || access.ExpiresAt.IsZero() {
		t.Error("Access gives no page")
	}
	erased, err := c.Erase(ctx, asked.Reference)
	if must(t, err); erased.Consents != 1 || erased.Reference == "" {
		t.Errorf("Erase = %+v", erased)
	}
	_, err = c.Get(ctx, made.ID)
	wants(t, err, client.ErrNotFound)
	who, err := c.Me(ctx)
	if must(t, err); who.App.ID != "shop" || who.RateLimit == nil || *who.RateLimit != (client.RateLimit{Requests: 600, Window: time.Minute}) {
		t.Errorf("Me = %+v", who)
	}
}

func TestProblemsSayWhatToDo(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	c := s.Client()
	ctx := client.WithRequestID(t.Context(), "my-id")
	id := s.Grant(asked)
	_, err := c.Token(ctx, id, client.TokenRequest{Scopes: []string{"accounts"}})
	wants(t, err, client.ErrInsufficientScope)
	if p, _ := errors.AsType[*client.Problem](err); p.MissingScopes[0] != "accounts" || p.RequestID != "my-id" {
		t.Errorf("problem = %+v", p)
	}
	_, err = c.Token(ctx, id, client.TokenRequest{MinTTL: time.Hour})
	wants(t, err, client.ErrLifetime)
	if p, _ := errors.AsType[*client.Problem](err); p.LongestTTL != clienttest.TokenLife {
		t.Errorf("LongestTTL = %v", p.LongestTTL)
	}
	_, err = c.Token(ctx, id, client.TokenRequest{NeededUntil: time.Now().Add(100 * 24 * time.Hour)})
	wants(t, err, client.ErrRenewalRequired)
	s.Expire(id)
	_, err = c.Token(ctx, id, client.TokenRequest{})
	wants(t, err, client.ErrConsentExpired)
	p, _ := errors.AsType[*client.Problem](err)
	if p.RenewalURL == "" || p.RenewalURLExpiresAt.IsZero() || p.ConsentEndsAt.IsZero() || errors.Is(err, client.ErrUnavailable) {
		t.Errorf("problem = %+v", p)
	}
	if text := fmt.Sprintf("%v %+v %#v", err, p, p); strings.Contains(text, p.RenewalURL.Reveal()) || !strings.Contains(text, "my-id") {
		t.Errorf("the problem prints as %s", text)
	}
	_, err = c.Create(ctx, client.Request{})
	wants(t, err, client.ErrInvalid)
	if p, _ := errors.AsType[*client.Problem](err); len(p.Mistakes) != 1 || p.Mistakes[0].Pointer != "/customer_reference" {
		t.Errorf("Mistakes = %+v", p.Mistakes)
	}
	s.RateLimited(true)
	_, err = c.Get(ctx, id)
	wants(t, err, client.ErrRateLimited)
	p, _ = errors.AsType[*client.Problem](err)
	if want := (client.RateLimit{Requests: 600, Window: time.Minute, Reset: 7 * time.Second}); p.RetryAfter != 7*time.Second || *p.RateLimit != want {
		t.Errorf("rate limit = %+v, %v", p.RateLimit, p.RetryAfter)
	}
}

func TestAnswersOfSomebodyElse(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	for _, f := range []trip{
		saying(502, "text/html", "<h1>Bad Gateway sesame</h1>"),
		saying(200, "text/html", "<h1>Sign in sesame</h1>"),
		saying(302, "text/html", "", "Location", "https://evil.test/sesame"),
		saying(403, "application/problem+json", `{"title":"sesame"}`),
		saying(500, "application/problem+json", `{{{sesame`),
	} {
		c := configured(t, s, through(f))
		_, err := c.Get(t.Context(), "cns_1")
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.Code != "" || p.RequestID == "" || strings.Contains(err.Error(), "sesame") {
			t.Errorf("error = %v", err)
		}
		wants(t, err, client.ErrUnavailable)
	}
}

func TestErrorsNameNoCustomer(t *testing.T) {
	t.Parallel()
	c := configured(t, clienttest.New(), func(c *client.Config) {
		c.Repeats = -1
		c.HTTPClient = &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) { return nil, errors.New("broken pipe") })}
	})
	for _, err := range c.List(t.Context(), client.Filter{Reference: "sesame"}) {
		wants(t, err, client.ErrUnavailable)
		if strings.Contains(err.Error(), "sesame") || !strings.Contains(err.Error(), "broken pipe") {
			t.Errorf("error = %v", err)
		}
	}
}

func TestCredentialsAreReadForEachCall(t *testing.T) {
	t.Parallel()
	var got []string
	listen := trip(func(r *http.Request) (*http.Response, error) {
		got = append(got, r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent"))
		return respond(r, 200, "application/json", "{}"), nil
	})
	path := filepath.Join(t.TempDir(), "token")
	c := configured(t, clienttest.New(), func(c *client.Config) {
		c.Key, c.TokenFile, c.UserAgent, c.HTTPClient = "", path, "shop/1", &http.Client{Transport: listen}
	})
	_, err := c.Me(t.Context())
	wants(t, err, os.ErrNotExist)
	for _, jwt := range []string{"one\n", "two", ""} {
		must(t, os.WriteFile(path, []byte(jwt), 0o600))
		if _, err := c.Me(t.Context()); (err == nil) != (jwt != "") {
			t.Errorf("Me with the file %q = %v", jwt, err)
		}
	}
	if want := []string{"Bearer one shop/1", "Bearer two shop/1"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sent = %q, want %q", got, want)
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	c := s.Client()
	id := s.Grant(asked)
	token, err := c.Token(t.Context(), id, client.TokenRequest{})
	must(t, err)
	source := c.TokenSource(id, client.SourceOptions{})
	kept, err := source.Token()
	must(t, err)
	transport, err := client.NewTransport(client.TransportConfig{Source: source, Bank: bankURL, APIKey: "bank-sesame"})
	must(t, err)
	made, err := c.Create(t.Context(), asked)
	must(t, err)
	secrets := []string{kept.AccessToken, clienttest.Key.Reveal(), "bank-sesame", asked.ExpectedNationalID.Reveal(), made.Page.URL.Reveal()}
	for _, v := range []any{c, s.Config(), token, &token, source, transport, asked, made, token.Access} {
		for _, text := range printed(v) {
			for _, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("%T prints a secret: %s", v, text)
				}
			}
		}
	}
}

func TestCallerWhoGaveUpIsNoOutage(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	calls := 0
	c := configured(t, clienttest.New(), through(func(*http.Request) (*http.Response, error) {
		calls++
		cancel(errors.New("the customer closed the page"))
		return nil, context.Cause(ctx)
	}))
	_, err := c.Get(ctx, "cns_1")
	wants(t, err, context.Canceled)
	if errors.Is(err, client.ErrUnavailable) || calls != 1 {
		t.Errorf("error = %v after %d calls", err, calls)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	c := s.Client()
	for range 5 {
		s.Grant(asked)
	}
	other := s.Grant(client.Request{Reference: "other", Bank: "elsewhere"})
	n := 0
	for found, err := range c.List(t.Context(), client.Filter{Reference: asked.Reference, Bank: asked.Bank, Status: client.Valid, PageSize: 2}) {
		must(t, err)
		if n++; found.ID == other {
			t.Error("List gives somebody else's consent")
		}
	}
	if pages := s.Count("GET", "/v1/consents"); n != 5 || pages != 3 {
		t.Errorf("List gives %d consents on %d pages, want 5 on 3", n, pages)
	}
	for range c.List(t.Context(), client.Filter{PageSize: 2}) {
		break
	}
	if pages := s.Count("GET", "/v1/consents"); pages != 4 {
		t.Errorf("a loop that ends at once fetches %d pages, want 1", pages-3)
	}
	for _, err := range c.List(t.Context(), client.Filter{EndsBefore: time.Now().Add(time.Hour)}) {
		t.Errorf("a consent ends within the hour (error %v)", err)
	}
	s.StoreDown(true)
	for _, err := range configured(t, s, func(c *client.Config) { c.Repeats = -1 }).List(t.Context(), client.Filter{}) {
		wants(t, err, client.ErrStoreUnavailable)
	}
}

func TestEventsWaitAndGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := clienttest.New()
		c := s.Client()
		id := s.Grant(asked)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Minute) // of the bubble: several polls come back empty
			s.Revoke(id)
			time.Sleep(time.Minute)
			s.StoreDown(true)
			time.Sleep(3 * time.Minute)
			s.StoreDown(false)
			s.Approve(s.Grant(asked))
			time.Sleep(time.Minute)
			cancel()
		}()
		var types []client.EventType
		outages := 0
		for page, err := range c.Follow(ctx, "") {
			if err != nil {
				wants(t, err, client.ErrStoreUnavailable)
				outages++
				continue
			}
			for _, e := range page.Events {
				types = append(types, e.Type)
				if e.ID == "" || e.Data.ConsentID == "" || e.Timestamp.IsZero() {
					t.Errorf("event = %+v", e)
				}
			}
		}
		want := fmt.Sprint([]client.EventType{client.Granted, client.Revoked, client.Granted, client.Renewed})
		if fmt.Sprint(types) != want || outages < 3 || outages > 10 {
			t.Errorf("events = %v with %d outages, want %v with a few", types, outages, want)
		}
	})
}

func TestFollowEndsWithADefiniteError(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	c := configured(t, s, func(c *client.Config) { c.Key = "ck_wrong" })
	n := 0
	for _, err := range c.Follow(t.Context(), "") {
		n++
		wants(t, err, client.ErrUnauthorized)
	}
	if n != 1 {
		t.Errorf("the loop ran %d times, want once", n)
	}
}
