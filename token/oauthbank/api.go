package oauthbank

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/consentd/consentd/token"
)

// The forms that a bank wants X-Request-ID in.
const (
	RequestIDAlnum32 = "alnum32" // 1 to 35 letters and digits; ours have 32
	RequestIDUUID    = "uuid"
)

// APIConfig describes a bank's API.
type APIConfig struct {
	Bank      string // required: our name of the bank
	BaseURL   string // required
	KeyHeader string // header with our key there; empty: it wants none
	Key       token.Secret
	RequestID string        // required: one of the forms above
	Deadline  time.Duration // until an answer begins; default 20 s

	RootCAs       *x509.CertPool    // as in [Config]
	Proxy         *url.URL          // as in [Config]
	AllowInsecure bool              // as in [Config]
	Transport     http.RoundTripper // as in [Config]
}

// API calls a bank's API for apps that do not hold the token themselves. A
// call is one request: nothing repeats it, and redirects are not followed.
type API struct {
	cfg    APIConfig
	base   *url.URL
	client *http.Client
}

// NewAPI checks c and makes no network call.
func NewAPI(c APIConfig) (*API, error) {
	setDefault(&c.Deadline, 20*time.Second)
	err := errors.Join(required("Bank", c.Bank), named("BaseURL", checkIssuerURL(c.BaseURL, c.AllowInsecure)),
		inRange("Deadline", c.Deadline, 5*time.Minute))
	if !c.AllowInsecure {
		err = errors.Join(err, named("BaseURL", checkEndpoint(c.BaseURL, false)))
	}
	if (c.KeyHeader == "") != (c.Key == "") {
		err = errors.Join(err, errors.New("KeyHeader and Key: one is missing"))
	}
	if requestIDForms[c.RequestID] == nil {
		err = errors.Join(err, fmt.Errorf("RequestID: unknown form %q", c.RequestID))
	}
	if err != nil {
		return nil, fmt.Errorf("oauthbank: API of bank %q: %w", c.Bank, err)
	}
	base, _ := url.Parse(strings.TrimRight(c.BaseURL, "/")) // checked above
	transport := c.Transport
	if transport == nil {
		transport = ownTransport(c.AllowInsecure, c.Deadline, c.RootCAs, c.Proxy)
	}
	return &API{cfg: c, base: base, client: newClient(transport)}, nil
}

var requestIDForms = map[string]*regexp.Regexp{
	RequestIDAlnum32: regexp.MustCompile(`^[A-Za-z0-9]{1,35}$`),
	RequestIDUUID:    regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`),
}

// RequestIDFault says what is wrong with an X-Request-ID that this bank would
// turn away; empty when nothing is.
func (a *API) RequestIDFault(id string) string {
	switch {
	case requestIDForms[a.cfg.RequestID].MatchString(id):
		return ""
	case a.cfg.RequestID == RequestIDUUID:
		return "must be a UUID with hyphens, fresh for each payment"
	}
	return "must be 1 to 35 letters and digits, fresh for each payment, such as a UUID without its hyphens"
}

// NewRequestID makes one in the form that this bank wants.
func (a *API) NewRequestID() string {
	id := uuid.New()
	if a.cfg.RequestID == RequestIDUUID {
		return id.String()
	}
	return hex.EncodeToString(id[:])
}

// Forward sends a call that an app made to us on to the bank, at a path below
// its base, with the token and our key in place of the app's. The caller
// closes the answer's body. Errors are *[token.BankError] values and say
// whether the bank can have seen the call.
func (a *API) Forward(r *http.Request, path string, access token.Access) (*http.Response, error) {
	address := *a.base
	address.Path, address.RawQuery = a.base.Path+path, r.URL.RawQuery
	out := (&http.Request{Method: r.Method, URL: &address, Host: address.Host, Header: forwarded(r.Header)}).WithContext(r.Context())
	if r.ContentLength != 0 {
		out.Body, out.ContentLength = r.Body, r.ContentLength // without GetBody nothing can send it again
	}
	out.Header.Set("Authorization", access.Type+" "+access.Token.Reveal())
	if a.cfg.KeyHeader != "" {
		out.Header.Set(a.cfg.KeyHeader, a.cfg.Key.Reveal())
	}
	if out.Header.Get("X-Request-Id") == "" {
		out.Header.Set("X-Request-Id", a.NewRequestID())
	}
	res, err := do(a.client, out)
	if err != nil {
		f, ok := errors.AsType[*fault](err)
		if !ok {
			f = &fault{err: token.ErrOutcomeUnknown, code: causeOf(err)}
		}
		return nil, &token.BankError{Bank: a.cfg.Bank, Op: "call", Code: f.code, RetryAfter: f.retryAfter, Err: f.err}
	}
	return res, nil
}

// ours are headers that speak to us, or that would have somebody behind us
// take the call for another one.
var ours = []string{
	"Authorization", "Cookie", "Host", "Content-Length", "Expect", "Forwarded", "Via", "Idempotency-Key", "X-Idempotency-Key",
	"X-Real-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override",
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// forwarded are the headers that go on to the bank.
func forwarded(in http.Header) http.Header {
	drop := slices.Clone(ours)
	for _, names := range in.Values("Connection") { // of this connection alone (RFC 9110 section 7.6.1)
		for name := range strings.SplitSeq(names, ",") {
			drop = append(drop, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	out := make(http.Header, len(in))
	for name, values := range in {
		if !slices.Contains(drop, name) && !strings.HasPrefix(name, "X-Forwarded-") {
			out[name] = slices.Clone(values)
		}
	}
	if out.Get("User-Agent") == "" {
		out["User-Agent"] = []string{""} // or net/http would name itself
	}
	return out
}
