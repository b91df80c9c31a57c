package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/publicnet"
	"github.com/consentd/consentd/notify"
)

// Reason is why an attempt did not deliver: a code for timelines and metrics.
type Reason string

// The reasons.
const (
	ReasonStatus     Reason = "status"            // see Error.Status
	ReasonGone       Reason = "gone"              // 410: told never to come again
	ReasonRedirect   Reason = "redirect"          // 3xx, which is not followed
	ReasonPage       Reason = "page"              // 2xx with a web page
	ReasonTimeout    Reason = "timeout"           // no answer in time
	ReasonDNS        Reason = "dns"               // the host's name is unknown
	ReasonTLS        Reason = "tls"               // no encryption, or a certificate that is not the host's
	ReasonForbidden  Reason = "address_forbidden" // the host is inside a network
	ReasonConnection Reason = "connection"        // refused or broken off
	ReasonCancelled  Reason = "cancelled"         // by us
	ReasonURL        Reason = "url"               // the endpoint's URL is not usable
	ReasonPlainHTTP  Reason = "plain_http"        // the endpoint's URL is not https
	ReasonSecret     Reason = "secret"            // the endpoint has no usable secret
	ReasonID         Reason = "webhook_id"        // our own mistake
)

var phrases = map[Reason]string{
	ReasonGone:       "the endpoint answered 410: it is gone for good",
	ReasonPage:       "the endpoint answered with a web page (a login page or a captive portal?), so the event was not taken",
	ReasonTimeout:    "the endpoint did not answer in time",
	ReasonDNS:        "the endpoint's host name was not found",
	ReasonTLS:        "no encrypted connection to the endpoint (certificate?)",
	ReasonForbidden:  "the endpoint's host is not on the public internet",
	ReasonConnection: "no connection to the endpoint, or it broke off",
	ReasonCancelled:  "the attempt was cancelled",
	ReasonURL:        "the endpoint's URL is not usable",
	ReasonPlainHTTP:  "the endpoint's URL is not https",
	ReasonSecret:     "the endpoint has no usable secret",
	ReasonID:         "the event's id is not usable",
}

// Error is an attempt that did not deliver. Its text may be shown to anybody
// who may see the event: it holds nothing that the endpoint sent, and no URL.
type Error struct {
	Status     int // the answer's; 0: there was none
	Reason     Reason
	RetryAfter time.Duration // what the endpoint asked for, at most a day; 0: nothing
}

var _ consent.RetryLater = (*Error)(nil)

// Error implements error.
func (e *Error) Error() string {
	switch e.Reason {
	case ReasonStatus:
		return fmt.Sprintf("webhook: the endpoint answered %d", e.Status)
	case ReasonRedirect:
		return fmt.Sprintf("webhook: the endpoint answered %d, a redirect, which is not followed", e.Status)
	default:
		return "webhook: " + phrases[e.Reason]
	}
}

// Wait implements [consent.RetryLater].
func (e *Error) Wait() time.Duration { return e.RetryAfter }

// Unwrap gives [notify.ErrRefused] when another try is of no use.
func (e *Error) Unwrap() error {
	if e.Reason == ReasonGone {
		return notify.ErrRefused
	}
	return nil
}

// judge is nil for an answer that means delivered.
func (s *Sender) judge(resp *http.Response, answer []byte) error {
	e := &Error{Status: resp.StatusCode, Reason: ReasonStatus}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		if !isPage(resp.Header.Get("Content-Type"), answer) {
			return nil
		}
		e.Reason = ReasonPage
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Reason = ReasonRedirect
	case resp.StatusCode == http.StatusGone:
		e.Reason = ReasonGone
	default:
		e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), s.config.Now())
	}
	return e
}

// reasonOf puts a transport's error into our own word: its text may hold
// what the other side sent.
func reasonOf(ctx context.Context, err error) Reason {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ReasonCancelled
	case errors.Is(err, publicnet.ErrForbidden):
		return ReasonForbidden
	case errors.As(err, &dns):
		return ReasonDNS
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return ReasonTLS
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return ReasonTimeout
	default:
		return ReasonConnection
	}
}
