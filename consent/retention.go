package consent

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/consentd/consentd/token"
)

// purgeOld deletes a record whose retention time is over, as it is configured
// now.
func (s *Service) purgeOld(ctx context.Context, t Task) (time.Time, error) {
	c, err := s.c.Store.Consent(ctx, t.ID)
	if err != nil {
		return time.Time{}, err
	}
	now := s.c.Now().UTC()
	if due := s.purge(c.ID, c.lastDay()).Due; now.Before(due) {
		return due, s.c.Store.Keep(ctx, c.ID, c.Version, due)
	}
	s.c.Log.InfoContext(ctx, "record purged", slog.String("consent", string(c.ID)), slog.Time("ended", c.lastDay()))
	return time.Time{}, s.forget(ctx, c)
}

// lastDay is when a consent was of use for the last time.
func (c Consent) lastDay() time.Time {
	switch {
	case !c.EndedAt.IsZero():
		return c.EndedAt
	case !c.EndsAt.IsZero():
		return c.EndsAt
	}
	return c.CreatedAt
}

// GoneFor is how long it is known of a consent that is gone how it ended: longer
// than its app is tried to be told, and than an idempotency key, by which a late
// repetition would make it again.
const GoneFor = giveUp + day

// forget deletes a record and everything that finds it.
func (s *Service) forget(ctx context.Context, c Consent) error {
	p, err := s.person(c)
	if err != nil {
		return err
	}
	customer, err := s.customerIndex(c.App, p.Reference)
	if err != nil {
		return err
	}
	person, err := s.personIndex(s.banks[c.Bank].NationalID, p.NationalID)
	if err != nil {
		return err
	}
	return s.c.Store.Purge(ctx, c.ID, customer, person, nothingDue(c.ID))
}

func nothingDue(id ID) (w Work) {
	for _, k := range []TaskKind{TaskWarn, TaskExpire, TaskProbe, TaskAbandon, TaskBelieve, TaskPurge} {
		w.Remove = append(w.Remove, Task{Kind: k, ID: id})
	}
	return w
}

// Purgeable is a record that clean-up would delete, and why.
type Purgeable struct {
	ID    ID
	Ended time.Time
	Due   time.Time
}

// DryPurge lists the records that would be purged at a moment, and deletes
// nothing.
func (s *Service) DryPurge(ctx context.Context, at time.Time) ([]Purgeable, error) {
	tasks, err := s.c.Store.DueBy(ctx, TaskPurge, at)
	if err != nil {
		return nil, err
	}
	var out []Purgeable
	for _, t := range tasks {
		c, err := s.c.Store.Consent(ctx, t.ID)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if due := s.purge(c.ID, c.lastDay()).Due; !at.Before(due) {
			out = append(out, Purgeable{ID: c.ID, Ended: c.lastDay(), Due: due})
		}
	}
	return out, nil
}

// Erasure is the proof that a customer was erased. It names nobody.
type Erasure struct {
	Reference string // random; to be given to the customer
	At        time.Time
	App       string
	Consents  int
}

// Erase ends and deletes everything about one app's customer, and leaves an
// anonymous proof. Banks and the app are still told that it is over.
func (s *Service) Erase(ctx context.Context, app App, reference token.Secret) (Erasure, error) {
	return s.erase(ctx, ByApp, app, reference, newReference())
}

// newReference names the proof of an erasure.
func newReference() string { return rand.Text() }

func (s *Service) erase(ctx context.Context, who Actor, app App, reference token.Secret, proof string) (Erasure, error) {
	index, err := s.customerIndex(app.ID, reference)
	if err != nil {
		return Erasure{}, err
	}
	ids, err := s.c.Store.ByCustomer(ctx, index)
	if err != nil {
		return Erasure{}, err
	}
	e := Erasure{Reference: proof, At: s.c.Now().UTC(), App: app.ID}
	for _, id := range ids {
		c, err := s.Stop(ctx, id, who, CauseErased)
		if errors.Is(err, ErrNotFound) { // Redis dropped it by itself, and what finds it is left
			if err := s.c.Store.Purge(ctx, id, index, nil, nothingDue(id)); err != nil {
				return Erasure{}, err
			}
			continue
		}
		if err != nil {
			return Erasure{}, err
		}
		if err := s.forget(ctx, c); err != nil {
			return Erasure{}, err
		}
		e.Consents++
	}
	return e, s.insist(ctx, func() error { return s.c.Store.RecordErasure(ctx, index, e) })
}

// CauseErased is the code of an end because the customer wished to be
// forgotten.
const CauseErased = "erased"

// Proof is what can be shown of a consent: what was asked, what was agreed to,
// and everything that became of it. There is no secret and no national id in
// it.
type Proof struct {
	Consent  Consent
	Bank     string // its name
	App      string
	Timeline []Entry
	MadeAt   time.Time
}

// Proof puts together the proof of one of the app's consents.
func (s *Service) Proof(ctx context.Context, app App, id ID) (Proof, error) {
	c, err := s.Consent(ctx, app, id)
	if err != nil {
		return Proof{}, err
	}
	lines, err := s.c.Store.Timeline(ctx, id, timelineLimit)
	c.Personal = nil
	return Proof{Consent: c, Bank: s.banks[c.Bank].Name, App: app.Name, Timeline: lines, MadeAt: s.c.Now().UTC()}, err
}
