package consent

import (
	"context"
	"time"
)

// spokenFor silences a warning that the mail of another of the customer's
// consents has spoken for, and waits while that mail is on its way: of
// consents that end together, the first to end has the word.
func (s *Service) spokenFor(ctx context.Context, t Task, e Event) (time.Time, error) {
	days := e.Notice.Days()
	if days == 0 || e.Notice.Channel != ChannelMail {
		return time.Time{}, nil
	}
	if err := s.silencedBy(ctx, t, e); err != nil {
		return time.Time{}, err
	}
	first := e.Ending[0].Consent
	late := e.At.Sub(threshold(first.EndsAt, days))
	if first.ID == t.ID || late < 0 || late > day { // its own, not crossed there yet, or waited long enough
		return time.Time{}, nil
	}
	coming, err := s.coming(ctx, first, e.Notice)
	if err != nil {
		return time.Time{}, err
	}
	if coming {
		return e.At.Add(held), nil
	}
	return time.Time{}, s.silencedBy(ctx, t, e) // it may have been sent just now
}

func (s *Service) silencedBy(ctx context.Context, t Task, e Event) error {
	_, spoken, err := s.c.Store.Claimed(ctx, t.ID, e.Notice.Term, e.Notice.Days())
	if err == nil && spoken {
		return silence(DetailSpokenFor)
	}
	return err
}

// coming reports whether a consent's own mail about a threshold that it has
// crossed is still to be sent.
func (s *Service) coming(ctx context.Context, c Consent, n Notice) (bool, error) {
	claimed, _, err := s.c.Store.Claimed(ctx, c.ID, c.Term, n.Days())
	if err != nil || !claimed {
		return !claimed, err
	}
	n.Term = c.Term
	for _, channel := range []string{channelAll, ChannelMail} {
		n.Channel = channel
		pending, err := s.c.Store.Pending(ctx, Task{Kind: TaskDeliver, ID: c.ID, Arg: n.String()})
		if err != nil || pending {
			return pending, err
		}
	}
	return false, nil
}
