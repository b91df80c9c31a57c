// Package webhook tells apps what happened, by the Standard Webhooks scheme
// (standardwebhooks.com): a signed POST that is repeated until it is taken.
//
// It knows how one attempt is signed, sent and judged, and when the next is
// due. It refuses to know what an event says, and keeps no queue: package
// consent does both. It speaks to hosts that apps name, so it connects to the
// public internet only, follows no redirect, and passes nothing on of what
// they answer.
//
// # Format
//
//	webhook-id: <id>, the same at every attempt
//	webhook-timestamp: <seconds since 1970>, of this attempt
//	webhook-signature: v1,<base64> for each secret, separated by a space
//
// where the signature is the HMAC-SHA256 of "<id>.<timestamp>.<body>".
package webhook

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

const (
	defaultTimeout = 15 * time.Second
	maxAnswer      = 64 << 10
)

// Endpoint is where an app wants to be told.
type Endpoint struct {
	URL string
	// Secrets are those that the app may verify with: one, or two while it
	// changes from one to the other. See [ParseSecret].
	Secrets []token.Secret
}

// Config is how to send.
type Config struct {
	// Transport replaces the guarded one: for a test, or for an egress proxy
	// which then has to refuse what is inside the network.
	Transport    http.RoundTripper
	AllowPrivate bool             // http, and addresses inside the network: a demo
	Timeout      time.Duration    // of one attempt in all; default 15 s
	Now          func() time.Time // default time.Now
	Log          *slog.Logger     // default none
}

// Sender sends webhooks. Its methods may be used concurrently.
type Sender struct {
	client *http.Client
	config Config
}

// New makes a sender.
func New(c Config) *Sender {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		c.Transport = newTransport(c.AllowPrivate)
	}
	return &Sender{config: c, client: &http.Client{
		Transport:     c.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Post makes one attempt to deliver body, which is JSON. Delivered means that
// the endpoint answered 2xx and not with a web page. Otherwise the error is an
// [*Error]; it wraps notify.ErrRefused when the endpoint said that it is gone
// for good.
func (s *Sender) Post(ctx context.Context, e Endpoint, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	req, err := s.request(ctx, e, id, body)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return &Error{Reason: reasonOf(ctx, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	// Reading ends with the deadline. A body that breaks off does not undo
	// the status before it.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	s.config.Log.DebugContext(ctx, "webhook answered", "webhook_id", id, "host", req.URL.Hostname(), "status", resp.StatusCode)
	return s.judge(resp, answer)
}

func (s *Sender) request(ctx context.Context, e Endpoint, id string, body []byte) (*http.Request, error) {
	target, reason := s.target(e.URL)
	if reason != "" {
		return nil, &Error{Reason: reason}
	}
	if !validID(id) {
		return nil, &Error{Reason: ReasonID}
	}
	now := s.config.Now()
	signatures, err := sign(e.Secrets, id, now, body)
	if err != nil {
		return nil, &Error{Reason: ReasonSecret}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Reason: ReasonURL}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "consentd")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", signatures)
	return req, nil
}

// target checks an endpoint's URL, or says what is wrong with it.
func (s *Sender) target(text string) (target string, reason Reason) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Hostname() == "", u.Opaque != "", u.User != nil, u.Scheme != "https" && u.Scheme != "http":
		return "", ReasonURL
	case u.Scheme == "http" && !s.config.AllowPrivate:
		return "", ReasonPlainHTTP
	}
	u.Fragment = ""
	return u.String(), ""
}

// validID keeps the dot for separating: "a.1" at time 2 would sign the same
// text as "a" at time 1 with a body that starts with "2.".
func validID(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' })
}
