package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Incidents: more than refusalsMost grants of one bank refused within
// refusalsWindow make one, and it lasts incidentLasts after the last such
// minute. It is remembered for incidentKept.
const (
	refusalsMost   = 10
	refusalsWindow = time.Minute
	incidentLasts  = 15 * time.Minute
	incidentKept   = 7 * 24 * time.Hour
)

// A refusal is known to be meant once no incident can count it any more, with
// something to spare for clocks that differ. The grant is kept until somebody
// has looked, and not for longer than refusedFor.
const (
	refusalKnown = refusalsWindow + 30*time.Second
	refusedFor   = 24 * time.Hour
)

// restRestored is how long a bank is left alone with a grant given back.
const restRestored = time.Minute

// doubtedMost is how many of an incident's consents are listed.
const doubtedMost = 1000

func bankKey(bank, kind string) string { return "{bank:" + bank + "}:" + kind }

func incidentKey(bank string) string { return bankKey(bank, "incident") }

// Refused implements [token.Store].
func (s *Store) Refused(ctx context.Context, bank, id string, at time.Time) (bool, error) {
	err := s.verdict(ctx, "refused", map[string]error{"INCIDENT": errIncident},
		[]string{bankKey(bank, "refusals"), incidentKey(bank), bankKey(bank, "doubted")},
		millis(at), refusalsWindow.Milliseconds(), refusalsMost, incidentLasts.Milliseconds(), id, incidentKept.Milliseconds())
	if errors.Is(err, errIncident) {
		return true, nil
	}
	return false, err
}

// errIncident is a word of the script refused.
var errIncident = errors.New("redisstore: incident")

// Incident implements [consent.Store].
func (s *Store) Incident(ctx context.Context, bank string, now time.Time) (bool, error) {
	till, err := s.c.Client.HGet(ctx, incidentKey(bank), "till").Result()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, unavailable("incident", err)
	}
	return now.Before(instant(till)), nil
}

// Incidents implements [consent.Store].
func (s *Store) Incidents(ctx context.Context, banks []string) ([]consent.Incident, error) {
	pipe := s.c.Client.Pipeline()
	found := make([]*redis.MapStringStringCmd, len(banks))
	doubted := make([]*redis.StringSliceCmd, len(banks))
	for i, bank := range banks {
		found[i] = pipe.HGetAll(ctx, incidentKey(bank))
		doubted[i] = pipe.ZRevRange(ctx, bankKey(bank, "doubted"), 0, doubtedMost-1)
	}
	if _, err := pipe.Exec(ctx); err != nil && len(banks) > 0 {
		return nil, unavailable("incidents", err)
	}
	var out []consent.Incident
	for i, bank := range banks {
		h := found[i].Val()
		if h["since"] == "" {
			continue
		}
		n := consent.Incident{Bank: bank, From: instant(h["from"]), Since: instant(h["since"]), Until: instant(h["till"]),
			Lifted: instant(h["lifted"]), Refusals: number(h["refusals"])}
		for _, id := range doubted[i].Val() {
			n.Doubted = append(n.Doubted, consent.ID(id))
		}
		out = append(out, n)
	}
	return out, nil
}

// LiftIncident implements [consent.Store].
func (s *Store) LiftIncident(ctx context.Context, bank string, at, believed time.Time) error {
	return s.verdict(ctx, "lift", notFound, []string{incidentKey(bank), bankKey(bank, "refusals")}, millis(at), millis(believed))
}

// Believe implements [consent.Store].
func (s *Store) Believe(ctx context.Context, id consent.ID, work consent.Work) error {
	k := keysOf(id)
	return s.verdict(ctx, "believe", nil, []string{k.consent(), k.refused(), k.due()}, scheduled(work)...)
}

// Restore implements [consent.Store].
func (s *Store) Restore(ctx context.Context, id consent.ID, at time.Time, work consent.Work, told ...consent.Task) error {
	k := keysOf(id)
	words := map[string]error{"NOTFOUND": consent.ErrNotFound, "GONE": token.ErrNoGrant}
	args := append([]any{millis(at), restRestored.Milliseconds()}, scheduled(work)...)
	return s.change(ctx, "restore", words, []string{k.consent(), k.grant(), k.timeline(), k.due(), k.refused()},
		append(args, scheduled(consent.Work{Add: told})...)...)
}

// Heard implements [consent.Store].
func (s *Store) Heard(ctx context.Context, id consent.ID) error {
	return s.verdict(ctx, "heard", nil, []string{keysOf(id).consent()})
}
