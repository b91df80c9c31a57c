package consent

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/consentd/consentd/token"
)

// TokenRequest is an app asking for an access token.
type TokenRequest struct {
	RequestID   string
	MinTTL      time.Duration // 0: the service's minimum
	NeededUntil time.Time     // zero: no matter
	Scopes      []string      // empty: no matter
}

// HandedOut is an access token with both its clocks.
type HandedOut struct {
	Access   token.Access
	Bank     string
	EndsAt   time.Time
	DaysLeft int
}

// How a caller waits for a refresh that runs elsewhere.
const (
	waitLeast  = 30 * time.Millisecond
	waitSpread = 120 * time.Millisecond
)

// storeRest is what callers are told while the store does not answer.
const storeRest = 2 * time.Second

// Token hands out a valid access token: in one round trip to the store when
// it is fresh, after one refresh when it is not. Every error is a *[Refusal].
func (s *Service) Token(ctx context.Context, app App, id ID, r TokenRequest) (HandedOut, error) {
	req := HandOutRequest{ID: id, App: app.ID, RequestID: r.RequestID, MinTTL: max(r.MinTTL, s.c.MinTTL),
		NeededUntil: r.NeededUntil, Scopes: r.Scopes}
	for refreshed := int64(0); ; {
		req.Now = s.c.Now().UTC()
		h, err := s.c.Store.HandOut(ctx, req)
		if err != nil {
			return HandedOut{}, s.deny(ctx, req, h, err)
		}
		switch h.Outcome {
		case OutcomeAllowed:
			return s.handOut(ctx, req, h)
		case OutcomeStale:
			if refreshed != 0 && h.Generation != refreshed { // a fresh one does not live that long either
				return HandedOut{}, s.deny(ctx, req, h, &Refusal{Err: ErrLifetime, Longest: h.Sealed.Lifetime()})
			}
			refreshed = h.Generation
			if err := s.refresh(ctx, req, h); err != nil {
				return HandedOut{}, s.deny(ctx, req, h, err)
			}
		default:
			return HandedOut{}, s.refusal(ctx, req, h, outcomeError(h))
		}
	}
}

// handOut opens the token that the store has put on record.
func (s *Service) handOut(ctx context.Context, req HandOutRequest, h HandOut) (HandedOut, error) {
	a, err := s.c.Vault.Open(h.Bank, string(req.ID), h.Sealed)
	if err != nil {
		return HandedOut{}, s.deny(ctx, req, h, err)
	}
	if !h.Resting && h.Sealed.AccessExpiry.Sub(req.Now) < s.ahead(req.ID, h.Sealed.Lifetime()) {
		s.work.Go(func() { _ = s.c.Vault.Refresh(context.Background(), string(req.ID), h.Generation) })
	}
	const day = 24 * time.Hour
	return HandedOut{Access: a, Bank: h.Bank, EndsAt: h.EndsAt, DaysLeft: int((h.EndsAt.Sub(req.Now) + day - 1) / day)}, nil
}

// ahead is how long before its expiry a token is refreshed: about a quarter of
// its life at most, spread by a quarter up and down, so that tokens issued
// together are not refreshed together.
func (s *Service) ahead(id ID, life time.Duration) time.Duration {
	window := min(s.c.Ahead, life/4)
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return window*3/4 + time.Duration(h.Sum32()%1000)*window/2000
}

// refresh returns nil when it is worth asking the store again.
func (s *Service) refresh(ctx context.Context, req HandOutRequest, h HandOut) error {
	if life := h.Sealed.Lifetime(); req.MinTTL >= life && req.Now.Before(h.Sealed.AccessExpiry) {
		return &Refusal{Err: ErrLifetime, Longest: life}
	}
	err := s.c.Vault.Refresh(ctx, string(req.ID), h.Generation)
	if ended(err) {
		return nil
	}
	busy, ok := errors.AsType[*token.BusyError](err)
	if !ok || busy.Failed {
		return err
	}
	t := time.NewTimer(waitLeast + rand.N(waitSpread))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return busy
	}
}

// ended reports whether a refresh found or made the consent ended: the record
// then says why.
func ended(err error) bool {
	return errors.Is(err, token.ErrNoGrant) || errors.Is(err, token.ErrRefused) ||
		errors.Is(err, token.ErrLost) || errors.Is(err, token.ErrAnswerRejected)
}

// outcomeError says in the domain's terms why the store refused.
func outcomeError(h HandOut) error {
	switch h.Outcome {
	case OutcomeNotFound:
		return ErrNotFound
	case OutcomePending:
		return ErrPending
	case OutcomeUnconfirmed:
		return ErrUnconfirmed
	case OutcomeRejected:
		return ErrRejected
	case OutcomeExpired:
		return ErrExpired
	case OutcomeRevoked:
		return ErrRevoked
	case OutcomeScope:
		return ErrInsufficientScope
	}
	return ErrRenewalRequired
}

// deny records a hand-out that failed on its way, and says why.
func (s *Service) deny(ctx context.Context, req HandOutRequest, h HandOut, failure error) error {
	why, err := OutcomeBank, error(nil)
	refusal, isRefusal := errors.AsType[*Refusal](failure)
	switch {
	case isRefusal:
		why, err = OutcomeLifetime, refusal.Err
	case errors.Is(failure, token.ErrStoreUnavailable), errors.Is(failure, token.ErrClosed):
		return &Refusal{Err: token.ErrStoreUnavailable, RetryAfter: storeRest, Why: failure}
	case errors.Is(failure, token.ErrNoRefreshToken):
		why, err = OutcomeRenewal, ErrRenewalRequired
	case errors.Is(failure, token.ErrSealBroken):
		why, err = OutcomeInternal, failure
		s.c.Log.ErrorContext(ctx, "stored grant does not open", slog.String("consent", string(req.ID)))
	default:
		err = ErrBankUnavailable
	}
	ctx = context.WithoutCancel(ctx)
	if lost := s.c.Store.RecordDenied(ctx, req, why); lost != nil {
		s.c.Log.WarnContext(ctx, "denied hand-out not on record", slog.String("consent", string(req.ID)), slog.Any("error", lost))
	}
	if isRefusal {
		return refusal
	}
	h.Outcome = why
	out := s.refusal(ctx, req, h, err)
	out.Why = failure
	if errors.Is(err, ErrBankUnavailable) {
		out.RetryAfter = retryAfter(failure)
	}
	return out
}

// Denied puts on record, with a consent's hand-outs, that its app tried what it
// may not do at all. Of another app's consent there is nothing to record.
func (s *Service) Denied(ctx context.Context, app App, id ID, requestID string) error {
	if _, err := s.Consent(ctx, app, id); err != nil {
		return err
	}
	return s.c.Store.RecordDenied(ctx, HandOutRequest{ID: id, App: app.ID, RequestID: requestID, Now: s.c.Now().UTC()}, OutcomeOperation)
}

// refusal says what the app should do next.
func (s *Service) refusal(ctx context.Context, req HandOutRequest, h HandOut, err error) *Refusal {
	s.c.Log.InfoContext(ctx, "hand-out denied", slog.String("consent", string(req.ID)), slog.String("app", req.App),
		slog.String("request", req.RequestID), slog.String("outcome", string(h.Outcome)))
	r := &Refusal{Err: err, EndsAt: h.EndsAt, Cause: Consent{Status: h.Status, Cause: h.Cause, EndsAt: h.EndsAt}.CauseAt(req.Now)}
	if errors.Is(err, ErrInsufficientScope) {
		r.Missing = missing(req.Scopes, h.Granted)
		if bank, ok := s.banks[h.Bank]; ok && h.Status == PartiallyAuthorised {
			r.Missing = missing(bank.Required, h.Granted)
		}
	}
	c := Consent{Status: h.Status}
	leadsToBank := errors.Is(err, ErrExpired) || errors.Is(err, ErrRenewalRequired) || errors.Is(err, ErrRevoked) ||
		errors.Is(err, ErrPending) || errors.Is(err, ErrRejected) || h.Status == PartiallyAuthorised
	if leadsToBank && c.Renewable() {
		if link, err := s.newLink(ctx, req.ID); err == nil {
			r.Renewal = &link
		}
	}
	return r
}

// retryAfter is what the bank asked for, or what the lease still runs.
func retryAfter(failure error) time.Duration {
	if e, ok := errors.AsType[*token.BusyError](failure); ok {
		return max(e.RetryAfter, time.Second)
	}
	if e, ok := errors.AsType[*token.BankError](failure); ok {
		return max(e.RetryAfter, time.Second)
	}
	return storeRest
}
