package consent

import (
	"context"
	"errors"
	"log/slog"

	"github.com/consentd/consentd/token"
)

// accept decides on a redeemed grant and stores it. A record that changed
// between reading and writing is decided on again.
func (s *Service) accept(ctx context.Context, f flowBox, got token.Redeemed) (resultBox, error) {
	for {
		var c Consent
		err := s.insist(ctx, func() (err error) { c, err = s.c.Store.Consent(ctx, f.Consent); return err })
		if err != nil {
			return resultBox{}, err
		}
		if !c.Renewable() {
			return resultBox{}, ErrRevoked
		}
		p, err := s.person(c)
		if err != nil {
			return resultBox{}, err
		}
		if !c.ConfirmUntil.IsZero() {
			p = p.unconfirmed()
		}
		if r, refused := s.refuse(ctx, f, p, got); refused {
			return r, nil
		}
		r, err := s.activate(ctx, f, c, p, got)
		if !errors.Is(err, ErrConflict) {
			return r, err
		}
	}
}

// refuse turns away the wrong person, a company, and too few permissions,
// and gives the bank its grant back. A valid consent stays as it was.
func (s *Service) refuse(ctx context.Context, f flowBox, p Person, got token.Redeemed) (resultBox, bool) {
	bank := s.banks[f.Bank]
	to, why, ending := Rejected, Cause{Actor: ByCustomer}, EndWrongPerson
	got.Identity.NationalID = bank.NationalID.canonical(got.Identity.NationalID)
	id := got.Identity.NationalID
	left := missing(bank.Required, got.Scopes)
	switch {
	case p.Expected != "" && id == "":
		why, ending = Cause{Actor: ByBank, Code: CauseNoIdentity}, EndNoIdentity
	case p.Expected != "" && !p.Expected.Equal(id), p.Known() && !p.Same(got.Identity):
		why.Code = CauseWrongPerson
	case bank.IndividualsOnly && bank.NationalID.company(id):
		why.Code, ending = CauseCompany, EndCompany
	case len(left) > 0:
		to, why.Code, ending = PartiallyAuthorised, CauseLeftOut, EndLeftOut
	default:
		return resultBox{}, false
	}
	s.discard(ctx, f, got)
	granted := got.Scopes
	if to == Rejected {
		granted = nil // nothing was given
	}
	s.reject(ctx, f, to, granted, why)
	return resultBox{Consent: f.Consent, Ending: ending, Missing: left}, true
}

// activate stores the grant. The app that gave no expected national id, and
// did not know the person from before, has to confirm.
func (s *Service) activate(ctx context.Context, f flowBox, c Consent, p Person, got token.Redeemed) (resultBox, error) {
	now := s.c.Now().UTC()
	bank := s.banks[f.Bank]
	renewal := c.StatusAt(now) == Valid
	confirmed := p.Expected != "" || p.Known()
	p.Issuer, p.Subject = got.Identity.Issuer, token.Secret(got.Identity.Subject)
	p.NationalID, p.Name = bank.NationalID.canonical(got.Identity.NationalID), got.Identity.Name
	a := Activation{
		Version: c.Version, Sealed: got.Sealed, Status: Valid, AuthorizedAt: now,
		EndsAt: bank.Clock.End(now, got.End), Granted: got.Scopes, TextVersion: f.TextVersion, Renewal: renewal,
	}
	result := resultBox{Consent: c.ID, Ending: EndConnected}
	switch {
	case renewal:
		result.Ending = EndRenewed
	case !confirmed:
		result.Code = newSecret().Reveal()
		result.Ending = EndUnconfirmed
		a.Status, a.ConfirmHash, a.ConfirmUntil = Received, hashOf(token.Secret(result.Code)), now.Add(s.c.ConfirmLife)
	}
	var err error
	if a.Personal, err = s.sealPerson(c.ID, p); err != nil {
		return resultBox{}, err
	}
	if a.Status == Valid {
		h, err := s.holder(bank, p)
		if err != nil {
			return resultBox{}, err
		}
		a.Person, a.Subject = h.Person, h.Subject
	}
	a.RevokeReplaced, a.Work = !bank.Replaces, s.workOf(c, a)
	if err := s.insist(ctx, func() error { return s.c.Store.Activate(ctx, c.ID, a) }); err != nil {
		return resultBox{}, err
	}
	s.wake()
	return result, nil
}

// workOf is what a granted consent has coming.
func (s *Service) workOf(c Consent, a Activation) Work {
	if a.Status != Valid {
		return Work{Add: []Task{{Kind: TaskAbandon, ID: c.ID, Due: a.ConfirmUntil}, s.purge(c.ID, a.EndsAt)}}
	}
	event := ToldConnected
	switch {
	case a.Renewal:
		event = ToldRenewed
	case c.Status == TerminatedByAspsp:
		event = ToldRecovered
	}
	return s.life(c.ID, event, c.Term+1, a.AuthorizedAt, a.EndsAt)
}

// discard revokes at the bank what will not be kept.
func (s *Service) discard(ctx context.Context, f flowBox, got token.Redeemed) {
	outcome, err := s.c.Vault.Discard(f.Bank, string(f.Consent), got.Sealed)
	if err != nil {
		err = errors.Join(err, s.c.Store.PutAside(ctx, string(f.Consent), f.Bank, got.Sealed, s.c.Now().UTC()))
	}
	s.c.Log.InfoContext(ctx, "grant given back", slog.String("consent", string(f.Consent)),
		slog.String("outcome", string(outcome)), slog.Any("error", err))
	s.note(ctx, f.Consent, BySystem, "given_back", string(outcome))
}

func (s *Service) reject(ctx context.Context, f flowBox, to Status, granted []string, why Cause) {
	r := Rejection{Status: to, Granted: granted, Cause: why, At: s.c.Now().UTC()}
	r.Work = s.telling(f.Consent, ToldRejected, r.At.UnixMilli(), r.At) // no term: each rejection is another
	err := s.insist(ctx, func() error {
		return s.c.Store.Reject(ctx, f.Consent, r)
	})
	if err != nil {
		s.c.Log.ErrorContext(ctx, "refusal could not be stored", slog.String("consent", string(f.Consent)), slog.Any("error", err))
	}
}
