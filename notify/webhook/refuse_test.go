package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/notify/webhook"
	"github.com/consentd/consentd/token"
)

// untouched fails the test when somebody uses it.
type untouched struct{ t *testing.T }

func (u untouched) RoundTrip(r *http.Request) (*http.Response, error) {
	u.t.Errorf("sent to %s", r.URL)
	return nil, io.EOF
}

func TestPostSendsNothingToAnUnusableEndpoint(t *testing.T) {
	good := []token.Secret{first}
	tests := []struct {
		url     string
		secrets []token.Secret
		id      string
		want    webhook.Reason
	}{
		{"http://app.test/", good, id, webhook.ReasonPlainHTTP},
		{"", good, id, webhook.ReasonURL},
		{"app.test/hooks", good, id, webhook.ReasonURL},
		{"https:///hooks", good, id, webhook.ReasonURL},
		{"https://:443/", good, id, webhook.ReasonURL},
		{"https://user:sesame@app.test/", good, id, webhook.ReasonURL},
		{"ftp://app.test/", good, id, webhook.ReasonURL},
		{"file:///etc/passwd", good, id, webhook.ReasonURL},
		{"https://app.test:port/\x00", good, id, webhook.ReasonURL},
		{"https://app.test/", nil, id, webhook.ReasonSecret},
		{"https://app.test/", []token.Secret{first, ""}, id, webhook.ReasonSecret},
		{"https://app.test/", []token.Secret{"whsec_c2hvcnQ="}, id, webhook.ReasonSecret},
		{"https://app.test/", good, "", webhook.ReasonID},
		{"https://app.test/", good, "a.1", webhook.ReasonID},
		{"https://app.test/", good, "a\r\nX-Evil: 1", webhook.ReasonID},
	}
	sender := webhook.New(webhook.Config{Transport: untouched{t}})
	for _, test := range tests {
		err := sender.Post(t.Context(), webhook.Endpoint{URL: test.url, Secrets: test.secrets}, test.id, body)
		wantError(t, err, 0, test.want)
	}
}

func TestPostOverTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	e := webhook.Endpoint{URL: s.URL, Secrets: []token.Secret{first}}
	if err := webhook.New(webhook.Config{Transport: s.Client().Transport}).Post(t.Context(), e, id, body); err != nil {
		t.Errorf("Post with the server's certificate = %v", err)
	}
	wantError(t, private().Post(t.Context(), e, id, body), 0, webhook.ReasonTLS)
	e.URL = strings.Replace(s.URL, "https", "http", 1)
	wantError(t, private().Post(t.Context(), e, id, body), 400, webhook.ReasonStatus)
}

func TestPostOverTLSToAServerWithout(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("sent in the clear") }))
	defer s.Close()
	e := webhook.Endpoint{URL: strings.Replace(s.URL, "http", "https", 1), Secrets: []token.Secret{first}}
	wantError(t, private().Post(t.Context(), e, id, body), 0, webhook.ReasonTLS)
}

// The server's end counts connections, not requests: TLS would fail anyway.
func TestPostDialsNoAddressInsideANetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan bool, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.Close()
		}
		reached <- err == nil
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	sender := webhook.New(webhook.Config{})
	for _, host := range []string{"127.0.0.1:" + port, "localhost:" + port, "[::ffff:127.0.0.1]:" + port, "169.254.169.254", "10.0.0.1", "0.0.0.0:" + port} {
		err := sender.Post(t.Context(), webhook.Endpoint{URL: "https://" + host + "/", Secrets: []token.Secret{first}}, id, body)
		wantError(t, err, 0, webhook.ReasonForbidden)
	}
	_ = l.Close()
	if <-reached {
		t.Error("a connection was made")
	}
}

func TestPostIgnoresTheEnvironmentsProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	err := post(t, func(http.ResponseWriter, *http.Request) {})
	if err != nil {
		t.Errorf("Post = %v", err)
	}
}

func TestPostToNobody(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	e := webhook.Endpoint{URL: s.URL, Secrets: []token.Secret{first}}
	wantError(t, private().Post(t.Context(), e, id, body), 0, webhook.ReasonConnection)
	dial := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Name: "sesame.test", IsNotFound: true}
	}
	sender := webhook.New(webhook.Config{Transport: &http.Transport{DialContext: dial}})
	e.URL = "https://sesame.test/"
	wantError(t, sender.Post(t.Context(), e, id, body), 0, webhook.ReasonDNS)
}

func TestRetryAfterReachesTheDomain(t *testing.T) {
	err := error(&webhook.Error{Reason: webhook.ReasonStatus, Status: 429, RetryAfter: time.Minute})
	if later, ok := errors.AsType[consent.RetryLater](fmt.Errorf("post: %w", err)); !ok || later.Wait() != time.Minute {
		t.Errorf("%v asks for %v", err, later)
	}
}
