package consent

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/consentd/consentd/token"
)

// Incident is a bank that refused so many grants at once that none of its
// refusals is believed: nothing ends, and nobody is told.
type Incident struct {
	Bank     string
	From     time.Time // the first refusal that is doubted
	Since    time.Time // when there were too many of them
	Until    time.Time // refusals are believed again from here on, unless as many go on
	Lifted   time.Time // by staff; zero when it was not
	Refusals int64
	Doubted  []ID // consents that were refused, the newest first, at most a thousand
}

// On reports whether the incident lasts.
func (i Incident) On(now time.Time) bool { return now.Before(i.Until) }

// doubts reports whether a refusal at a moment was this incident's.
func (i Incident) doubts(at time.Time) bool {
	return i.Lifted.IsZero() && !at.Before(i.From) && !at.After(i.Until)
}

// IncidentStore keeps what is known of banks that refuse many grants at once.
type IncidentStore interface {
	// Incident reports whether a bank has refused so many grants that none
	// of its refusals is believed.
	Incident(ctx context.Context, bank string, now time.Time) (bool, error)

	// Incidents reads the newest incident of each bank that had one within a
	// week.
	Incidents(ctx context.Context, banks []string) ([]Incident, error)

	// LiftIncident ends a bank's incident, and has its refusals believed at
	// least until a moment; [ErrNotFound] when there is none.
	LiftIncident(ctx context.Context, bank string, at, believed time.Time) error
}

// Incidents are the newest incident of each bank that had one within a week,
// newest first; see [Incident.On] for whether it lasts.
func (s *Service) Incidents(ctx context.Context) ([]Incident, error) {
	var banks []string
	for _, b := range s.c.Banks {
		banks = append(banks, b.ID)
	}
	all, err := s.c.Store.Incidents(ctx, banks)
	slices.SortFunc(all, func(a, b Incident) int { return b.Since.Compare(a.Since) })
	return all, err
}

// believedFor is how long after staff lifted an incident a bank's refusals are
// believed, however many they are: long enough to see every grant that the bank
// really ended.
const believedFor = 2 * time.Hour

// LiftIncident ends a bank's incident on staff's word: what was held goes on,
// and the bank's refusals are believed for two hours, however many there are.
// [ErrNotFound]: there is none.
func (s *Service) LiftIncident(ctx context.Context, who Staff, bank, reason string) error {
	if err := checkReason(reason); err != nil {
		return err
	}
	now := s.c.Now().UTC()
	on, err := s.c.Store.Incident(ctx, bank, now)
	if err != nil {
		return err
	}
	if !on {
		return ErrNotFound
	}
	if err := s.Record(ctx, Act{Staff: who, Action: ActLift, Reason: reason, Detail: "bank " + bank}); err != nil {
		return err
	}
	if err := s.c.Store.LiftIncident(ctx, bank, now, now.Add(believedFor)); err != nil {
		return err
	}
	s.c.Log.WarnContext(ctx, "bank incident lifted; its refusals are believed", slog.String("bank", bank), slog.String("staff", who.ID))
	return nil
}

// believe decides about a refusal once it is known whether it was one of too
// many: the first of them ended their consents before there was an incident,
// and get their grants back.
func (s *Service) believe(ctx context.Context, t Task) (time.Time, error) {
	c, err := s.c.Store.Consent(ctx, t.ID)
	if err != nil || c.Status != TerminatedByAspsp {
		return time.Time{}, err
	}
	doubted, err := s.doubted(ctx, c)
	if err != nil {
		return time.Time{}, err
	}
	now := s.c.Now().UTC()
	if doubted {
		err := s.c.Store.Restore(ctx, c.ID, now, s.again(c, now), s.toApp(c, restored(now), now)...)
		if err == nil {
			s.c.Log.WarnContext(ctx, "consent restored: its bank refused it in an incident", slog.String("consent", string(c.ID)), slog.String("bank", c.Bank))
		}
		if !errors.Is(err, token.ErrNoGrant) {
			return time.Time{}, err
		}
	}
	w := s.telling(c.ID, ToldRefused, c.Term, now)
	w.Remove = []Task{t} // in the same step, so that nothing is told twice
	return time.Time{}, s.c.Store.Believe(ctx, c.ID, w)
}

func (s *Service) doubted(ctx context.Context, c Consent) (bool, error) {
	all, err := s.c.Store.Incidents(ctx, []string{c.Bank})
	return len(all) > 0 && all[0].doubts(c.EndedAt), err
}

// again is what a restored consent has coming: as when it became valid. The
// customer is not told, who was not told of its end.
func (s *Service) again(c Consent, now time.Time) Work {
	w := s.life(c.ID, "", c.Term, now, c.EndsAt)
	w.Add = slices.DeleteFunc(w.Add, func(t Task) bool { return t.Kind == TaskDeliver })
	return w
}
