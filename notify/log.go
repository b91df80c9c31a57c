package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/consentd/consentd/consent"
)

// EventLog keeps what apps are told, for those that ask. It keeps an event
// once, however often it is given.
type EventLog interface {
	LogEvent(ctx context.Context, app string, e consent.LoggedEvent, at time.Time) error
}

// Log puts down what apps are told, whether or not they have a webhook. What
// it says is what [Hooks] says, with the id of the webhook in it.
type Log struct{ log EventLog }

var _ consent.Notifier = (*Log)(nil)

// NewLog puts events into a log.
func NewLog(l EventLog) *Log { return &Log{log: l} }

// Channel implements [consent.Notifier].
func (l *Log) Channel() string { return consent.ChannelLog }

// Reaches implements [consent.Notifier].
func (l *Log) Reaches(consent.Event) bool { return true }

// Notify implements [consent.Notifier].
func (l *Log) Notify(ctx context.Context, e consent.Event) error {
	p := payloadOf(e)
	p.ID = eventID(e.ID)
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("%w: %w", consent.ErrUndeliverable, err)
	}
	return l.log.LogEvent(ctx, e.Consent.App, consent.LoggedEvent{ID: p.ID, Payload: body}, e.At)
}
