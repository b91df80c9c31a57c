package consent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/consentd/consentd/token"
)

// Arrival is a browser that comes back from a bank.
type Arrival struct {
	Bank    string // whose callback address it came to
	Browser token.Secret
	State   token.Secret
	Code    token.Secret
	Issuer  string // the iss parameter (RFC 9207); empty when absent
	Error   string // the bank's error code; empty when it gave a code
}

// Ending is what came of a trip to the bank, in one word.
type Ending string

// The endings.
const (
	EndConnected   Ending = "connected"    // the consent is valid
	EndRenewed     Ending = "renewed"      // it was valid and has a new end date
	EndUnconfirmed Ending = "unconfirmed"  // granted; the app has to confirm
	EndCancelled   Ending = "cancelled"    // the customer said no at the bank
	EndLeftOut     Ending = "left_out"     // a required permission was unticked
	EndWrongPerson Ending = "wrong_person" // somebody else than expected
	EndNoIdentity  Ending = "no_identity"  // the bank did not say who
	EndCompany     Ending = "company"      // a company, at a bank for individuals
	EndBankDown    Ending = "bank_down"    // the bank did not answer usefully
	EndFailed      Ending = "failed"       // the bank's answer did not hold
	EndUnknown     Ending = "unknown"      // not there yet: the trip is being concluded
)

// Return takes a browser that came back through everything up to a stored
// grant, and returns the reference of its result page, which is no secret
// and worth nothing without the browser's cookie.
//
// It makes no call to the bank, and leaves the trip as it is, unless the
// state is known, fresh, and this browser's, and issuer and bank are the
// trip's. Its errors are then [ErrFlowGone], [ErrForeignBrowser] and
// [ErrForgedReturn]. A second return of the same trip leads to the result of
// the first. [token.ErrStoreUnavailable] before the trip was taken loses
// nothing: the same address can be loaded again.
func (s *Service) Return(ctx context.Context, a Arrival) (ref string, err error) {
	ref = hashOf(a.State)
	flow, err := s.checkReturn(ctx, ref, a)
	if errors.Is(err, ErrFlowTaken) {
		return ref, nil
	}
	if err != nil {
		return "", err
	}
	// From here on the code is being spent: the customer closing the window
	// must not stop it, and a store that is away is waited for longer than a
	// customer waits.
	concluded := make(chan error, 1)
	running := WithOrigin(s.running, OriginOf(ctx))
	s.work.Go(func() { concluded <- s.take(running, ref, flow, a) })
	t := time.NewTimer(returnWait)
	defer t.Stop()
	select {
	case err := <-concluded:
		return ref, err
	case <-t.C:
		return ref, nil
	case <-ctx.Done():
		return ref, nil
	}
}

// returnWait is how long a customer waits for the end of a trip before being
// shown that it is being concluded.
const returnWait = 30 * time.Second

// take takes the trip, once, and concludes it.
func (s *Service) take(ctx context.Context, ref string, flow flowBox, a Arrival) error {
	taker := newSecret().Reveal()
	err := s.insist(ctx, func() error { return s.c.Store.TakeFlow(ctx, ref, taker) })
	if errors.Is(err, ErrFlowTaken) {
		return nil
	}
	if err != nil {
		return err
	}
	result, err := s.conclude(ctx, flow, a)
	if err != nil {
		return err
	}
	result.Browser = flow.Browser
	s.c.Log.InfoContext(ctx, "customer back from the bank", slog.String("consent", string(flow.Consent)),
		slog.String("bank", flow.Bank), slog.String("ending", string(result.Ending)))
	return s.putResult(ctx, ref, result)
}

// checkReturn decides whether an arrival belongs to a trip of this browser.
func (s *Service) checkReturn(ctx context.Context, ref string, a Arrival) (flowBox, error) {
	if a.State == "" {
		return flowBox{}, ErrFlowGone
	}
	record, err := s.c.Store.Flow(ctx, ref)
	if err != nil {
		return flowBox{}, err
	}
	r, err := s.openResult(ref, record)
	if err != nil {
		return flowBox{}, err
	}
	switch {
	case !isBrowser(a.Browser, r.Browser):
		s.c.Log.WarnContext(ctx, "return from the bank in another browser", slog.String("consent", string(r.Consent)))
		return flowBox{}, ErrForeignBrowser
	case record.Taken:
		return flowBox{}, ErrFlowTaken
	}
	var f flowBox
	if err := s.openFlow("flow", ref, record.Box, &f); err != nil {
		return flowBox{}, err
	}
	switch {
	case !s.c.Now().Before(f.Until):
		return flowBox{}, ErrFlowGone
	case a.Bank != f.Bank, (a.Code == "") == (a.Error == ""):
		return flowBox{}, ErrForgedReturn
	}
	if err := s.c.Vault.CheckIssuer(f.Bank, a.Issuer); err != nil {
		s.c.Log.WarnContext(ctx, "return with another issuer", slog.String("consent", string(f.Consent)), slog.String("bank", f.Bank))
		return flowBox{}, ErrForgedReturn
	}
	return f, nil
}

// isBrowser reports whether a cookie's secret is the one whose hash was kept.
func isBrowser(secret token.Secret, hash string) bool {
	return secret != "" && token.Secret(hashOf(secret)).Equal(token.Secret(hash))
}

// conclude exchanges the code and stores what follows from it. Its error is
// the store's, of which it is not known what it did.
func (s *Service) conclude(ctx context.Context, f flowBox, a Arrival) (resultBox, error) {
	if f.SignIn {
		return s.concludeSignIn(ctx, f, a)
	}
	if a.Error != "" {
		return s.turnedBack(ctx, f, a.Error), nil
	}
	got, err := s.c.Vault.Redeem(f.Bank, string(f.Consent), f.redemption(a))
	switch {
	case bankTrouble(err):
		level := slog.LevelWarn
		if errors.Is(err, token.ErrMisconfigured) {
			level = slog.LevelError // no customer can connect until it is put right
		}
		s.c.Log.Log(ctx, level, "code could not be exchanged", slog.String("consent", string(f.Consent)), slog.Any("error", err))
		s.note(ctx, f.Consent, ByBank, "failed", string(EndBankDown))
		return resultBox{Consent: f.Consent, Ending: EndBankDown}, nil
	case err != nil:
		s.c.Log.ErrorContext(ctx, "bank's answer to a code did not hold", slog.String("consent", string(f.Consent)), slog.Any("error", err))
		s.note(ctx, f.Consent, ByBank, "failed", string(EndFailed))
		return resultBox{Consent: f.Consent, Ending: EndFailed}, nil
	}
	result, err := s.accept(ctx, f, got)
	switch {
	case errors.Is(err, token.ErrStoreUnavailable): // it may be stored: giving it back could end a live grant
		s.c.Log.ErrorContext(ctx, "unknown whether a grant was stored", slog.String("consent", string(f.Consent)), slog.Any("error", err))
		return resultBox{}, err
	case err != nil:
		s.c.Log.ErrorContext(ctx, "grant could not be stored", slog.String("consent", string(f.Consent)), slog.Any("error", err))
		s.discard(ctx, f, got)
		return resultBox{Consent: f.Consent, Ending: EndFailed}, nil
	}
	return result, nil
}

// turnedBack handles an error answer of the bank (RFC 6749 section 4.1.2.1).
func (s *Service) turnedBack(ctx context.Context, f flowBox, code string) resultBox {
	switch code {
	case "access_denied":
		s.reject(ctx, f, Rejected, nil, Cause{Actor: ByCustomer, Code: CauseCancelled})
		return resultBox{Consent: f.Consent, Ending: EndCancelled}
	case "server_error", "temporarily_unavailable":
		s.note(ctx, f.Consent, ByBank, "failed", code)
		return resultBox{Consent: f.Consent, Ending: EndBankDown}
	}
	s.c.Log.ErrorContext(ctx, "bank refused the authorization request", slog.String("bank", f.Bank), slog.String("code", shorten(code)))
	s.note(ctx, f.Consent, ByBank, "failed", string(EndFailed))
	return resultBox{Consent: f.Consent, Ending: EndFailed}
}

// note writes to the timeline. A line that cannot be written is not worth
// failing a customer for.
func (s *Service) note(ctx context.Context, id ID, who Actor, event, detail string) {
	err := s.c.Store.Note(ctx, id, Entry{At: s.c.Now().UTC(), Actor: who, Event: event, Detail: detail})
	if err != nil {
		s.c.Log.WarnContext(ctx, "timeline entry lost", slog.String("consent", string(id)), slog.Any("error", err))
	}
}

// shorten cuts what a bank sent, for a log.
func shorten(s string) string { return s[:min(len(s), 64)] }
