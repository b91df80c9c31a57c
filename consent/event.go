package consent

import (
	"context"
	"log/slog"
	"time"

	"github.com/consentd/consentd/token"
)

// Kind is what happened to a consent, as far as people are told.
type Kind string

// The kinds.
const (
	Granted Kind = "granted" // a customer connected an app to a bank
	Renewed Kind = "renewed" // the same consent, a new end date
)

// Event is something that customers are told. Key is the same whenever the
// same thing is told again.
type Event struct {
	Kind    Kind
	Key     string
	Consent Consent
	App     App
	Bank    Bank
	Email   token.Secret
	Name    token.Secret
	At      time.Time
}

// Notifier tells people. It must return within the context's deadline.
type Notifier interface {
	Notify(ctx context.Context, e Event) error
}

const notifyDeadline = 30 * time.Second

// tell notifies in the background; the caller's answer does not wait for it.
func (s *Service) tell(e Event) {
	if s.c.Notify == nil {
		return
	}
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), notifyDeadline)
		defer cancel()
		if err := s.c.Notify.Notify(ctx, e); err != nil {
			s.c.Log.WarnContext(ctx, "customer could not be told", slog.String("consent", string(e.Consent.ID)),
				slog.String("kind", string(e.Kind)), slog.Any("error", err))
		}
	})
}
