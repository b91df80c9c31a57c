package redisstore

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// handOutFields is the length of a reply that has a token in it, and
// deniedFields of one that was denied with a reason.
const (
	handOutFields = 14
	deniedFields  = 7
)

// HandOut implements [consent.Store].
func (s *Store) HandOut(ctx context.Context, r consent.HandOutRequest) (consent.HandOut, error) {
	k := keysOf(r.ID)
	needed := "0"
	if !r.NeededUntil.IsZero() {
		needed = millis(r.NeededUntil)
	}
	reply, err := s.run(ctx, "handout", []string{k.consent(), k.grant(), k.handOuts(), k.uses(), k.tagged("unknown"),
		k.day(dayOf(r.Now)), k.requests(r.Now), k.due()},
		string(r.ID), r.App, r.RequestID, r.Now.UnixMilli(), r.MinTTL.Milliseconds(), needed,
		strings.Join(r.Scopes, " "), r.Now.UTC().Format(time.DateOnly), s.c.HandOuts, s.c.Requests.Milliseconds(), s.c.Traced).Slice()
	if err != nil {
		return consent.HandOut{}, unavailable("hand-out", err)
	}
	return readHandOut(reply), nil
}

func readHandOut(reply []any) consent.HandOut {
	f := make([]string, handOutFields)
	for i, v := range reply[:min(len(reply), handOutFields)] {
		f[i], _ = v.(string)
	}
	out := consent.HandOut{Outcome: consent.Outcome(f[0])}
	if len(reply) < deniedFields {
		return out
	}
	out.Bank, out.Status = f[1], consent.Status(f[2])
	out.Cause = consent.Cause{Actor: consent.Actor(f[3]), Code: f[4]}
	out.EndsAt, out.Granted = instant(f[5]), strings.Fields(f[6])
	if len(reply) < handOutFields {
		return out
	}
	out.Generation = number(f[7])
	out.Sealed = token.Sealed{CommitID: f[8], Access: []byte(f[9]), AccessExpiry: instant(f[10]), IssuedAt: instant(f[11]),
		Scopes: strings.Fields(f[12])}
	out.Resting = f[13] == "1"
	return out
}

// RecordDenied implements [consent.Store].
func (s *Store) RecordDenied(ctx context.Context, r consent.HandOutRequest, why consent.Outcome) error {
	k, traced := keysOf(r.ID), s.c.Traced
	if why == consent.OutcomeOperation {
		traced = 0 // a mistake in how the app was set up, which its every call repeats
	}
	return s.verdict(ctx, "denied", nil, []string{k.handOuts(), k.day(dayOf(r.Now)), k.requests(r.Now)},
		string(r.ID), r.App, r.RequestID, r.Now.UnixMilli(), string(why), s.c.HandOuts, s.c.Requests.Milliseconds(), traced)
}

// HandOuts implements [consent.Store].
func (s *Store) HandOuts(ctx context.Context, partition string, limit int) ([]consent.HandOutRecord, error) {
	k := keys{partition: partition}
	lines, err := s.c.Client.XRevRangeN(ctx, k.handOuts(), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, unavailable("hand-outs", err)
	}
	return handOutRecords(lines), nil
}

func handOutRecords(lines []redis.XMessage) []consent.HandOutRecord {
	out := make([]consent.HandOutRecord, 0, len(lines))
	for _, l := range lines {
		out = append(out, consent.HandOutRecord{At: instant(text(l, "at")), Consent: consent.ID(text(l, "consent")),
			App: text(l, "app"), RequestID: text(l, "request"), Outcome: consent.Outcome(text(l, "outcome"))})
	}
	return out
}

// HandOutLog implements [consent.Store].
func (s *Store) HandOutLog(ctx context.Context, p consent.Partition, place string, limit int) (consent.HandOutPage, error) {
	key := keys{partition: partition(int(p))}.handOuts()
	from := "-"
	if place != "" {
		from = "(" + place
	}
	pipe := s.c.Client.Pipeline()
	lines, kept := pipe.XRangeN(ctx, key, from, "+", int64(limit)), pipe.XLen(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return consent.HandOutPage{}, unavailable("hand-out log", err)
	}
	page := consent.HandOutPage{Records: handOutRecords(lines.Val()), Full: kept.Val() >= int64(s.c.HandOuts)}
	if n := len(lines.Val()); n == limit {
		page.Next = lines.Val()[n-1].ID
	}
	return page, nil
}

// Uses implements [consent.Store].
func (s *Store) Uses(ctx context.Context, id consent.ID) (map[string]int64, error) {
	h, err := s.c.Client.HGetAll(ctx, keysOf(id).uses()).Result()
	if err != nil {
		return nil, unavailable("uses", err)
	}
	out := make(map[string]int64, len(h))
	for day, n := range h {
		out[day] = number(n)
	}
	return out, nil
}
