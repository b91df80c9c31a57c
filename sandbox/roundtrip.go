package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

var (
	_ http.Handler      = (*Bank)(nil)
	_ http.RoundTripper = (*Bank)(nil)
)

// errLost is what a caller sees when the bank ends a connection.
var errLost = errors.New("sandbox: connection closed without an answer")

// RoundTrip serves r within the process, whatever host it names. It returns
// the context's error when that ends first; the bank may have done the work
// by then, as with a real connection.
func (b *Bank) RoundTrip(r *http.Request) (*http.Response, error) { return RoundTrip(b, r) }

// RoundTrip serves r by a handler within the process, as [Bank.RoundTrip]
// does by the bank.
func RoundTrip(h http.Handler, r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	in := incoming(r)
	defer in.Body.Close()
	rec := newRecorder()
	if dropped := serveInto(h, rec, in); dropped || r.Context().Err() != nil {
		if err := r.Context().Err(); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		return nil, errLost
	}
	return rec.response(r), nil
}

// serveInto says whether the handler dropped the connection; any other panic
// is a mistake of the handler and goes on.
func serveInto(h http.Handler, rec *recorder, r *http.Request) (dropped bool) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				panic(v)
			}
			dropped = true
		}
	}()
	h.ServeHTTP(rec, r)
	return false
}

// incoming turns a client's request into what a server would receive.
func incoming(r *http.Request) *http.Request {
	in := r.Clone(r.Context())
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.RequestURI = r.URL.RequestURI()
	in.URL.Scheme, in.URL.Host, in.URL.User = "", "", nil
	in.RemoteAddr = "192.0.2.1:1234" // an address for documentation, RFC 5737
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return in
}

// recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	sent   http.Header // the header as it was when the status was written
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: make(http.Header)} }

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status, rec.sent = status, rec.header.Clone()
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

func (rec *recorder) response(r *http.Request) *http.Response {
	rec.WriteHeader(http.StatusOK)
	res := &http.Response{
		Status:        fmt.Sprintf("%d %s", rec.status, http.StatusText(rec.status)),
		StatusCode:    rec.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rec.sent,
		Body:          http.NoBody,
		ContentLength: int64(rec.body.Len()),
		Request:       r,
	}
	if r.Method != http.MethodHead {
		res.Body = io.NopCloser(bytes.NewReader(rec.body.Bytes()))
	}
	return res
}
