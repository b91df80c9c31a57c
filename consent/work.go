package consent

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/consentd/consentd/token"
)

// How work is claimed and done.
const (
	visibility   = 2 * time.Minute // a claimed task that was not settled is due again
	taskDeadline = time.Minute     // less than visibility, so that two replicas never do one task at a time
	claimed      = 20              // tasks of one partition at a time
	workers      = 8
	backToTask   = time.Minute // a task that failed unexpectedly
)

// Work does what is due, until nothing is. Any number of replicas may call it
// at any time: a task belongs to whoever claimed it for two minutes, and is
// re-checked against the record before anything is done. Its cost grows with
// what is due.
func (s *Service) Work(ctx context.Context) error {
	for ctx.Err() == nil {
		now := s.c.Now().UTC()
		tasks, err := s.c.Store.Claim(ctx, now, now.Add(visibility), claimed)
		if err != nil || len(tasks) == 0 {
			return err
		}
		s.doAll(ctx, tasks)
	}
	return ctx.Err()
}

// doAll does claimed tasks side by side. One that fails does not keep the
// others from being done.
func (s *Service) doAll(ctx context.Context, tasks []Task) {
	var all sync.WaitGroup
	free := make(chan struct{}, workers)
	for _, t := range tasks {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			s.do(ctx, t)
		})
	}
	all.Wait()
}

// do does one task and settles it: finished, or due again at a time.
func (s *Service) do(ctx context.Context, t Task) {
	ctx, cancel := context.WithTimeout(ctx, taskDeadline)
	defer cancel()
	again, err := s.doTask(ctx, t)
	if errors.Is(err, ErrNotFound) {
		again, err = time.Time{}, nil // purged or erased: nothing is left to do
	}
	if err != nil {
		s.c.Log.WarnContext(ctx, "task failed; it will be done again", slog.String("task", string(t.Kind)),
			slog.String("consent", string(t.ID)), slog.Any("error", err))
		again = s.c.Now().Add(backToTask)
	}
	settle := s.c.Store.Finish
	if !again.IsZero() {
		settle = func(ctx context.Context, t Task) error { return s.c.Store.Postpone(ctx, t, again.UTC()) }
	}
	if err := settle(ctx, t); err != nil {
		s.c.Log.WarnContext(ctx, "task not settled; it will be due again", slog.String("task", string(t.Kind)),
			slog.String("consent", string(t.ID)), slog.Any("error", err))
	}
}

// doTask returns when to do the task again, zero when it is done.
func (s *Service) doTask(ctx context.Context, t Task) (time.Time, error) {
	switch t.Kind {
	case TaskWarn:
		return s.warn(ctx, t)
	case TaskExpire:
		return s.lapse(ctx, t)
	case TaskAbandon:
		return s.abandon(ctx, t)
	case TaskRevoke:
		return s.tellBank(ctx, t)
	case TaskProbe:
		return s.probe(ctx, t)
	case TaskDeliver:
		return s.deliver(ctx, t)
	case TaskPurge:
		return s.purgeOld(ctx, t)
	}
	return time.Time{}, errors.New("consent: no such kind of task")
}

// wake does what is due in the background, so that nobody waits for the next
// tick to be told.
func (s *Service) wake() {
	s.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), taskDeadline)
		defer cancel()
		if err := s.Work(ctx); err != nil && !errors.Is(err, token.ErrStoreUnavailable) {
			s.c.Log.WarnContext(ctx, "work not done; the next tick does it", slog.Any("error", err))
		}
	})
}

// warn claims the thresholds that were crossed, and leaves it to a delivery
// to tell. After an outage only the most urgent one is told.
func (s *Service) warn(ctx context.Context, t Task) (time.Time, error) {
	c, err := s.c.Store.Consent(ctx, t.ID)
	now := s.c.Now().UTC()
	if err != nil || c.StatusAt(now) != Valid {
		return time.Time{}, err
	}
	crossed, next := s.c.Life.crossed(c.EndsAt, now), s.c.Life.next(c.EndsAt, now)
	if len(crossed) == 0 {
		return next, nil
	}
	event := warning(crossed[len(crossed)-1])
	w := Warned{Term: c.Term, Days: crossed, Work: s.telling(c.ID, event, c.Term, now)}
	switch err := s.c.Store.Warn(ctx, c.ID, w); {
	case errors.Is(err, ErrConflict):
		return next, nil
	case err != nil:
		return time.Time{}, err
	}
	return next, s.warnTogether(ctx, c, crossed[len(crossed)-1])
}

// together is how close ends of one customer's consents are told in one
// message.
const together = 7 * day

// warnTogether claims the same threshold for the customer's other consents
// that the message speaks for: those that end so close to it that a message
// of their own would say the same again. Their apps are told of each.
func (s *Service) warnTogether(ctx context.Context, c Consent, days int) error {
	others, err := s.endingWith(ctx, c)
	if err != nil {
		return err
	}
	now := s.c.Now().UTC()
	for _, o := range others {
		n := Notice{Channel: ChannelWebhook, Event: warning(days), Term: o.Term}
		if o.EndsAt.Sub(c.EndsAt).Abs() > time.Duration(days)*day/2 {
			continue // too soon to speak for its own threshold
		}
		w := Warned{Term: o.Term, Days: append(s.c.Life.crossed(o.EndsAt, now), days),
			Work: Work{Add: []Task{{Kind: TaskDeliver, ID: o.ID, Arg: n.String(), Due: now}}}}
		if err := s.c.Store.Warn(ctx, o.ID, w); err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return nil
}

// endingWith are the same customer's other valid consents at the same app
// that end within a week of c.
func (s *Service) endingWith(ctx context.Context, c Consent) ([]Consent, error) {
	p, err := s.person(c)
	if err != nil {
		return nil, err
	}
	index, err := s.customerIndex(c.App, p.Reference)
	if err != nil {
		return nil, err
	}
	ids, err := s.c.Store.ByCustomer(ctx, index)
	if err != nil {
		return nil, err
	}
	var out []Consent
	for _, id := range ids {
		o, err := s.c.Store.Consent(ctx, id)
		if errors.Is(err, ErrNotFound) || id == c.ID {
			continue
		}
		if err != nil {
			return nil, err
		}
		if o.StatusAt(s.c.Now()) == Valid && o.EndsAt.Sub(c.EndsAt).Abs() <= together {
			out = append(out, o)
		}
	}
	return out, nil
}

// lapse deletes the secret of a consent whose end date passed.
func (s *Service) lapse(ctx context.Context, t Task) (time.Time, error) {
	c, err := s.c.Store.Consent(ctx, t.ID)
	if err != nil || c.Status != Valid {
		return time.Time{}, err
	}
	now := s.c.Now().UTC()
	if now.Before(c.EndsAt) {
		return c.EndsAt, nil
	}
	return time.Time{}, s.c.Store.Lapse(ctx, c.ID, now, s.over(c.ID, ToldExpired, c.Term, c.EndsAt))
}

// abandon gives a grant back that the app never confirmed.
func (s *Service) abandon(ctx context.Context, t Task) (time.Time, error) {
	c, err := s.c.Store.Consent(ctx, t.ID)
	if err != nil || c.Status != Received {
		return time.Time{}, err
	}
	now := s.c.Now().UTC()
	if now.Before(c.ConfirmUntil) {
		return c.ConfirmUntil, nil
	}
	return time.Time{}, s.c.Store.Abandon(ctx, c.ID, now)
}
