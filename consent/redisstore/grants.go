package redisstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// Acquire implements [token.Store].
func (s *Store) Acquire(ctx context.Context, id string, seen int64, owner string, ttl time.Duration) (token.Lease, error) {
	k := keysOf(consent.ID(id))
	r, err := s.run(ctx, "acquire", []string{k.grant(), k.consent()}, seen, owner, ttl.Milliseconds()).StringSlice()
	if err != nil {
		return token.Lease{}, unavailable("acquire", err)
	}
	switch r[0] {
	case "GONE":
		return token.Lease{}, token.ErrNoGrant
	case "NEWER":
		return token.Lease{}, token.ErrNewer
	case "BUSY", "RESTING":
		return token.Lease{}, &token.BusyError{
			RetryAfter: time.Duration(number(r[1])) * time.Millisecond, Failed: r[0] == "RESTING",
		}
	}
	return token.Lease{
		Number: number(r[1]), Owner: owner, Version: number(r[2]), Unsure: r[3] == "1", Bank: r[4],
		Sealed: token.Sealed{CommitID: r[5], Access: []byte(r[6]), Refresh: []byte(r[7]),
			AccessExpiry: instant(r[8]), IssuedAt: instant(r[9]), Scopes: strings.Fields(r[10])},
	}, nil
}

// Commit implements [token.Store].
func (s *Store) Commit(ctx context.Context, id string, l token.Lease, g token.Sealed) error {
	words := map[string]error{"GONE": token.ErrNoGrant, "FENCED": token.ErrFenced}
	k := keysOf(consent.ID(id))
	return s.verdict(ctx, "commit", words, []string{k.grant(), k.consent()},
		l.Number, g.CommitID, g.Access, g.Refresh, millis(g.AccessExpiry), millis(g.IssuedAt), strings.Join(g.Scopes, " "))
}

// Release implements [token.Store].
func (s *Store) Release(ctx context.Context, id string, l token.Lease, known bool, rest time.Duration, at time.Time) error {
	k := keysOf(consent.ID(id))
	return s.verdict(ctx, "release", nil, []string{k.grant(), k.consent()}, l.Number, flag(known), rest.Milliseconds(), millis(at))
}

// MarkDead implements [token.Store].
func (s *Store) MarkDead(ctx context.Context, id string, l token.Lease, cause error, at time.Time) error {
	words := map[string]error{"GONE": token.ErrNoGrant, "NEWER": token.ErrNewer}
	k := keysOf(consent.ID(id))
	return s.change(ctx, "markdead", words, []string{k.grant(), k.consent(), k.timeline(), k.due(), k.refused()},
		l.Number, l.Version, causeCode(cause), millis(at), id, flag(causeCode(cause) != consent.CauseWrongPerson),
		millis(at.Add(refusedFor)), millis(at.Add(refusalKnown)))
}

// causeCode is the domain's word for why a bank's refusal ended a consent.
func causeCode(cause error) string {
	switch {
	case errors.Is(cause, token.ErrLost):
		return consent.CauseLost
	case errors.Is(cause, token.ErrAnswerRejected):
		return consent.CauseWrongPerson
	}
	return consent.CauseRefused
}
