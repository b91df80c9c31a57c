package consent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// silence is why something is not told after all, as the timeline has it.
type silence string

func (s silence) Error() string { return "consent: silenced: " + string(s) }

// errSilenced: what was to be told is no longer so.
const errSilenced = silence("")

// event puts together what is told.
func (s *Service) event(ctx context.Context, id ID, n Notice) (Event, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return s.lastEvent(ctx, id, n)
	}
	if err != nil {
		return Event{}, err
	}
	e := s.eventOf(c, n)
	if n.Channel == ChannelMail && e.Optional && c.NoReminders {
		return Event{}, silence(DetailReminders)
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

func (s *Service) eventOf(c Consent, n Notice) Event {
	return Event{Notice: n, Consent: c, App: s.apps[c.App], Bank: s.banks[c.Bank], At: s.c.Now().UTC(),
		Key: string(c.ID) + " " + n.String(), ID: fmt.Sprintf("%s %s %d", c.ID, n.Event, n.Term), Optional: s.c.Life.optional(n)}
}

// lastEvent is what the app is still told of a consent that is gone.
func (s *Service) lastEvent(ctx context.Context, id ID, n Notice) (Event, error) {
	c, err := s.c.Store.Gone(ctx, id)
	if err != nil {
		return Event{}, err
	}
	if n.Channel == ChannelMail || n.Event != ToldStopped || !s.stillSo(c, n) {
		return Event{}, errSilenced
	}
	return s.eventOf(c, n), nil
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
