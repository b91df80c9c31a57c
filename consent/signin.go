package consent

import (
	"context"
	"errors"
	"log/slog"

	"github.com/consentd/consentd/token"
)

// signInScopes ask the bank who the customer is, and for nothing else.
var signInScopes = []string{"openid"}

// SignIn sends a browser, known by the secret in its cookie, to a bank where
// the customer proves who they are; what comes of it is in [Service.Result].
// Its error is [ErrNotFound] for a bank where that is not offered,
// [ErrBankUnavailable] or [token.ErrStoreUnavailable]. The bank is to ask anew:
// who sits at a machine where somebody is still signed in there must not see
// what they granted.
func (s *Service) SignIn(ctx context.Context, bank string, browser token.Secret) (string, error) {
	if b, known := s.banks[bank]; !known || !b.SignIn {
		return "", ErrNotFound
	}
	state, f, address, err := s.setOut(ctx, bank, browser, signInScopes, true)
	if err != nil {
		return "", err
	}
	f.SignIn = true
	return address, s.putFlow(ctx, state, f)
}

// EndSignedIn and EndNobody are the endings of a sign-in, besides those of a
// trip that fails.
const (
	EndSignedIn Ending = "signed_in" // Result.Claim opens what there is of this person
	EndNobody   Ending = "nobody"    // of this person there is nothing
)

// concludeSignIn finds out who came back, and leaves a one-time link to what
// there is of them. Its error is the store's.
func (s *Service) concludeSignIn(ctx context.Context, f flowBox, a Arrival) (resultBox, error) {
	result := resultBox{SignIn: true, Bank: f.Bank}
	if a.Error != "" {
		result.Ending = s.signInTurnedBack(ctx, f.Bank, a.Error)
		return result, nil
	}
	who, forget, err := s.c.Vault.Identify(f.Bank, f.redemption(a))
	if err != nil {
		result.Ending = EndFailed
		if bankTrouble(err) {
			result.Ending = EndBankDown
		}
		s.c.Log.ErrorContext(ctx, "sign-in at a bank failed", slog.String("bank", f.Bank), slog.Any("error", err))
		return result, nil
	}
	s.work.Go(func() {
		outcome, err := forget()
		s.c.Log.InfoContext(ctx, "grant of a sign-in given back", slog.String("bank", f.Bank),
			slog.String("outcome", string(outcome)), slog.Any("error", err))
	})
	err = s.insist(ctx, func() (err error) { result.Ending, result.Code, err = s.recognise(ctx, f.Bank, who); return err })
	return result, err
}

func (s *Service) signInTurnedBack(ctx context.Context, bank, code string) Ending {
	switch code {
	case "access_denied":
		return EndCancelled
	case "server_error", "temporarily_unavailable":
		return EndBankDown
	}
	s.c.Log.ErrorContext(ctx, "bank refused the authorization request", slog.String("bank", bank), slog.String("code", shorten(code)))
	return EndFailed
}

// recognise makes a one-time link to everything that somebody has granted.
func (s *Service) recognise(ctx context.Context, bank string, who token.Identity) (Ending, string, error) {
	h, err := s.holderIs(ctx, s.banks[bank], who)
	if err != nil {
		return "", "", err
	}
	page, err := s.Accesses(ctx, Visitor{Bank: bank, Holder: h}, "")
	if err != nil || len(page.Now)+len(page.Ended) == 0 && page.Next == "" {
		return EndNobody, "", err
	}
	link, err := s.newAccess(ctx, Visitor{Bank: bank, Holder: h})
	return EndSignedIn, link.Secret.Reveal(), err
}

// mostLookedAt is in how many consents of a bank's customer a national id is
// looked for.
const mostLookedAt = 20

// holderIs finds consents by who the bank says has come, and by the national
// id that somebody with the same name at this bank has shown before: a sign-in
// alone seldom tells it.
func (s *Service) holderIs(ctx context.Context, bank Bank, who token.Identity) (Holder, error) {
	h, err := s.holder(bank, Person{Issuer: who.Issuer, Subject: token.Secret(who.Subject), NationalID: bank.NationalID.canonical(who.NationalID)})
	if err != nil || h.Person != nil {
		return h, err
	}
	all, _, err := s.held(ctx, h, Place{}, mostLookedAt)
	for _, c := range all {
		p, err := s.person(c)
		if errors.Is(err, token.ErrSealBroken) {
			continue
		}
		if err != nil {
			return Holder{}, err
		}
		if p.Issuer == who.Issuer && p.Subject.Equal(token.Secret(who.Subject)) && p.NationalID != "" {
			h.Person, err = s.personIndex(s.banks[c.Bank].NationalID, p.NationalID)
			return h, err
		}
	}
	return h, err
}
