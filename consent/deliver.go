package consent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// attempts is how long to wait after each failed attempt to deliver a
// message; once past its end, the last one is repeated until giveUp.
var attempts = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

// giveUp is how long delivery is tried: longer than a mail server is down.
const giveUp = 4 * day

// held is how long messages wait before a bank incident is looked at again.
const held = time.Minute

// deliver tells one thing through one channel. What it tells is put together
// now: a renewal that came in between silences a warning.
func (s *Service) deliver(ctx context.Context, t Task) (time.Time, error) {
	n, err := parseNotice(t.Arg)
	if err != nil {
		return time.Time{}, err
	}
	if err := s.inTurn(ctx, t, n); err != nil {
		return time.Time{}, err
	}
	if n.Channel == channelAll {
		return time.Time{}, s.spread(ctx, t, n)
	}
	e, err := s.event(ctx, t.ID, n)
	if why, silenced := errors.AsType[silence](err); silenced {
		return time.Time{}, s.delivered(ctx, t, n, Delivery{Outcome: DeliverySilenced, Detail: string(why), At: s.c.Now().UTC()})
	}
	if err != nil {
		return time.Time{}, err
	}
	wait, err := s.hold(ctx, e)
	if err == nil && wait.IsZero() {
		wait, err = s.spokenFor(ctx, t, e)
	}
	why, silenced := errors.AsType[silence](err)
	switch {
	case silenced:
		return time.Time{}, s.delivered(ctx, t, n, Delivery{Outcome: DeliverySilenced, Detail: string(why), At: e.At})
	case err != nil || !wait.IsZero():
		return wait, err
	}
	return s.attempt(ctx, t, e)
}

// spread makes a delivery of its own for each channel that reaches somebody.
func (s *Service) spread(ctx context.Context, t Task, n Notice) error {
	e, err := s.event(ctx, t.ID, n)
	if _, silenced := errors.AsType[silence](err); silenced {
		return nil
	}
	if err != nil {
		return err
	}
	work := Work{Remove: []Task{t}} // in the same step, so that nothing is told twice
	for _, c := range s.c.Notify {
		n.Channel = c.Channel()
		if e.Notice = n; c.Reaches(e) {
			work.Add = append(work.Add, Task{Kind: TaskDeliver, ID: t.ID, Arg: n.String(), Due: s.c.Now().UTC()})
		}
	}
	return s.c.Store.Schedule(ctx, t.ID, work)
}

// urgent is what customers are told at any hour: they have just done it, or
// asked for it.
var urgent = []string{ToldConnected, ToldRenewed, ToldRecovered, ToldStopped, ToldLink}

// hold says until when a message must wait: for the end of the customer's
// quiet hours, or of a bank's incident.
func (s *Service) hold(ctx context.Context, e Event) (time.Time, error) {
	now := s.c.Now()
	if e.Notice.Event == ToldRefused {
		incident, err := s.c.Store.Incident(ctx, e.Consent.Bank, now)
		if err != nil || incident {
			return now.Add(held), err
		}
	}
	if e.Consent.Status == TerminatedByAspsp && !e.Notice.RestoredAt().IsZero() {
		return s.undecided(ctx, e)
	}
	if e.Notice.Channel != ChannelMail || slices.Contains(urgent, e.Notice.Word()) {
		return time.Time{}, nil
	}
	return s.c.Life.quietUntil(now, e.Bank.Clock.zone()), nil
}

// undecided holds what tells of a grant given back while it is not known
// whether its bank, which refused it again, means it now. It is silenced if so.
func (s *Service) undecided(ctx context.Context, e Event) (time.Time, error) {
	open, err := s.c.Store.Pending(ctx, Task{Kind: TaskBelieve, ID: e.Consent.ID})
	switch {
	case err != nil:
		return time.Time{}, err
	case !open:
		return time.Time{}, errSilenced
	}
	return e.At.Add(held), nil
}

// notifyDeadline is what a channel has for one message: less than the task,
// so that there is time left to record what came of it.
const notifyDeadline = 30 * time.Second

func (s *Service) notify(ctx context.Context, n Notifier, e Event) error {
	ctx, cancel := context.WithTimeout(ctx, notifyDeadline)
	defer cancel()
	return n.Notify(ctx, e)
}

// delivered records what came of a message that was not given up. What was
// put into a log stands there; the timeline need not say so.
func (s *Service) delivered(ctx context.Context, t Task, n Notice, d Delivery) error {
	if n.Channel == ChannelLog {
		return nil
	}
	return s.c.Store.Delivered(ctx, t, d)
}

// attempt tries to deliver, and records what came of it.
func (s *Service) attempt(ctx context.Context, t Task, e Event) (time.Time, error) {
	i := slices.IndexFunc(s.c.Notify, func(c Notifier) bool { return c.Channel() == e.Notice.Channel })
	if i < 0 || !s.c.Notify[i].Reaches(e) {
		return time.Time{}, s.c.Store.Delivered(ctx, t, Delivery{Outcome: DeliveryFailed, Detail: "nobody to reach", At: e.At})
	}
	failure := s.notify(ctx, s.c.Notify[i], e)
	if failure == nil {
		err := s.warned(ctx, t.ID, e) // before the task is gone, for those who wait to see whether it spoke for them
		return time.Time{}, errors.Join(err, s.delivered(ctx, t, e.Notice, Delivery{Outcome: DeliverySent, At: e.At}))
	}
	tries, since, err := s.c.Store.Tried(ctx, t, e.At)
	if err != nil {
		return time.Time{}, err
	}
	log := s.c.Log.With(slog.String("consent", string(t.ID)), slog.String("channel", e.Notice.Channel),
		slog.String("event", e.Notice.Event), slog.Int("attempt", tries), slog.Any("error", failure))
	if errors.Is(failure, ErrUndeliverable) || e.At.Sub(since) > giveUp {
		log.ErrorContext(ctx, "message undelivered")
		return time.Time{}, s.c.Store.Delivered(ctx, t, Delivery{Outcome: DeliveryFailed, Detail: shorten(failure.Error()), At: e.At})
	}
	log.WarnContext(ctx, "message not delivered yet")
	return e.At.Add(max(attempts[min(tries, len(attempts))-1], asked(failure))), nil
}

// mostAsked bounds how long a channel's other side can make us wait.
const mostAsked = time.Hour

// asked is how long the other side of a channel asked us to wait.
func asked(failure error) time.Duration {
	if later, ok := errors.AsType[RetryLater](failure); ok {
		return min(later.Wait(), mostAsked)
	}
	return 0
}
