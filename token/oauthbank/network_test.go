package oauthbank_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

// overNetwork makes a bank on our own transport, at an address of this
// machine.
func overNetwork(t *testing.T, base string, edits ...func(*oauthbank.Config)) *oauthbank.Bank {
	t.Helper()
	return newOP().bank(t, append([]func(*oauthbank.Config){func(c *oauthbank.Config) {
		c.Transport = nil
		c.AllowInsecure = true
		c.Endpoints = oauthbank.Endpoints{
			Authorization: base + "/authorize", Token: base + "/token", Revocation: base + "/revoke", JWKS: base + "/jwks",
		}
	}}, edits...)...)
}

// rawServer answers every connection by hand.
func rawServer(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				serve(c)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

func readRequest(c net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

func reset(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }

func TestNetworkRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var posts atomic.Int32
		bank := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			posts.Add(1)
			http.Redirect(w, r, other.URL+"/token", status)
		}))
		b := overNetwork(t, bank.URL)
		_, err := refresh(t, b)
		wantFault(t, err, token.ErrOutcomeUnknown, "redirect")
		if got, err := b.Revoke(t.Context(), token.Grant{Refresh: "r"}); got != token.RevocationFailed || err == nil {
			t.Errorf("Revoke = %v, %v, want failed", got, err)
		}
		_, _, err = redeem(t, b)
		wantFault(t, err, token.ErrNotDone, "document_unavailable")
		bank.Close()
		if posts.Load() != 3 || elsewhere.Load() != 0 {
			t.Errorf("%d: %d requests to the bank, %d elsewhere, want 3 and none", status, posts.Load(), elsewhere.Load())
		}
	}
}

func TestNetworkRefusedConnectionIsNotDone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = refresh(t, overNetwork(t, "http://"+address))
	wantFault(t, err, token.ErrNotDone, "connection")
}

func TestNetworkUnknownHostIsNotDone(t *testing.T) {
	b := overNetwork(t, "http://nowhere.invalid", func(c *oauthbank.Config) { c.Deadline = 3 * time.Second })
	_, err := refresh(t, b)
	be, ok := asFault(err, token.ErrNotDone)
	if !ok || be.Code != "dns" && be.Code != "timeout" {
		t.Errorf("error = %v, want not done", err)
	}
}

func TestNetworkUntrustedCertificateIsNotDone(t *testing.T) {
	var requests atomic.Int32
	bank := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	bank.Config.ErrorLog = quiet()
	bank.StartTLS()
	defer bank.Close()
	_, err := refresh(t, overNetwork(t, bank.URL))
	wantFault(t, err, token.ErrNotDone, "tls")
	if requests.Load() != 0 {
		t.Error("the request was sent")
	}
}

func TestNetworkPlainServerOnTLSPortIsNotDone(t *testing.T) {
	address := rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.0 400 Bad Request\r\n\r\n") })
	_, err := refresh(t, overNetwork(t, "https://"+address))
	wantFault(t, err, token.ErrNotDone, "connection")
}

func TestNetworkHungHandshakeIsNotDone(t *testing.T) {
	done := make(chan struct{})
	address := rawServer(t, func(net.Conn) { <-done })
	b := overNetwork(t, "https://"+address, func(c *oauthbank.Config) { c.Deadline = 300 * time.Millisecond })
	_, err := refresh(t, b)
	wantFault(t, err, token.ErrNotDone, "timeout")
	close(done)
}

func TestNetworkOutcomeAfterSendingIsUnknown(t *testing.T) {
	done := make(chan struct{})
	for _, c := range []struct {
		name  string
		code  string
		serve func(net.Conn)
	}{
		{"reset after reading", "connection", func(c net.Conn) { readRequest(c); reset(c) }},
		{"closed after reading", "connection", readRequest},
		{"silence", "timeout", func(c net.Conn) { readRequest(c); <-done }},
		{"garbage", "connection", func(c net.Conn) { readRequest(c); _, _ = io.WriteString(c, "SSH-2.0-x\r\n\r\n") }},
		{"headers without end", "connection", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 200<<10)+"\r\n\r\n")
		}},
		{"cut off in the body", "answer_cut_off", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"+
				`{"access_token":"a","token_type":"Bearer"}`)
		}},
		{"slow body", "answer_cut_off", func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
			<-done
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var connections atomic.Int32
			address := rawServer(t, func(conn net.Conn) { connections.Add(1); c.serve(conn) })
			b := overNetwork(t, "http://"+address, func(c *oauthbank.Config) { c.Deadline = time.Second })
			_, err := refresh(t, b)
			if be, ok := asFault(err, token.ErrOutcomeUnknown); !ok || be.Code != c.code {
				t.Errorf("error = %v, want unknown outcome with code %s", err, c.code)
			}
			if c.code == "timeout" || c.name == "slow body" {
				done <- struct{}{}
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections, want one: nothing may be sent again", n)
			}
		})
	}
}

func TestNetworkConnectionIsFreshEachTime(t *testing.T) {
	var connections atomic.Int32
	bank := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"a","token_type":"Bearer"}`)
	}))
	bank.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	bank.Start()
	defer bank.Close()
	b := overNetwork(t, bank.URL)
	for range 3 {
		if _, err := refresh(t, b); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("connections = %d, want 3", n)
	}
}

func TestNetworkIgnoresProxiesOfTheEnvironment(t *testing.T) {
	var proxied atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	_, _ = refresh(t, overNetwork(t, "http://nowhere.invalid", func(c *oauthbank.Config) { c.Deadline = time.Second }))
	if proxied.Load() != 0 {
		t.Error("the request went through the proxy of the environment")
	}
}

// A reviewed host name that resolves to an address inside our network must
// not be dialled. The resolver is the machine's: localhost.<domain> names
// need one, so the guard is reached through Dial itself.
func TestDialGuard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dial := oauthbank.NewTransport(false, time.Second).DialContext
	if _, err := dial(context.Background(), "tcp", l.Addr().String()); err == nil {
		t.Error("the guarded transport dialled this machine")
	}
	if _, err := dial(context.Background(), "tcp", "localhost:80"); err == nil || !strings.Contains(err.Error(), "inside a network") {
		t.Errorf("localhost by name: %v, want the guard", err)
	}
	c, err := oauthbank.NewTransport(true, time.Second).DialContext(context.Background(), "tcp", l.Addr().String())
	if err != nil {
		t.Errorf("insecure transport: %v", err)
	} else {
		_ = c.Close()
	}
}

func TestTransportSettings(t *testing.T) {
	tr := oauthbank.NewTransport(false, time.Second)
	if tr.TLSClientConfig.MinVersion != tls.VersionTLS12 || tr.TLSClientConfig.InsecureSkipVerify {
		t.Error("TLS is weak")
	}
	if tr.Proxy != nil || !tr.DisableKeepAlives || tr.Protocols.HTTP2() || tr.MaxResponseHeaderBytes == 0 {
		t.Error("the transport is not the strict one")
	}
}
