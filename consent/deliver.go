package consent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	if errors.Is(err, errSilenced) {
		return time.Time{}, s.delivered(ctx, t, n, Delivery{Outcome: DeliverySilenced, At: s.c.Now().UTC()})
	}
	if err != nil {
		return time.Time{}, err
	}
	wait, err := s.hold(ctx, e)
	if err == nil && wait.IsZero() {
		wait, err = s.spokenFor(ctx, t, e)
	}
	switch {
	case errors.Is(err, errSilenced):
		return time.Time{}, s.delivered(ctx, t, n, Delivery{Outcome: DeliverySilenced, At: e.At})
	case err != nil || !wait.IsZero():
		return wait, err
	}
	return s.attempt(ctx, t, e)
}

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

// spread makes a delivery of its own for each channel that reaches somebody.
func (s *Service) spread(ctx context.Context, t Task, n Notice) error {
	e, err := s.event(ctx, t.ID, n)
	if errors.Is(err, errSilenced) {
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
		return errSilenced
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

// errSilenced: what was to be told is no longer so.
var errSilenced = errors.New("consent: silenced")

// event puts together what is told.
func (s *Service) event(ctx context.Context, id ID, n Notice) (Event, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return Event{}, err
	}
	e := Event{Notice: n, Consent: c, App: s.apps[c.App], Bank: s.banks[c.Bank], At: s.c.Now().UTC(),
		Key: string(id) + " " + n.String(), ID: fmt.Sprintf("%s %s %d", id, n.Event, n.Term), Optional: s.c.Life.optional(n)}
	if n.Channel == ChannelMail && e.Optional && c.NoReminders {
		return Event{}, errSilenced
	}
	if n.Days() > 0 {
		if e.Ending, err = s.stillEnding(ctx, c, n); err != nil {
			return Event{}, err
		}
		if len(e.Ending) == 0 {
			return Event{}, errSilenced
		}
		e.Consent, e.Bank = e.Ending[0].Consent, e.Ending[0].Bank
	} else if !s.stillSo(c, n) {
		return Event{}, errSilenced
	}
	p, err := s.person(c)
	if err != nil {
		return Event{}, err
	}
	e.Email, e.Name = p.Email, p.Name
	e.Manage, err = s.manageLink(e.Consent)
	return e, err
}

// stillSo reports whether what happened is what still holds.
func (s *Service) stillSo(c Consent, n Notice) bool {
	if n.Event != ToldRejected && n.Term != c.Term {
		return false
	}
	if n.Word() == ToldLink {
		return c.Renewable()
	}
	if n.Days() > 0 {
		return c.StatusAt(s.c.Now()) == Valid
	}
	if n.Event == ToldNeeded && c.NeededUntil.IsZero() {
		return false
	}
	want := map[string][]Status{
		ToldConnected: {Valid}, ToldRenewed: {Valid}, ToldRecovered: {Valid}, ToldNeeded: {Valid}, ToldExpired: {Expired}, ToldRefused: {TerminatedByAspsp},
		ToldStopped: {RevokedByPsu, TerminatedByTpp}, ToldRejected: {Rejected, PartiallyAuthorised},
	}
	now := c.StatusAt(s.c.Now())
	if !n.RestoredAt().IsZero() {
		return now == Valid || now == TerminatedByAspsp // refused again: see hold
	}
	return slices.Contains(want[n.Event], now)
}

// stillEnding are the consents that a warning speaks of: the one it was made
// for and the others that end with it; none when that one was renewed or
// ended.
func (s *Service) stillEnding(ctx context.Context, c Consent, n Notice) ([]EndingConsent, error) {
	if !s.stillSo(c, n) {
		return nil, nil // the others have messages of their own
	}
	all := []Consent{c}
	if !n.toApp() {
		others, err := s.endingWith(ctx, c)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(others, func(o Consent) bool { return o.NoReminders && s.c.Life.optional(n) })...)
	}
	var out []EndingConsent
	for _, c := range all {
		link, err := s.manageLink(c)
		if err != nil {
			return nil, err
		}
		out = append(out, EndingConsent{Consent: c, Bank: s.banks[c.Bank], Manage: link})
	}
	slices.SortFunc(out, func(a, b EndingConsent) int {
		return cmp.Or(a.Consent.EndsAt.Compare(b.Consent.EndsAt), cmp.Compare(a.Consent.ID, b.Consent.ID))
	})
	return out, nil
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
