package consent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/consentd/consentd/token"
)

// Stop ends a consent on somebody's wish: the customer's, the app's or
// staff's. When it returns, no replica hands out its token any more and the
// secret is out of reach; the bank is told in the background, until it has
// confirmed or has no way to. code says why in one word. Stopping what was
// stopped returns it as it is.
func (s *Service) Stop(ctx context.Context, id ID, who Actor, code string) (Consent, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return Consent{}, err
	}
	now := s.c.Now().UTC()
	status := TerminatedByTpp
	if who == ByCustomer {
		status = RevokedByPsu
	}
	err = s.c.Store.End(ctx, id, End{
		Status: status, Cause: Cause{Actor: who, Code: code}, At: now,
		ForgetBy: now.Add(tellBankFor + day), Work: s.over(id, ToldStopped, c.Term, now),
	})
	if err != nil {
		return Consent{}, err
	}
	s.c.Log.InfoContext(ctx, "consent stopped", slog.String("consent", string(id)),
		slog.String("by", string(who)), slog.String("code", shorten(code)))
	s.wake()
	return s.c.Store.Consent(ctx, id)
}

// StopByApp ends one of the app's own consents.
func (s *Service) StopByApp(ctx context.Context, app App, id ID) (Consent, error) {
	if _, err := s.Consent(ctx, app, id); err != nil {
		return Consent{}, err
	}
	return s.Stop(ctx, id, ByApp, CauseStopped)
}

// CauseStopped is the code of an end that the customer or the app wished.
const CauseStopped = "stopped"

// tellBankFor is how long a bank is told that a grant is over before we give
// up.
const tellBankFor = 7 * day

// tellBank revokes at the bank a grant that was put aside. Until the bank has
// answered it is tried again; the customer can always withdraw there.
func (s *Service) tellBank(ctx context.Context, t Task) (time.Time, error) {
	bank, sealed, err := s.c.Store.Aside(ctx, t.ID, t.Arg)
	if errors.Is(err, token.ErrNoGrant) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	now := s.c.Now().UTC()
	outcome, failure := s.c.Vault.Discard(bank, string(t.ID), sealed)
	if failure == nil {
		return time.Time{}, s.c.Store.Told(ctx, t, outcome, now)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime) // the bank may have used up the task's time
	defer cancel()
	tries, since, err := s.c.Store.Tried(ctx, t, now)
	if err != nil {
		return time.Time{}, err
	}
	final := errors.Is(failure, token.ErrSealBroken) || errors.Is(failure, token.ErrRefused) || now.Sub(since) > tellBankFor
	s.c.Log.WarnContext(ctx, "bank not told yet that a grant is over", slog.String("consent", string(t.ID)),
		slog.Int("attempt", tries), slog.Bool("given_up", final), slog.Any("error", failure))
	if final {
		return time.Time{}, s.c.Store.Told(ctx, t, token.RevocationFailed, now)
	}
	return now.Add(attempts[min(tries, len(attempts))-1]), nil
}

// Reported is what came of an app's report.
type Reported string

// The answers to a report.
const (
	ReportedBusiness Reported = "not-about-the-token" // repeat nothing: the bank refuses this call
	ReportedAlive    Reported = "token-replaced"      // fetch the token again and repeat the call once
	ReportedEnded    Reported = "consent-ended"       // send the customer to the bank
	ReportedUnknown  Reported = "unknown"             // the bank did not say; try later
)

// Report takes an app's word that the bank's API answered 401 or 403 with an
// error code, and finds out what it means: by the code, where it is not about
// the token, and otherwise by asking the bank for a fresh one.
func (s *Service) Report(ctx context.Context, app App, id ID, code string) (Reported, error) {
	c, err := s.Consent(ctx, app, id)
	if err != nil {
		return "", err
	}
	for _, business := range s.banks[c.Bank].BusinessCodes {
		if code == business {
			return ReportedBusiness, nil
		}
	}
	s.note(ctx, id, ByApp, "reported", shorten(code))
	r, err := s.verify(ctx, c)
	if err != nil || r != ReportedEnded {
		return r, err
	}
	return r, s.c.Store.Heard(ctx, id)
}

// verify asks the bank for a fresh token, which only a live grant gives.
func (s *Service) verify(ctx context.Context, c Consent) (Reported, error) {
	if c.StatusAt(s.c.Now()) != Valid {
		return ReportedEnded, nil
	}
	l, err := s.c.Store.Newest(ctx, c.ID)
	if errors.Is(err, token.ErrNoGrant) {
		return ReportedEnded, nil
	}
	if err != nil {
		return "", err
	}
	err = s.c.Vault.Refresh(ctx, string(c.ID), l.Generation)
	switch {
	case err == nil:
		return ReportedAlive, nil
	case ended(err):
		return ReportedEnded, nil
	case errors.Is(err, token.ErrStoreUnavailable):
		return "", err
	}
	return ReportedUnknown, nil
}

// probe asks the bank whether an idle consent's grant still stands, so that a
// withdrawal in the online bank is seen before a payment fails.
func (s *Service) probe(ctx context.Context, t Task) (time.Time, error) {
	c, err := s.c.Store.Consent(ctx, t.ID)
	now := s.c.Now().UTC()
	if err != nil || c.StatusAt(now) != Valid || (s.c.Life.ProbeAfter == 0 && t.Arg == "") {
		return time.Time{}, err
	}
	l, err := s.c.Store.Newest(ctx, t.ID)
	if errors.Is(err, token.ErrNoGrant) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	if due := l.IssuedAt.Add(s.c.Life.ProbeAfter); t.Arg == "" && now.Before(due) {
		return due, nil
	}
	within, err := s.c.Store.Spend(ctx, c.Bank, now, s.c.Life.ProbesPerMinute)
	if err != nil {
		return time.Time{}, err
	}
	if !within {
		return now.Truncate(time.Minute).Add(time.Minute), nil
	}
	return s.probed(ctx, c, t, now)
}

func (s *Service) probed(ctx context.Context, c Consent, t Task, now time.Time) (time.Time, error) {
	switch r, err := s.verify(ctx, c); {
	case err != nil:
		return time.Time{}, err
	case r == ReportedUnknown:
		return now.Add(probeAgain), nil
	case r == ReportedEnded, t.Arg != "":
		return time.Time{}, nil
	}
	return now.Add(s.c.Life.ProbeAfter), nil
}

// probeOnce is the Arg of a probe that somebody asked for.
const probeOnce = "asked"

// ProbeAll makes every valid consent at a bank due to be probed, within the
// bank's budget: after an outage, during which withdrawals went unseen. It
// reads all that is stored, and says how many consents it made due.
func (s *Service) ProbeAll(ctx context.Context, bank string) (int, error) {
	now := s.c.Now().UTC()
	live, err := s.c.Store.DueBy(ctx, TaskExpire, now.AddDate(100, 0, 0))
	if err != nil {
		return 0, err
	}
	due := 0
	for _, t := range live {
		c, err := s.c.Store.Consent(ctx, t.ID)
		if errors.Is(err, ErrNotFound) || (err == nil && (c.Bank != bank || c.StatusAt(now) != Valid)) {
			continue
		}
		if err != nil {
			return due, err
		}
		when := now.Add(time.Duration(due/s.c.Life.ProbesPerMinute) * time.Minute) // as fast as the budget allows
		work := Work{Add: []Task{{Kind: TaskProbe, ID: t.ID, Arg: probeOnce, Due: when}}}
		if err := s.c.Store.Schedule(ctx, t.ID, work); err != nil {
			return due, err
		}
		due++
	}
	return due, nil
}

// probeAgain is when a bank that did not answer a probe is asked again.
const probeAgain = 15 * time.Minute
