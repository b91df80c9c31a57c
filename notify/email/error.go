package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/consentd/consentd/notify"
)

// Error is a mail that was not delivered. Its text may be shown to staff: it
// holds nothing that the server said but its codes.
type Error struct {
	Step     string // where it failed: "connect", "greeting", "encryption", "sign-in", "sender", "recipient", "content"
	Code     int    // the server's reply; 0: there was none
	Enhanced string // the server's enhanced status code, such as "5.1.1", if it gave one
	Reason   string // why there is no reply: "timeout", "dns", "tls", …; empty beside Code
	refused  bool
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("email: %s: %s", e.Step, e.Reason)
	}
	return strings.TrimSpace(fmt.Sprintf("email: %s: server answered %d %s", e.Step, e.Code, e.Enhanced))
}

// Unwrap gives [notify.ErrRefused] when another try is of no use.
func (e *Error) Unwrap() error {
	if e.refused {
		return notify.ErrRefused
	}
	return nil
}

// enhancedCode starts any line of a reply: some servers give it on the last
// line alone.
var enhancedCode = regexp.MustCompile(`(?m)^[245]\.\d{1,3}\.\d{1,3}\b`)

func failure(ctx context.Context, step string, err error) error {
	var reply *textproto.Error
	if !errors.As(err, &reply) {
		return &Error{Step: step, Reason: reasonOf(ctx, err)}
	}
	e := &Error{Step: step, Code: reply.Code, Enhanced: enhancedCode.FindString(reply.Msg)}
	e.refused = e.final()
	return e
}

// aboutUs are replies to how we speak or who we are: a mistake in our
// settings must not use up every customer's warning.
var aboutUs = []int{500, 502, 503, 504, 521, 523, 530, 534, 535, 538}

// final reports whether the reply is proof that this mail will never be
// taken. Class 5.7 is a server's policy, most often "we do not relay for
// you": it is put right by an operator, not by the customer.
func (e *Error) final() bool {
	if e.Step != stepRecipient && e.Step != stepContent {
		return false
	}
	return e.Code >= 500 && e.Code < 600 && !slices.Contains(aboutUs, e.Code) && !strings.HasPrefix(e.Enhanced, "5.7.")
}

// reasonOf puts an error into our own words: its text may hold what the
// server sent.
func reasonOf(ctx context.Context, err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.Is(err, errNoStartTLS), errors.Is(err, errNoSignIn):
		return err.Error()
	case errors.Is(ctx.Err(), context.Canceled):
		return "cancelled"
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return "tls"
	default:
		return "connection"
	}
}
