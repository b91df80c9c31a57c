package oauthbank_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func newAPI(t *testing.T, address string, change ...func(*oauthbank.APIConfig)) *oauthbank.API {
	t.Helper()
	c := oauthbank.APIConfig{Bank: "b", BaseURL: address, RequestID: oauthbank.RequestIDUUID, AllowInsecure: true}
	for _, f := range change {
		f(&c)
	}
	api, err := oauthbank.NewAPI(c)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

var access = token.Access{Token: "access-canary", Type: "Bearer"}

func TestForwardSendsOnce(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		switch r.URL.Path {
		case "/base/moved":
			http.Redirect(w, r, "/base/elsewhere", http.StatusTemporaryRedirect)
		case "/base/torn":
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.Copy(w, r.Body)
			_, _ = io.WriteString(w, " "+r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("X-Key")+" "+r.Header.Get("User-Agent"))
		}
	}))
	t.Cleanup(server.Close)
	api := newAPI(t, server.URL+"/base/", func(c *oauthbank.APIConfig) { c.KeyHeader, c.Key = "X-Key", "key" })
	send := func(method, path, body string) (*http.Response, error) {
		calls.Store(0)
		r := httptest.NewRequest(method, "/x?a=%2Fb", strings.NewReader(body))
		return api.Forward(r, path, access)
	}
	res, err := send("POST", "/echo", "order")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if want := "order POST /base/echo?a=%2Fb Bearer access-canary key "; string(got) != want {
		t.Errorf("the bank got %q, want %q", got, want)
	}
	res, err = send("POST", "/moved", "order")
	if err != nil || res.StatusCode != http.StatusTemporaryRedirect || calls.Load() != 1 {
		t.Fatalf("a redirect = %v, %v after %d calls", res, err, calls.Load())
	}
	_ = res.Body.Close()
	for _, method := range []string{"GET", "POST"} {
		_, err := send(method, "/torn", "")
		failed, ok := errors.AsType[*token.BankError](err)
		if !ok || !errors.Is(err, token.ErrOutcomeUnknown) || failed.Op != "call" || calls.Load() != 1 || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s, torn: %v after %d calls", method, err, calls.Load())
		}
	}
}

func TestForwardToNobody(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	_ = l.Close()
	_, err = newAPI(t, address).Forward(httptest.NewRequest("POST", "/x", strings.NewReader("a")), "/a", access)
	if !errors.Is(err, token.ErrNotDone) {
		t.Errorf("Forward = %v", err)
	}
}

func TestAPIStaysOutsideOfOurNetwork(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "http://bank.example", "https://127.0.0.1", "https://localhost", "https://bank.internal", "https://bank.example/?a", "https://u@bank.example"} {
		if _, err := oauthbank.NewAPI(oauthbank.APIConfig{Bank: "b", BaseURL: address, RequestID: oauthbank.RequestIDUUID}); err == nil {
			t.Errorf("%q is accepted", address)
		}
	}
	for _, c := range []oauthbank.APIConfig{{KeyHeader: "x"}, {Key: "x"}, {RequestID: "odd"}, {Bank: ""}} {
		c.BaseURL = "https://bank.example"
		if _, err := oauthbank.NewAPI(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for form, good := range map[string]string{oauthbank.RequestIDAlnum32: "aB9", oauthbank.RequestIDUUID: "7d4f3c9a-0d3b-4f55-9f0e-3a1f5b1c2d3e"} {
		api := newAPI(t, "https://bank.example", func(c *oauthbank.APIConfig) { c.RequestID = form })
		for id, want := range map[string]bool{good: true, api.NewRequestID(): true, "": false, "a b": false, "a\n": false, strings.Repeat("a", 36): false} {
			if (api.RequestIDFault(id) == "") != want {
				t.Errorf("%s: %q good: %t", form, id, !want)
			}
		}
	}
}
