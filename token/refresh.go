package token

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"
)

// How long a bank is left alone after a refresh that brought nothing.
const (
	restAfterFailure = 5 * time.Second
	restIncident     = time.Minute
	restAlarm        = 30 * time.Second // our registration is refused: asking often helps nobody
)

// lastCommit is what an ending process has for storing what a bank answered.
const lastCommit = 3 * time.Second

// storeRetryFirst and storeRetryMost pace the repetition of a commit.
const (
	storeRetryFirst = 50 * time.Millisecond
	storeRetryMost  = 2 * time.Second
)

// Refresh sees to it that the consent's grant has a newer generation than
// seen, by refreshing it or by finding that somebody else has. It returns nil
// when one is stored: read again. Otherwise it returns an error wrapping
// [ErrNoGrant], [ErrRefused] or [ErrLost] (the consent was ended),
// [ErrMisconfigured], [ErrStoreUnavailable], or a *[BusyError] or *[BankError]
// with the time after which to ask again.
//
// When ctx ends, Refresh returns and the refresh goes on.
func (v *Vault) Refresh(ctx context.Context, id string, seen int64) error {
	flight := v.flights.DoChan(id, func() (any, error) {
		if !v.begin() {
			return nil, ErrClosed
		}
		defer v.running.Done()
		return nil, v.refreshOnce(v.life, id, seen)
	})
	select {
	case r := <-flight:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refreshOnce is one flight. Its bank deadline starts before the lease is
// asked for, so that a pause in between shortens the call, not the margin.
func (v *Vault) refreshOnce(ctx context.Context, id string, seen int64) error {
	bankCtx, cancel := context.WithTimeout(ctx, v.c.BankDeadline)
	defer cancel()
	var l Lease
	owner := rand.Text()
	err := insist(bankCtx, func() (err error) {
		l, err = v.c.Store.Acquire(bankCtx, id, seen, owner, v.c.Lease)
		return err
	})
	if errors.Is(err, ErrNewer) {
		return nil
	}
	if err != nil {
		return err
	}
	log := v.c.Log.With(slog.String("consent", id), slog.String("bank", l.Bank), slog.Int64("lease", l.Number))
	b, err := v.bank(l.Bank)
	if err != nil {
		return v.release(ctx, id, l, concluded, restAlarm, err)
	}
	refresh, who, err := v.openForRefresh(id, l)
	if err != nil {
		return v.release(ctx, id, l, concluded, 0, err)
	}
	if !v.enter(bankCtx, l.Bank) {
		return v.release(ctx, id, l, concluded, restAfterFailure, &BusyError{RetryAfter: restAfterFailure, Failed: true})
	}
	g, err := b.Bank.Refresh(bankCtx, refresh, l.Sealed.Scopes, who)
	v.leave(l.Bank)
	if err != nil {
		return v.conclude(ctx, log, b, id, l, err)
	}
	if g.Refresh == "" {
		g.Refresh = refresh
	}
	return v.keep(ctx, log, b, id, l, g, who)
}

// openForRefresh opens the refresh token. A grant without one cannot be
// refreshed, which is the same to its caller as a grant that is over.
func (v *Vault) openForRefresh(id string, l Lease) (Secret, Identity, error) {
	if len(l.Sealed.Refresh) == 0 {
		return "", Identity{}, ErrNoRefreshToken
	}
	return v.c.Keys.openRefresh(l.Bank, id, l.Sealed)
}

// enter waits for a place at the bank, as long as the bank then has most of
// its deadline left to answer in: a refresh cut short may lose a grant.
func (v *Vault) enter(bankCtx context.Context, bank string) bool {
	deadline, _ := bankCtx.Deadline()
	ctx, cancel := context.WithDeadline(bankCtx, deadline.Add(-v.c.BankDeadline*3/4))
	defer cancel()
	select {
	case v.inBank[bank] <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (v *Vault) leave(bank string) { <-v.inBank[bank] }

// keep stores what the bank answered. Nobody sees the new access token
// before the store has it.
func (v *Vault) keep(ctx context.Context, log *slog.Logger, b BankEntry, id string, l Lease, g Grant, who Identity) error {
	s, err := v.c.Keys.sealGrant(l.Bank, id, rand.Text(), g, who)
	if err == nil {
		err = insist(ctx, func() error { return v.c.Store.Commit(ctx, id, l, s) })
	}
	if errors.Is(err, ErrStoreUnavailable) { // the process is ending: once more, on time of its own
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCommit)
		defer cancel()
		err = v.c.Store.Commit(last, id, l, s)
	}
	switch {
	case err == nil:
		log.InfoContext(ctx, "grant refreshed", slog.Time("access_expiry", g.AccessExpiry), slog.Bool("after_doubt", l.Unsure))
		return nil
	case errors.Is(err, ErrNoGrant):
		v.undo(ctx, log, b, id, l.Bank, s, g)
		return err
	case errors.Is(err, ErrFenced):
		log.WarnContext(ctx, "refresh was overtaken by a later lease; its result is dropped")
		return nil
	}
	log.ErrorContext(ctx, "refreshed grant could not be stored", slog.Any("error", err))
	return err
}

// undo revokes tokens that came back for a consent that has ended, or leaves
// it to be done again.
func (v *Vault) undo(ctx context.Context, log *slog.Logger, b BankEntry, id, bank string, s Sealed, g Grant) {
	bankCtx, cancel := context.WithTimeout(ctx, v.c.BankDeadline)
	defer cancel()
	_, err := b.Bank.Revoke(bankCtx, g)
	if err == nil {
		log.InfoContext(ctx, "consent ended during its refresh; the new tokens are revoked")
		return
	}
	kept := v.c.Store.PutAside(ctx, id, bank, s, v.c.Now())
	log.WarnContext(ctx, "consent ended during its refresh; the new tokens are still to be revoked",
		slog.Any("error", err), slog.Any("kept", kept))
}

// concluded and doubtful say whether it is known what the bank did.
const (
	concluded = true
	doubtful  = false
)

// conclude draws the consequence of a bank's failure.
func (v *Vault) conclude(ctx context.Context, log *slog.Logger, b BankEntry, id string, l Lease, failure error) error {
	switch {
	case errors.Is(failure, ErrRefused), errors.Is(failure, ErrAnswerRejected):
		return v.bury(ctx, log, id, l, failure)
	case errors.Is(failure, ErrMisconfigured):
		log.ErrorContext(ctx, "bank refuses our registration; no consent is touched", slog.Any("error", failure))
		return v.release(ctx, id, l, concluded, restAlarm, failure)
	case errors.Is(failure, ErrNotDone), b.Rotation == RotationNone:
		log.WarnContext(ctx, "refresh failed", slog.Any("error", failure))
		return v.release(ctx, id, l, concluded, rest(failure), failure)
	case b.Rotation == RotationGrace:
		log.WarnContext(ctx, "refresh outcome unknown; tried again within the bank's grace", slog.Any("error", failure))
		return v.release(ctx, id, l, doubtful, rest(failure), failure)
	}
	log.WarnContext(ctx, "refresh outcome unknown; the bank is left alone for the lease", slog.Any("error", failure))
	return v.release(ctx, id, l, doubtful, max(v.c.Lease, rest(failure)), failure)
}

// bury ends the consent, unless a newer generation proves the refusal stale.
func (v *Vault) bury(ctx context.Context, log *slog.Logger, id string, l Lease, refusal error) error {
	cause := ErrRefused
	switch {
	case errors.Is(refusal, ErrAnswerRejected):
		cause = ErrAnswerRejected
	case l.Unsure:
		cause = ErrLost
	}
	ctx, cancel := context.WithTimeout(ctx, v.c.Lease)
	defer cancel()
	var incident bool
	err := insist(ctx, func() (err error) {
		incident, err = v.c.Store.Refused(ctx, l.Bank, id, v.c.Now())
		return err
	})
	if err != nil {
		return err
	}
	if incident {
		log.ErrorContext(ctx, "bank refuses many grants at once; none of its refusals is believed", slog.Any("error", refusal))
		return v.release(ctx, id, l, concluded, restIncident, &BusyError{RetryAfter: restIncident, Failed: true})
	}
	err = insist(ctx, func() error { return v.c.Store.MarkDead(ctx, id, l, cause, v.c.Now()) })
	switch {
	case errors.Is(err, ErrNewer):
		log.InfoContext(ctx, "refusal of an older generation ignored")
		return nil
	case err != nil:
		return err
	}
	log.InfoContext(ctx, "bank refuses the grant; consent ended", slog.Any("cause", cause), slog.Any("error", refusal))
	return cause
}

// release gives the lease back and tells the caller when to come again.
func (v *Vault) release(ctx context.Context, id string, l Lease, known bool, rest time.Duration, failure error) error {
	ctx, cancel := context.WithTimeout(ctx, v.c.Lease)
	defer cancel()
	at := v.c.Now()
	err := insist(ctx, func() error { return v.c.Store.Release(ctx, id, l, known, rest, at) })
	return errors.Join(retryLater(failure, rest), err)
}

// insist repeats a write until the store has answered it, or ctx ends. The
// write carries its own idempotency id.
func insist(ctx context.Context, write func() error) error {
	pause := storeRetryFirst
	for {
		err := write()
		if !errors.Is(err, ErrStoreUnavailable) {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
		pause = min(2*pause, storeRetryMost)
	}
}

// rest is how long the bank asked to be left alone, or our own pause.
func rest(failure error) time.Duration {
	if e, ok := errors.AsType[*BankError](failure); ok && e.RetryAfter > restAfterFailure {
		return min(e.RetryAfter, time.Hour)
	}
	return restAfterFailure
}

// retryLater notes in a bank's error when to ask again.
func retryLater(failure error, after time.Duration) error {
	if e, ok := errors.AsType[*BankError](failure); ok {
		e.RetryAfter = max(e.RetryAfter, after)
	}
	return failure
}
