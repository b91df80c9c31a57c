package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/sandbox"
)

// raw sends a refresh and returns what RoundTrip does.
func (r *rig) raw(ctx context.Context, refresh string) (*http.Response, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"/as/token.oauth2", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	basic("shop", "s+cr/t")(req)
	return r.Bank.RoundTrip(req)
}

func TestFaultsThatAnswer(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		fault       sandbox.Fault
		status      int
		retryAfter  string
		contentType string
		contains    string
	}{
		{"zero value", sandbox.Fault{}, 500, "", "application/json", "server_error"},
		{"429", sandbox.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond}, 429, "2", "application/json", ""},
		{"503", sandbox.Fault{Status: 503, RetryAfter: 3 * time.Second}, 503, "3", "application/json", ""},
		{"HTML", sandbox.Fault{HTML: true}, 200, "", "text/html; charset=utf-8", "<h1>"},
		{"HTML with a status", sandbox.Fault{HTML: true, Status: 502}, 502, "", "text/html; charset=utf-8", "<h1>"},
		{"body", sandbox.Fault{Status: 200, Body: `{"expires_in":"soon"}`}, 200, "", "application/json", "soon"},
		{"body of a type", sandbox.Fault{Body: "hello", ContentType: "text/plain"}, 200, "", "text/plain", "hello"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rotation(sandbox.Strict()))
			first := r.grant("JONGUNARS")
			r.Fail(sandbox.EndpointToken, 2, c.fault)
			for range 2 {
				res, err := r.raw(t.Context(), first.Refresh)
				if err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != c.status || res.Header.Get("Retry-After") != c.retryAfter || res.Header.Get("Content-Type") != c.contentType {
					t.Errorf("answer = %s %v", res.Status, res.Header)
				}
				if body := r.text(res); !strings.Contains(body, c.contains) {
					t.Errorf("body = %q, want %q in it", body, c.contains)
				}
			}
			if r.Refreshes() != 0 {
				t.Error("a fault did the work")
			}
			if got := r.refresh(first.Refresh); got.Error != "" {
				t.Errorf("after the faults: %s", got.Error)
			}
			if got := r.Calls(sandbox.EndpointToken); got != 4 {
				t.Errorf("Calls = %d, want 4: faults count", got)
			}
		})
	}
}

func TestFaultsComeInOrderAndCanBeForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Fail(sandbox.EndpointJWKS, 1, sandbox.Fault{Status: 503})
	r.Fail(sandbox.EndpointJWKS, 9, sandbox.Fault{Status: 502})
	get := func() int { return r.do(r.request(http.MethodGet, "/pf/JWKS", "")).StatusCode }
	if a, b := get(), get(); a != 503 || b != 502 {
		t.Errorf("answers = %d, %d, want 503, 502", a, b)
	}
	r.Fail(sandbox.EndpointJWKS, 0, sandbox.Fault{})
	if got := get(); got != 200 {
		t.Errorf("after forgetting = %d, want 200", got)
	}
}

func TestLostAnswers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		fault sandbox.Fault
		work  int
	}{
		{"lose the answer", sandbox.Fault{LoseAnswer: true}, 1},
		{"drop the connection", sandbox.Fault{Drop: true}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rotation(sandbox.Strict()))
			first := r.grant("JONGUNARS")
			r.Fail(sandbox.EndpointToken, 1, c.fault)
			if res, err := r.raw(t.Context(), first.Refresh); err == nil {
				t.Errorf("RoundTrip = %s, want an error", res.Status)
			}
			if got := r.Refreshes(); got != c.work {
				t.Errorf("Refreshes = %d, want %d", got, c.work)
			}
			if again := r.refresh(first.Refresh); (again.Error == "invalid_grant") != (c.work == 1) {
				t.Errorf("refresh again = %q after %d refreshes", again.Error, c.work)
			}
		})
	}
}

func TestLostAnswerCanHideBehindAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Strict()))
	first := r.grant("JONGUNARS")
	r.Fail(sandbox.EndpointToken, 1, sandbox.Fault{LoseAnswer: true, Status: 502, HTML: true})
	if res, err := r.raw(t.Context(), first.Refresh); err != nil || res.StatusCode != 502 {
		t.Errorf("RoundTrip = %v, %v, want 502", res, err)
	}
	if got := r.Refreshes(); got != 1 {
		t.Errorf("Refreshes = %d, want 1", got)
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		first := r.grant("JONGUNARS")
		r.Fail(sandbox.EndpointToken, 2, sandbox.Fault{Delay: 20 * time.Second})
		start := time.Now()
		if got := r.refresh(first.Refresh); got.Access == "" || time.Since(start) != 20*time.Second {
			t.Errorf("slow refresh = %q after %v, want tokens after 20s", got.Error, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start = time.Now()
		if _, err := r.raw(ctx, first.Refresh); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("impatient refresh = %v after %v, want deadline exceeded after 5s", err, time.Since(start))
		}
		if r.Refreshes() != 1 {
			t.Error("a caller that gave up during the delay was served")
		}
	})
}

func TestHangingAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault sandbox.Fault
		work  int
	}{
		"without the work": {sandbox.Fault{Hang: true}, 0},
		"after the work":   {sandbox.Fault{Hang: true, LoseAnswer: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				first := r.grant("JONGUNARS")
				r.Fail(sandbox.EndpointToken, 1, c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				if _, err := r.raw(ctx, first.Refresh); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
					t.Errorf("hanging refresh = %v after %v, want deadline exceeded after 1h", err, time.Since(start))
				}
				if got := r.Refreshes(); got != c.work {
					t.Errorf("Refreshes = %d, want %d", got, c.work)
				}
			})
		})
	}
}

func TestCancelledRequestIsNotServed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.raw(ctx, "x"); !errors.Is(err, context.Canceled) || r.Calls(sandbox.EndpointToken) != 0 {
		t.Errorf("RoundTrip = %v with %d calls, want context.Canceled and none", err, r.Calls(sandbox.EndpointToken))
	}
}

// TestLostAnswerOverSockets shows that a served bank closes the connection.
func TestLostAnswerOverSockets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS")
	server := httptest.NewServer(r.Bank)
	defer server.Close()
	post := func() error {
		res, err := server.Client().PostForm(server.URL+"/as/token.oauth2", url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}, "client_id": {"shop"}, "client_secret": {"s+cr/t"},
		})
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	r.Fail(sandbox.EndpointToken, 1, sandbox.Fault{LoseAnswer: true})
	if err := post(); err == nil {
		t.Error("the answer arrived")
	}
	r.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Hang: true})
	server.Client().Timeout = 50 * time.Millisecond
	if err := post(); err == nil {
		t.Error("the answer arrived")
	}
	if got := r.Refreshes(); got != 1 {
		t.Errorf("Refreshes = %d, want 1", got)
	}
}

func TestFaultAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for endpoint, req := range map[sandbox.Endpoint]*http.Request{
		sandbox.EndpointDiscovery:  r.request(http.MethodGet, "/.well-known/openid-configuration", ""),
		sandbox.EndpointJWKS:       r.request(http.MethodGet, "/pf/JWKS", ""),
		sandbox.EndpointAuthorize:  r.request(http.MethodGet, "/as/authorization.oauth2", ""),
		sandbox.EndpointPAR:        r.request(http.MethodPost, "/as/par.oauth2", ""),
		sandbox.EndpointToken:      r.request(http.MethodPost, "/as/token.oauth2", ""),
		sandbox.EndpointRevoke:     r.request(http.MethodPost, "/as/revoke_token.oauth2", ""),
		sandbox.EndpointIntrospect: r.request(http.MethodPost, "/as/introspect.oauth2", ""),
		sandbox.EndpointPayments:   r.request(http.MethodGet, transfers+"/x", ""),
	} {
		r.Fail(endpoint, 1, sandbox.Fault{Status: 503})
		if got := r.do(req).StatusCode; got != 503 || r.Calls(endpoint) != 1 {
			t.Errorf("%s = %d with %d calls, want 503 with 1", endpoint, got, r.Calls(endpoint))
		}
	}
}
