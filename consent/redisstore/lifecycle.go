package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

var notFound = map[string]error{"NOTFOUND": consent.ErrNotFound}

// End implements [consent.Store].
func (s *Store) End(ctx context.Context, id consent.ID, e consent.End) error {
	k := keysOf(id)
	args := []any{string(e.Status), string(e.Cause.Actor), e.Cause.Code, millis(e.At), string(e.Status), string(id), millis(e.ForgetBy),
		s.purgeAt(e.At)}
	return s.change(ctx, "end", notFound, []string{k.consent(), k.grant(), k.timeline(), k.due(), k.aside(), k.refused()},
		append(args, scheduled(e.Work)...)...)
}

// Lapse implements [consent.Store].
func (s *Store) Lapse(ctx context.Context, id consent.ID, at time.Time, work consent.Work) error {
	k := keysOf(id)
	return s.change(ctx, "lapse", notFound, []string{k.consent(), k.grant(), k.timeline(), k.due()},
		append([]any{millis(at)}, scheduled(work)...)...)
}

// asideFor is how long a grant that nobody confirmed is kept to tell the bank.
const asideFor = 8 * 24 * time.Hour

// Abandon implements [consent.Store].
func (s *Store) Abandon(ctx context.Context, id consent.ID, at time.Time) error {
	k := keysOf(id)
	return s.change(ctx, "abandon", notFound, []string{k.consent(), k.grant(), k.timeline(), k.due(), k.aside()},
		millis(at), string(id), millis(at.Add(asideFor)))
}

// Warn implements [consent.Store].
func (s *Store) Warn(ctx context.Context, id consent.ID, w consent.Warned) error {
	k := keysOf(id)
	words := map[string]error{"NOTFOUND": consent.ErrNotFound, "OVER": consent.ErrConflict, "AGAIN": consent.ErrConflict}
	args := []any{w.Term, len(w.Days)}
	for _, d := range w.Days {
		args = append(args, d)
	}
	args = append(args, w.Spoken, w.Message, millis(w.At))
	return s.change(ctx, "warn", words, []string{k.consent(), k.due(), k.timeline()}, append(args, scheduled(w.Work)...)...)
}

// Remind implements [consent.Store].
func (s *Store) Remind(ctx context.Context, id consent.ID, customer []byte, on bool, at time.Time) error {
	event := "reminders_off"
	if on {
		event = "reminders_on"
	}
	k := keysOf(id)
	return s.verdict(ctx, "remind", notFound, []string{k.consent(), k.timeline(), k.reminders(customer)}, flag(!on), millis(at), event)
}

// Claimed implements [consent.Store].
func (s *Store) Claimed(ctx context.Context, id consent.ID, term int64, days int) (claimed, spoken bool, err error) {
	name := fmt.Sprintf(":%d:%d", term, days)
	got, err := s.c.Client.HMGet(ctx, keysOf(id).consent(), "warned"+name, "spoken"+name).Result()
	if err != nil {
		return false, false, unavailable("claimed", err)
	}
	return got[0] != nil, got[1] != nil, nil
}

// Pending implements [consent.Store].
func (s *Store) Pending(ctx context.Context, t consent.Task) (bool, error) {
	err := s.c.Client.ZScore(ctx, keysOf(t.ID).due(), t.Name()).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, unavailable("pending", err)
	}
	return true, nil
}

// Keep implements [consent.Store].
func (s *Store) Keep(ctx context.Context, id consent.ID, version int64, due time.Time) error {
	words := map[string]error{"NOTFOUND": consent.ErrNotFound, "CONFLICT": consent.ErrConflict}
	return s.verdict(ctx, "keep", words, []string{keysOf(id).consent()}, version, millis(due.Add(purgeGrace)))
}

// Purge implements [consent.Store].
func (s *Store) Purge(ctx context.Context, id consent.ID, customer, person []byte, work consent.Work) error {
	k := keysOf(id)
	return s.verdict(ctx, "purge", nil, []string{k.consent(), k.grant(), k.timeline(), k.uses(), k.deliveries(),
		k.customer(customer), k.person(person), k.due(), k.undelivered(), k.refused(), k.gone(), k.reminders(customer)},
		append([]any{string(id), consent.GoneFor.Milliseconds()}, scheduled(work)...)...)
}

// Gone implements [consent.Store].
func (s *Store) Gone(ctx context.Context, id consent.ID) (consent.Consent, error) {
	return s.read(ctx, id, keysOf(id).gone())
}

// Aside implements [consent.Store].
func (s *Store) Aside(ctx context.Context, id consent.ID, commit string) (string, token.Sealed, error) {
	got, err := s.c.Client.HMGet(ctx, keysOf(id).aside(), commit+":bank", commit+":access", commit+":refresh").Result()
	if err != nil {
		return "", token.Sealed{}, unavailable("aside", err)
	}
	f := make([]string, len(got))
	for i, v := range got {
		f[i], _ = v.(string)
	}
	if f[0] == "" {
		return "", token.Sealed{}, token.ErrNoGrant
	}
	return f[0], token.Sealed{CommitID: commit, Access: []byte(f[1]), Refresh: []byte(f[2])}, nil
}

// PutAside implements [token.Store].
func (s *Store) PutAside(ctx context.Context, id, bank string, g token.Sealed, at time.Time) error {
	k := keysOf(consent.ID(id))
	return s.verdict(ctx, "putaside", nil, []string{k.aside(), k.due()},
		id, bank, g.CommitID, g.Access, g.Refresh, millis(at), millis(at.Add(asideFor)))
}

// Told implements [consent.Store].
func (s *Store) Told(ctx context.Context, t consent.Task, outcome token.Revocation, at time.Time) error {
	k := keysOf(t.ID)
	return s.change(ctx, "told", nil, []string{k.consent(), k.timeline(), k.aside(), k.deliveries()},
		t.Arg, string(outcome), millis(at), t.Name())
}

// Newest implements [consent.Store].
func (s *Store) Newest(ctx context.Context, id consent.ID) (consent.Newest, error) {
	got, err := s.c.Client.HMGet(ctx, keysOf(id).grant(), "version", "iat", "exp").Result()
	if err != nil {
		return consent.Newest{}, unavailable("newest", err)
	}
	version, _ := got[0].(string)
	issued, _ := got[1].(string)
	if version == "" {
		return consent.Newest{}, token.ErrNoGrant
	}
	expires, _ := got[2].(string)
	return consent.Newest{Generation: number(version), IssuedAt: instant(issued), ExpiresAt: instant(expires)}, nil
}

// RecordErasure implements [consent.Store].
func (s *Store) RecordErasure(ctx context.Context, customer []byte, e consent.Erasure) error {
	k := keys{partition: partition(int(customer[0]))}
	return s.verdict(ctx, "erased", nil, []string{k.tagged("erasures")}, e.Reference, e.App, e.Consents, millis(e.At))
}

// Spend implements [consent.Store].
func (s *Store) Spend(ctx context.Context, bank string, now time.Time, perMinute int) (bool, error) {
	key := fmt.Sprintf("{bank:%s}:budget:%d", bank, now.Unix()/60)
	word, err := s.run(ctx, "spend", []string{key}, perMinute).Text()
	if err != nil {
		return false, unavailable("spend", err)
	}
	return word == "OK", nil
}
