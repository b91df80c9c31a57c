package consent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/consentd/consentd/token"
)

// How work is claimed and done.
const (
	visibility   = 2 * time.Minute // a claimed task that was not settled is due again
	taskDeadline = 40 * time.Second
	settleTime   = 5 * time.Second
	workers      = 8
	claimed      = 2 * workers
	backToTask   = time.Minute // a task that failed unexpectedly
)

// Work does what is due, until nothing is. Any number of replicas may call it
// at any time: a task belongs to whoever claimed it, for two minutes, and is
// re-checked against the record before anything is done. Its cost grows with
// what is due.
func (s *Service) Work(ctx context.Context) error {
	if !s.begin() {
		return nil
	}
	defer s.work.Done()
	for s.goesOn(ctx) {
		due, failed := s.c.Store.Due(ctx, s.c.Now().UTC())
		if len(due) == 0 {
			return failed
		}
		for len(due) > 0 && s.goesOn(ctx) {
			tasks, rest, err := s.claim(ctx, due)
			s.doAll(ctx, tasks)
			due, failed = rest, errors.Join(failed, err)
		}
		if failed != nil {
			return failed
		}
	}
	return ctx.Err()
}

func (s *Service) goesOn(ctx context.Context) bool { return ctx.Err() == nil && !s.closed.Load() }

// claim claims no more tasks than can be begun soon, and returns the
// partitions that may have more. One that does not answer is left out.
func (s *Service) claim(ctx context.Context, due []Partition) ([]Task, []Partition, error) {
	var tasks []Task
	for len(due) > 0 && len(tasks) < claimed {
		now := s.c.Now().UTC()
		got, err := s.c.Store.Claim(ctx, due[0], now, now.Add(visibility), claimed-len(tasks))
		tasks = append(tasks, got...)
		if err != nil {
			return tasks, due[1:], err
		}
		if len(tasks) < claimed {
			due = due[1:]
		}
	}
	return tasks, due, nil
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

// do does one task and settles it: finished, or due again at a time. It does
// not begin what could outlast the claim, which then is somebody else's.
func (s *Service) do(ctx context.Context, t Task) {
	if s.closed.Load() || t.Due.Sub(s.c.Now()) < taskDeadline+settleTime {
		return
	}
	ctx = context.WithoutCancel(ctx)
	again, err := s.within(ctx, t)
	if errors.Is(err, errGivenBack) {
		return
	}
	if errors.Is(err, ErrNotFound) {
		again, err = time.Time{}, nil // purged or erased: nothing is left to do
	}
	if err != nil {
		s.c.Log.WarnContext(ctx, "task failed; it will be done again", slog.String("task", string(t.Kind)),
			slog.String("consent", string(t.ID)), slog.Any("error", err))
		again = s.c.Now().Add(backToTask)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := s.settle(ctx, t, again); err != nil {
		s.c.Log.WarnContext(ctx, "task not settled; it will be due again", slog.String("task", string(t.Kind)),
			slog.String("consent", string(t.ID)), slog.Any("error", err))
	}
}

func (s *Service) within(ctx context.Context, t Task) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, taskDeadline)
	defer cancel()
	return s.doTask(ctx, t)
}

func (s *Service) settle(ctx context.Context, t Task, again time.Time) error {
	if again.IsZero() {
		return s.c.Store.Finish(ctx, t)
	}
	return s.c.Store.Postpone(ctx, t, again.UTC())
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
	case TaskBelieve:
		return s.believe(ctx, t)
	case TaskPurge:
		return s.purgeOld(ctx, t)
	}
	return time.Time{}, errors.New("consent: no such kind of task")
}

// wake does what is due in the background, so that nobody waits for the next
// tick to be told. One at a time is enough: it goes on until nothing is due.
func (s *Service) wake() {
	if s.wakes.Add(1) > 1 || !s.begin() {
		return
	}
	go func() {
		defer s.work.Done()
		for n := s.wakes.Load(); ; n = s.wakes.Load() {
			err := s.Work(s.running)
			if err != nil && !errors.Is(err, token.ErrStoreUnavailable) {
				s.c.Log.WarnContext(s.running, "work not done; the next tick does it", slog.Any("error", err))
			}
			if s.wakes.CompareAndSwap(n, 0) {
				return
			}
		}
	}()
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
	if err := s.c.Store.Warn(ctx, c.ID, w); err != nil && !errors.Is(err, ErrConflict) {
		return time.Time{}, err
	}
	return next, nil
}

// together is how close ends of one customer's consents are told in one
// message.
const together = 7 * day

// warned claims, once a mail went out, its threshold for the other consents
// that it spoke for: those that end so close to the one it was made for that
// a mail of their own would say the same again. Their apps are told of each.
func (s *Service) warned(ctx context.Context, told ID, e Event) error {
	days := e.Notice.Days()
	i := slices.IndexFunc(e.Ending, func(o EndingConsent) bool { return o.Consent.ID == told })
	if e.Notice.Channel != ChannelMail || i < 0 {
		return nil
	}
	ends := e.Ending[i].Consent.EndsAt
	for _, o := range e.Ending {
		if o.Consent.ID == told || o.Consent.EndsAt.Sub(ends).Abs() > time.Duration(days)*day/2 {
			continue
		}
		err := s.c.Store.Warn(ctx, o.Consent.ID, s.spokenOf(o, days, e.At))
		if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// spokenOf is what a mail that spoke for a consent settles for it.
func (s *Service) spokenOf(o EndingConsent, days int, at time.Time) Warned {
	c := o.Consent
	less := slices.DeleteFunc(s.c.Life.crossed(c.EndsAt, at), func(d int) bool { return d < days })
	n := Notice{Channel: ChannelMail, Event: warning(days), Term: c.Term}
	return Warned{Term: c.Term, Spoken: days, Days: append(less, days), Message: n.String() + ": " + DetailJoint, At: at,
		Work: Work{Add: s.toApp(c, warning(days), at)}}
}

// toApp tells a consent's app alone, through each channel that reaches it.
func (s *Service) toApp(c Consent, event string, at time.Time) []Task {
	var out []Task
	n := Notice{Event: event, Term: c.Term}
	for _, h := range s.c.Notify {
		n.Channel = h.Channel()
		e := Event{Notice: n, Consent: c, App: s.apps[c.App], Bank: s.banks[c.Bank], At: at}
		if n.toApp() && h.Reaches(e) {
			out = append(out, Task{Kind: TaskDeliver, ID: c.ID, Arg: n.String(), Due: at})
		}
	}
	return out
}

// endingWith are the same customer's other valid consents at the same app,
// with the same address, that end within a week of c.
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
		if o.StatusAt(s.c.Now()) != Valid || o.EndsAt.Sub(c.EndsAt).Abs() > together {
			continue
		}
		if other, err := s.person(o); err == nil && other.Email.Equal(p.Email) {
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
	if err != nil || c.Status == Valid {
		return time.Time{}, err
	}
	now := s.c.Now().UTC()
	if now.Before(c.ConfirmUntil) {
		return c.ConfirmUntil, nil
	}
	return time.Time{}, s.c.Store.Abandon(ctx, c.ID, now)
}
