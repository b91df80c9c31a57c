package oauthbank

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/consentd/consentd/internal/publicnet"
	"github.com/consentd/consentd/token"
)

const (
	maxTokenAnswer = 1 << 20
	maxDocument    = 256 << 10 // JWKS and metadata
	dialTimeout    = 5 * time.Second
)

// newTransport trusts no proxy settings of the environment, and asks for a
// fresh connection each time: on a kept one, a bank closing it just as we
// write would leave us not knowing whether a refresh token was used. HTTP/2
// is off because net/http repeats a POST there after a PROTOCOL_ERROR.
func newTransport(insecure bool, deadline time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !insecure {
		dialer.ControlContext = publicnet.Guard
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  deadline,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
		Protocols:              protocols,
	}
}

// reply is an answer of the bank, read as far as we are willing to.
type reply struct {
	status int
	header http.Header
	body   []byte
	torn   bool // the body broke off or is too long
}

// send makes one request and reads the answer.
func (b *Bank) send(req *http.Request, limit int64) (reply, error) {
	resp, err := do(b.client, req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := readBody(resp, limit)
	return reply{status: resp.StatusCode, header: resp.Header, body: body, torn: err != nil}, nil
}

// newClient follows no redirect.
func newClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// do makes one request. Its errors are faults that say whether the bank can
// have seen it: a transport that reports looking for a connection (httptrace's
// GetConn) and never getting one has sent nothing.
func do(client *http.Client, req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, &fault{err: token.ErrNotDone, code: "deadline"}
	}
	var looked, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { looked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		f := &fault{err: token.ErrOutcomeUnknown, code: causeOf(err)}
		if looked.Load() && !connected.Load() {
			f.err = token.ErrNotDone
		}
		return nil, f
	}
	return resp, nil
}

// readBody also unpacks gzip, which we ask the bank not to send: refusing it
// then would lose the tokens inside. The limit holds for the unpacked text.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	var body io.Reader = resp.Body
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(io.LimitReader(resp.Body, limit))
		if err != nil {
			return nil, err
		}
		body = unpacked
	}
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = errors.New("body too long")
	}
	return text, err
}

// causeOf puts a transport's error into our own word: its text may hold what
// the other side sent.
func causeOf(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.Is(err, publicnet.ErrForbidden):
		return "address_forbidden"
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return "tls"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	default:
		return "connection"
	}
}
