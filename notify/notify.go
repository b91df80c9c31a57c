// Package notify turns what happened to a consent into a message, and sends
// it through the configured channels.
//
// It knows wording. It refuses to know when something is due (package consent
// says so) and how a channel delivers (one package a channel).
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Message is one message to one customer.
type Message struct {
	Key     string // the same whenever the same thing is told again
	To      token.Secret
	Subject string
	Text    string
	At      time.Time
}

// Channel delivers messages. A message whose Key it has delivered before may
// be dropped.
type Channel interface {
	Send(ctx context.Context, m Message) error
}

// Notifier implements [consent.Notifier]. A channel that fails does not keep
// the others from being tried.
type Notifier struct{ channels []Channel }

var _ consent.Notifier = (*Notifier)(nil)

// New makes a notifier that uses all channels.
func New(channels ...Channel) *Notifier { return &Notifier{channels: channels} }

// Notify implements [consent.Notifier]. A customer without an address is not
// told.
func (n *Notifier) Notify(ctx context.Context, e consent.Event) error {
	if e.Email == "" {
		return nil
	}
	m := write(e)
	var errs []error
	for _, c := range n.channels {
		if err := c.Send(ctx, m); err != nil {
			errs = append(errs, fmt.Errorf("send message: %w", err))
		}
	}
	return errors.Join(errs...)
}

// write words an event. The subject carries the date, so that a mail found
// later still says when.
func write(e consent.Event) Message {
	until := e.Consent.EndsAt.Format("2 January 2006")
	m := Message{Key: e.Key, To: e.Email, At: e.At}
	done := fmt.Sprintf("You connected %s to %s.", e.App.Name, e.Bank.Name)
	m.Subject = fmt.Sprintf("%s is connected to %s until %s", e.App.Name, e.Bank.Name, until)
	if e.Kind == consent.Renewed {
		done = fmt.Sprintf("You renewed the access of %s at %s.", e.App.Name, e.Bank.Name)
		m.Subject = fmt.Sprintf("Renewed: %s at %s until %s", e.App.Name, e.Bank.Name, until)
	}
	m.Text = fmt.Sprintf("%s\n\nThe access ends by itself on %s. You can stop it before then in %s.\n",
		done, until, stopPlace(e))
	return m
}

func stopPlace(e consent.Event) string {
	if e.Bank.OnlineBank {
		return e.Bank.Name + "'s online bank"
	}
	return e.App.Name
}
