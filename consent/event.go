package consent

import (
	"context"
	"errors"
	"time"

	"github.com/consentd/consentd/token"
)

// Event is something that somebody is told, through one channel.
type Event struct {
	Notice  Notice
	Key     string // the same whenever the same thing is told again through the same channel
	ID      string // the same for every channel that tells the same thing
	Consent Consent
	App     App
	Bank    Bank
	At      time.Time

	// Optional: the customer may do without it. It is a reminder, and a later
	// one follows.
	Optional bool

	// What customers are told with: where, by which name, and the link to the
	// page where they renew and stop.
	Email  token.Secret
	Name   token.Secret
	Manage token.Secret

	// Ending are all of the customer's consents at this app that end within a
	// week of the first, which is Consent; for warnings.
	Ending []EndingConsent
}

// EndingConsent is one line of a warning.
type EndingConsent struct {
	Consent Consent
	Bank    Bank
	Manage  token.Secret
}

// Notifier tells people through one channel.
type Notifier interface {
	// Channel names the channel; see [ChannelMail], [ChannelWebhook] and
	// [ChannelLog].
	Channel() string

	// Reaches reports whether there is anybody to tell.
	Reaches(e Event) bool

	// Notify tells, within the context's deadline. An error that wraps
	// [ErrUndeliverable] ends the attempts; after any other it is called
	// again with the same Event.Key, after a [RetryLater] not before its time.
	// The error's text is shown to staff.
	Notify(ctx context.Context, e Event) error
}

// RetryLater is a failed attempt whose other side said how long to wait with
// the next.
type RetryLater interface {
	error
	Wait() time.Duration
}

// ErrUndeliverable: a message that no further attempt will deliver.
var ErrUndeliverable = errors.New("undeliverable")
