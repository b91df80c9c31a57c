// Package client is for payment services that use consentd: it asks for
// consents, gets access tokens, and says in typed errors what to do next.
//
// It knows the public API (docs/api.md) and refuses to know anything else of
// consentd. Three ways lead to a bank's API, by growing comfort:
//
//   - [Client.Token] gives one access token, for one use.
//   - [Client.TokenSource] is an [golang.org/x/oauth2.TokenSource]: it keeps a token in memory
//     for a short while.
//   - [NewTransport] is an [http.RoundTripper] that puts the token into each
//     request, and knows what to do when the bank refuses it.
//
// # What is repeated
//
// A call is made again when, and only when, all of this holds: repeating it
// does no harm; there was no answer, or a 503 with Retry-After of at most
// [Config.LongestWait]; the context has not ended and leaves time for the wait;
// and it was not repeated [Config.Repeats] times already.
//
// Harmless to repeat are all that only read (Get, List, Events, Me, Proof),
// Create (its idempotency key makes one consent of all tries), Token (a repetition
// is one more hand-out on record), Confirm, Stop and Erase (which answer the
// second time like the first). Renew makes a link each time and Report sends
// us to the bank each time, so these two are never repeated. Neither is
// anything after another status: not after 500, 502 or 504, and not after 429,
// whose [Problem.RetryAfter] says when there is room again.
//
// All tries of a call have the same X-Request-ID; see [WithRequestID].
package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config configures a [Client]. Exactly one of Key, TokenFile and Credentials
// is required.
type Config struct {
	// BaseURL is consentd's address, scheme://host[:port], with https.
	BaseURL string
	// AllowHTTP permits an address without TLS that is not this machine's, where
	// something else encrypts (a service mesh). Credentials and tokens cross it.
	AllowHTTP bool

	Key       Secret // API key
	TokenFile string // with the JWT of a workload, as Kubernetes projects it; read for each call
	// Credentials gives what follows "Bearer" in Authorization, for each call
	// anew. It may be called concurrently.
	Credentials Credentials

	// HTTPClient carries the calls: set it for mutual TLS or a proxy. Redirects
	// are not followed whatever it says. Default: a client with a time-out of 40
	// s, since a token may take 25 and [Client.Events] may wait 20.
	HTTPClient *http.Client
	UserAgent  string // default "consentd-go"

	Repeats     int           // how often a call may be repeated; default 2, negative: never
	LongestWait time.Duration // the longest Retry-After that is waited for within a call; default 3 s
}

const (
	defaultTimeout = 40 * time.Second
	defaultRepeats = 2
	defaultWait    = 3 * time.Second
)

// Client makes the calls. Its methods may be used concurrently, and none of
// them prints a secret. Create one and keep it: it holds connections.
type Client struct {
	base        *url.URL
	http        *http.Client
	credentials Credentials
	agent       string
	repeats     int
	longestWait time.Duration
}

// New makes a client. It calls nobody. Its error names every mistake in c.
func New(c Config) (*Client, error) {
	base, err := baseOf(c.BaseURL, c.AllowHTTP)
	credentials, credErr := credentialsOf(c)
	var negative error
	if c.LongestWait < 0 {
		negative = errors.New("client: LongestWait is negative")
	}
	if err := errors.Join(err, credErr, negative); err != nil {
		return nil, err
	}
	return &Client{
		base: base, http: httpClient(c.HTTPClient), credentials: credentials, agent: orDefault(c.UserAgent, "consentd-go"),
		repeats: max(orDefault(c.Repeats, defaultRepeats), 0), longestWait: orDefault(c.LongestWait, defaultWait),
	}, nil
}

// baseOf checks an address without repeating it: people paste keys anywhere.
func baseOf(text string, allowHTTP bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("client: BaseURL is required")
	case err != nil, u.Host == "", u.User != nil, u.Scheme != "https" && u.Scheme != "http", strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("client: BaseURL must be scheme://host[:port], without a path")
	case u.Scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		return nil, errors.New("client: BaseURL must be https, or AllowHTTP set: the API key would travel in the clear")
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// httpClient is a copy that refuses redirects: an API that redirects would get
// our credentials elsewhere.
func httpClient(given *http.Client) *http.Client {
	c := http.Client{Timeout: defaultTimeout}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

func orDefault[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// String names the address and no credentials.
func (c *Client) String() string { return fmt.Sprintf("client of %s", c.base) }

// GoString is [Client.String].
func (c *Client) GoString() string { return c.String() }
