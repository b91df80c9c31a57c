package webhook_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/notify/webhook"
	"github.com/consentd/consentd/token"
)

const (
	first  = token.Secret("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
	second = token.Secret("whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=")
	id     = "evt_4711"
)

var body = []byte(`{"type":"consent.expiring","data":{"name":"Guðrún"}}`)

// private is a sender for servers on this machine.
func private() *webhook.Sender { return webhook.New(webhook.Config{AllowPrivate: true}) }

// post sends one event to a server that answers with handler.
func post(t *testing.T, handler http.HandlerFunc) error {
	t.Helper()
	s := httptest.NewServer(handler)
	defer s.Close()
	return private().Post(t.Context(), webhook.Endpoint{URL: s.URL + "/hooks/sesame", Secrets: []token.Secret{first}}, id, body)
}

// wantError checks what every error of Post must keep.
func wantError(t *testing.T, err error, status int, reason webhook.Reason) *webhook.Error {
	t.Helper()
	var e *webhook.Error
	if !errors.As(err, &e) || e.Status != status || e.Reason != reason {
		t.Fatalf("Post = %v, want status %d, reason %s", err, status, reason)
	}
	if errors.Is(err, notify.ErrRefused) != (reason == webhook.ReasonGone) {
		t.Errorf("Post = %v, refused: %t", err, errors.Is(err, notify.ErrRefused))
	}
	if len(err.Error()) < len("webhook: ")+10 {
		t.Errorf("Post = %q, which says nothing", err)
	}
	for _, private := range []string{"sesame", "127.0.0.1", "<html", "whsec"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("the error shows %s: %v", private, err)
		}
	}
	return e
}

func TestPostIsVerifiedByAnIndependentLibrary(t *testing.T) {
	for name, secrets := range map[string][]token.Secret{"one secret": {first}, "two secrets": {first, second}} {
		t.Run(name, func(t *testing.T) {
			var header http.Header
			var got []byte
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				header, got = r.Header, make([]byte, r.ContentLength)
				_, _ = io.ReadFull(r.Body, got)
				if r.Method != http.MethodPost || r.URL.RequestURI() != "/hooks?a=1" {
					t.Errorf("%s %s", r.Method, r.URL)
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			defer s.Close()
			if err := private().Post(t.Context(), webhook.Endpoint{URL: s.URL + "/hooks?a=1#part", Secrets: secrets}, id, body); err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				verifier, err := standard.NewWebhook(secret.Reveal())
				if err != nil {
					t.Fatal(err)
				}
				if err := verifier.Verify(got, header); err != nil {
					t.Errorf("Verify: %v", err)
				}
				if err := verifier.Verify(append(got, ' '), header); err == nil {
					t.Error("another body verifies too")
				}
			}
			stranger, _ := standard.NewWebhook(webhook.NewSecret().Reveal())
			if err := stranger.Verify(got, header); err == nil {
				t.Error("another secret verifies too")
			}
			if n := len(strings.Fields(header.Get("webhook-signature"))); n != len(secrets) {
				t.Errorf("%d signatures for %d secrets", n, len(secrets))
			}
			if header.Get("Content-Type") != "application/json" || header.Get("User-Agent") != "consentd" || header.Get("webhook-id") != id || !bytes.Equal(got, body) {
				t.Errorf("header %v, body %s", header, got)
			}
		})
	}
}

func TestPostSignsTheInjectedTime(t *testing.T) {
	at := time.Date(2027, 3, 3, 12, 0, 0, 0, time.UTC)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("webhook-timestamp"); got != "1804075200" {
			t.Errorf("webhook-timestamp = %s", got)
		}
	}))
	defer s.Close()
	sender := webhook.New(webhook.Config{AllowPrivate: true, Now: func() time.Time { return at }})
	if err := sender.Post(t.Context(), webhook.Endpoint{URL: s.URL, Secrets: []token.Secret{first}}, id, body); err != nil {
		t.Fatal(err)
	}
}

func TestPostJudgesTheStatus(t *testing.T) {
	for status, reason := range map[int]webhook.Reason{
		200: "", 201: "", 202: "", 204: "",
		301: webhook.ReasonRedirect, 304: webhook.ReasonRedirect, 307: webhook.ReasonRedirect, 308: webhook.ReasonRedirect,
		400: webhook.ReasonStatus, 401: webhook.ReasonStatus, 404: webhook.ReasonStatus, 500: webhook.ReasonStatus, 503: webhook.ReasonStatus,
		410: webhook.ReasonGone,
	} {
		err := post(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(status)
			if status != 204 && status != 304 {
				_, _ = io.WriteString(w, "sesame")
			}
		})
		if reason == "" && err != nil {
			t.Errorf("%d: Post = %v", status, err)
		}
		if reason != "" {
			wantError(t, err, status, reason)
		}
	}
}

func TestPostFollowsNoRedirect(t *testing.T) {
	var followed atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		err := post(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		wantError(t, err, status, webhook.ReasonRedirect)
	}
	if followed.Load() {
		t.Error("the redirect was followed")
	}
}

func TestPostIsNotTakenByAWebPage(t *testing.T) {
	const html = "text/html; charset=utf-8"
	tests := []struct {
		name, contentType, answer string
		page                      bool
	}{
		{"login page", html, "\n<!DOCTYPE html><html><title>Sign in</title>", true},
		{"page without a type", "", "\ufeff <HTML><body>", true},
		{"page that says JSON", "application/json", "<!doctype html><p>hello", true},
		{"page in XML", "application/xhtml+xml", `<?xml version="1.0"?><html xmlns="x">`, true},
		{"long page", html, "<html>" + strings.Repeat("x", 1<<20), true},
		{"short word called HTML", html, "ok", false},
		{"nothing called HTML", html, "", false},
		{"JSON", "application/json", `{"ok":"<html>"}`, false},
		{"text", "text/plain", "thanks <b>a lot</b>", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := post(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{test.contentType}
				_, _ = io.WriteString(w, test.answer)
			})
			if !test.page {
				if err != nil {
					t.Errorf("Post = %v", err)
				}
				return
			}
			if e := wantError(t, err, 200, webhook.ReasonPage); !strings.Contains(e.Error(), "login page") {
				t.Errorf("Post = %v", e)
			}
		})
	}
}

func TestPostReadsRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "Wed, 03 Mar 2027 12:10:00 GMT": 10 * time.Minute,
		"": 0, "soon": 0, "-5": 0, "Wed, 03 Mar 2027 11:00:00 GMT": 0, "99999999": 24 * time.Hour, "99999999999999999999": 0, "Wed, 03 Mar 2077 11:00:00 GMT": 24 * time.Hour,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		sender := webhook.New(webhook.Config{AllowPrivate: true, Now: func() time.Time { return time.Date(2027, 3, 3, 12, 0, 0, 0, time.UTC) }})
		err := sender.Post(t.Context(), webhook.Endpoint{URL: s.URL, Secrets: []token.Secret{first}}, id, body)
		s.Close()
		if got := wantError(t, err, 429, webhook.ReasonStatus).RetryAfter; got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}

// silent is a transport to a host that takes the connection, sends first, and
// then says no more.
func silent(first string) http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			if _, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
				_, _ = io.WriteString(server, first)
				_, _ = io.Copy(io.Discard, server)
			}
			_ = server.Close()
		}()
		return client, nil
	}}
}

func TestPostEndsWhenTheEndpointHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sender := webhook.New(webhook.Config{AllowPrivate: true, Transport: silent("")})
		err := sender.Post(t.Context(), webhook.Endpoint{URL: "http://app.test/", Secrets: []token.Secret{first}}, id, body)
		wantError(t, err, 0, webhook.ReasonTimeout)
		if took := time.Since(start); took != 15*time.Second {
			t.Errorf("took %s, want 15s", took)
		}
	})
}

func TestPostIsDeliveredWhenOnlyTheAnswersBodyHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := webhook.New(webhook.Config{AllowPrivate: true, Timeout: time.Second, Transport: silent("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")})
		if err := sender.Post(t.Context(), webhook.Endpoint{URL: "http://app.test/", Secrets: []token.Secret{first}}, id, body); err != nil {
			t.Errorf("Post = %v", err)
		}
	})
}

func TestPostEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		sender := webhook.New(webhook.Config{AllowPrivate: true, Transport: silent("")})
		err := sender.Post(ctx, webhook.Endpoint{URL: "http://app.test/", Secrets: []token.Secret{first}}, id, body)
		wantError(t, err, 0, webhook.ReasonCancelled)
	})
}

func TestPostLogsNoSecretsAndNoPath(t *testing.T) {
	var log bytes.Buffer
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	sender := webhook.New(webhook.Config{AllowPrivate: true, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err := sender.Post(t.Context(), webhook.Endpoint{URL: s.URL + "/sesame", Secrets: []token.Secret{first}}, id, body); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "status=200") || !strings.Contains(text, id) || strings.Contains(text, "sesame") || strings.Contains(text, "whsec") || strings.Contains(text, "Guðrún") {
		t.Errorf("log = %s", text)
	}
}
