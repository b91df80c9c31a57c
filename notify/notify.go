// Package notify turns what happened to a consent into messages: mails to
// customers, signed webhooks to apps.
//
// It knows how messages are put together from the texts of the catalogue. It
// refuses to know when something is due, and whether it was told before
// (package consent does), and how a channel delivers (one package a channel).
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// ErrRefused is a channel's word for: this message will never be delivered
// (no such mailbox, endpoint gone). Any other failure is worth another try.
var ErrRefused = errors.New("notify: refused for good")

// Message is one message to one customer.
type Message struct {
	Key      string // the same whenever the same thing is told again
	To       token.Secret
	Language string // BCP 47
	Subject  string
	Text     string
	HTML     string // a full page; empty: text only
	At       time.Time

	Unsubscribe string // address that takes a one-click POST (RFC 8058); empty: nothing to unsubscribe from
	Calendar    []byte // the last day for the customer's calendar (RFC 5545); nil: none
	Cancels     bool   // Calendar takes that day out again
}

// Channel delivers messages to customers. A message whose Key it has
// delivered before may be dropped. Its error wraps [ErrRefused] or is
// transient; its text holds nothing of the message.
type Channel interface {
	Send(ctx context.Context, m Message) error
}

// Mail tells customers.
type Mail struct {
	channel   Channel
	publicURL string
}

var _ consent.Notifier = (*Mail)(nil)

// NewMail tells customers through a channel. publicURL is where the pages
// are that messages link to.
func NewMail(c Channel, publicURL string) *Mail { return &Mail{channel: c, publicURL: publicURL} }

// Channel implements [consent.Notifier].
func (m *Mail) Channel() string { return consent.ChannelMail }

// Reaches implements [consent.Notifier]. A customer who said no at the bank
// knows it already.
func (m *Mail) Reaches(e consent.Event) bool {
	return e.Email != "" && e.Notice.Event != consent.ToldRejected
}

// Notify implements [consent.Notifier].
func (m *Mail) Notify(ctx context.Context, e consent.Event) error {
	msg, err := m.write(e)
	if err != nil {
		return fmt.Errorf("%w: %w", consent.ErrUndeliverable, err)
	}
	return undeliverable(m.channel.Send(ctx, msg))
}

// undeliverable translates a channel's final word into the domain's.
func undeliverable(err error) error {
	if errors.Is(err, ErrRefused) {
		return fmt.Errorf("%w: %w", consent.ErrUndeliverable, err)
	}
	return err
}
