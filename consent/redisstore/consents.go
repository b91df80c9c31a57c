package redisstore

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Create implements [consent.Store].
func (s *Store) Create(ctx context.Context, c consent.Consent, customer []byte, work consent.Work) error {
	k := keysOf(c.ID)
	fields := recordFields(c)
	args := []any{string(c.ID), millis(c.CreatedAt), s.purgeAt(c.CreatedAt), len(fields)}
	args = append(append(args, fields...), scheduled(work)...)
	return s.change(ctx, "create", notFound, []string{k.consent(), k.customer(customer), k.timeline(), k.due(), k.gone(), k.reminders(customer)}, args...)
}

// purgeAt is when Redis drops a record by itself, should nobody have purged
// it by then.
func (s *Store) purgeAt(end time.Time) string { return millis(end.Add(s.c.Retention + purgeGrace)) }

// Consent implements [consent.Store].
func (s *Store) Consent(ctx context.Context, id consent.ID) (consent.Consent, error) {
	return s.read(ctx, id, keysOf(id).consent())
}

func (s *Store) read(ctx context.Context, id consent.ID, key string) (consent.Consent, error) {
	h, err := s.c.Client.HGetAll(ctx, key).Result()
	if err != nil {
		return consent.Consent{}, unavailable("consent", err)
	}
	if len(h) == 0 {
		return consent.Consent{}, consent.ErrNotFound
	}
	return record(id, h), nil
}

// Consents implements [consent.Store].
func (s *Store) Consents(ctx context.Context, ids []consent.ID) ([]consent.Consent, error) {
	pipe := s.c.Client.Pipeline()
	found := make([]*redis.MapStringStringCmd, len(ids))
	for i, id := range ids {
		found[i] = pipe.HGetAll(ctx, keysOf(id).consent())
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, unavailable("consents", err)
	}
	var out []consent.Consent
	for i, h := range found {
		if len(h.Val()) > 0 {
			out = append(out, record(ids[i], h.Val()))
		}
	}
	return out, nil
}

// unconfirmedFor is how long a grant that nobody confirmed is kept, out of
// reach of hand-outs, to be given back to the bank.
const unconfirmedFor = 24 * time.Hour

// Activate implements [consent.Store].
func (s *Store) Activate(ctx context.Context, id consent.ID, a consent.Activation) error {
	k := keysOf(id)
	event, grantPurge := "granted", a.EndsAt
	if a.Renewal {
		event = "renewed"
	}
	if a.Status != consent.Valid {
		grantPurge = a.ConfirmUntil.Add(unconfirmedFor)
	}
	words := map[string]error{"NOTFOUND": consent.ErrNotFound, "CONFLICT": consent.ErrConflict}
	args := []any{
		a.Version, string(a.Status), millis(a.AuthorizedAt), millis(a.EndsAt), strings.Join(a.Granted, " "), a.TextVersion,
		a.Personal, a.ConfirmHash, millis(a.ConfirmUntil), a.Sealed.CommitID, a.Sealed.Access, a.Sealed.Refresh,
		millis(a.Sealed.AccessExpiry), millis(a.Sealed.IssuedAt), strings.Join(a.Sealed.Scopes, " "), event, string(id),
		s.purgeAt(a.EndsAt), millis(grantPurge), hex.EncodeToString(a.Person), hex.EncodeToString(a.Subject), flag(a.RevokeReplaced),
	}
	return s.change(ctx, "activate", words,
		[]string{k.consent(), k.grant(), k.timeline(), k.due(), k.aside(), k.refused()},
		append(args, scheduled(a.Work)...)...)
}

// Reject implements [consent.Store].
func (s *Store) Reject(ctx context.Context, id consent.ID, r consent.Rejection) error {
	k := keysOf(id)
	args := []any{string(r.Status), strings.Join(r.Granted, " "), string(r.Cause.Actor), r.Cause.Code, millis(r.At)}
	return s.change(ctx, "reject", notFound,
		[]string{k.consent(), k.timeline(), k.due()}, append(args, scheduled(r.Work)...)...)
}

// Confirm implements [consent.Store].
func (s *Store) Confirm(ctx context.Context, id consent.ID, c consent.Confirmation) error {
	k := keysOf(id)
	words := map[string]error{"NOTFOUND": consent.ErrNotFound, "NO": consent.ErrConfirmation}
	args := []any{c.Hash, millis(c.At), hex.EncodeToString(c.Person), hex.EncodeToString(c.Subject)}
	return s.change(ctx, "confirm", words,
		[]string{k.consent(), k.grant(), k.timeline(), k.due()}, append(args, scheduled(c.Work)...)...)
}

// Note implements [consent.Store].
func (s *Store) Note(ctx context.Context, id consent.ID, e consent.Entry) error {
	k := keysOf(id)
	o := consent.OriginOf(ctx)
	o = consent.Origin{RequestID: cmp.Or(e.RequestID, o.RequestID), Staff: cmp.Or(e.Staff, o.Staff), Reason: cmp.Or(e.Reason, o.Reason)}
	args := []any{millis(e.At), string(e.Actor), e.Event, e.Detail}
	return s.verdict(ctx, "note", notFound, []string{k.consent(), k.timeline()}, append(args, s.origin(o)...)...)
}

// Timeline implements [consent.Store].
func (s *Store) Timeline(ctx context.Context, id consent.ID, limit int) ([]consent.Entry, error) {
	lines, err := s.c.Client.XRevRangeN(ctx, keysOf(id).timeline(), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, unavailable("timeline", err)
	}
	out := make([]consent.Entry, 0, len(lines))
	for _, l := range slices.Backward(lines) {
		out = append(out, consent.Entry{At: instant(text(l, "at")), Actor: consent.Actor(text(l, "actor")),
			Event: text(l, "event"), Detail: text(l, "detail"),
			RequestID: text(l, "request"), Staff: text(l, "staff"), Reason: text(l, "reason")})
	}
	return out, nil
}

func text(m redis.XMessage, field string) string {
	v, _ := m.Values[field].(string)
	return v
}

// ByCustomer implements [consent.Store].
func (s *Store) ByCustomer(ctx context.Context, index []byte) ([]consent.ID, error) {
	k := keys{partition: hex.EncodeToString(index[:1])}
	return ids(s.c.Client.ZRevRange(ctx, k.customer(index), 0, -1).Result())
}

// partitions is how many hash tags there are.
const partitions = 256

// ByPerson implements [consent.Store]. One person's consents may lie in any
// partition; the search fans out in one pipeline.
func (s *Store) ByPerson(ctx context.Context, index []byte) ([]consent.ID, error) {
	pipe := s.c.Client.Pipeline()
	found := make([]*redis.ZSliceCmd, partitions)
	for p := range partitions {
		k := keys{partition: partition(p)}
		found[p] = pipe.ZRevRangeWithScores(ctx, k.person(index), 0, -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, unavailable("by person", err)
	}
	var all []redis.Z
	for _, f := range found {
		all = append(all, f.Val()...)
	}
	slices.SortFunc(all, func(a, b redis.Z) int { return int(b.Score - a.Score) })
	out := make([]consent.ID, 0, len(all))
	for _, z := range all {
		if id, ok := z.Member.(string); ok {
			out = append(out, consent.ID(id))
		}
	}
	return out, nil
}

func ids(members []string, err error) ([]consent.ID, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: by customer: %w", token.ErrStoreUnavailable, err)
	}
	out := make([]consent.ID, 0, len(members))
	for _, m := range members {
		out = append(out, consent.ID(m))
	}
	return out, nil
}
