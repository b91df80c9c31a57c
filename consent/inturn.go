package consent

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// errGivenBack: a task that is no longer ours to settle.
var errGivenBack = errors.New("consent: task given back")

// inTurn gives a delivery back that has to wait for what happened before it:
// apps are told of one consent in order. Customers' mails wait for quiet hours
// and for each other instead.
func (s *Service) inTurn(ctx context.Context, t Task, n Notice) error {
	if n.Channel == ChannelMail {
		return nil
	}
	now := s.c.Now().UTC()
	turn, err := s.c.Store.InTurn(ctx, t, now.Add(held))
	if err != nil || turn.Come {
		return err
	}
	if turn.Ahead != nil {
		if err := s.hurry(ctx, *turn.Ahead, now); err != nil {
			s.c.Log.WarnContext(ctx, "delivery not brought forward", slog.String("consent", string(t.ID)), slog.Any("error", err))
		}
	}
	return errGivenBack
}

// hurry brings forward a delivery that will only be silenced, so that nothing
// waits for its next attempt. It may be under way until its claim is over.
func (s *Service) hurry(ctx context.Context, t Task, now time.Time) error {
	n, err := parseNotice(t.Arg)
	if err != nil || t.Due.Sub(now) <= visibility {
		return err
	}
	c, err := s.c.Store.Consent(ctx, t.ID)
	if err != nil || s.stillSo(c, n) {
		return err
	}
	t.Due = now
	return s.c.Store.Schedule(ctx, t.ID, Work{Add: []Task{t}})
}
