package consent

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/consentd/consentd/token"
)

// Holder is whom consents belong to, by keyed indexes. What is nil is not
// known.
type Holder struct {
	Customer []byte // of one app's own name for its customer
	Person   []byte // of a national id, across apps and banks
	Subject  []byte // of a bank's own name for its customer, across apps
}

// holder is how a granted consent is found by the person who granted it.
func (s *Service) holder(bank Bank, p Person) (Holder, error) {
	var h Holder
	var err error
	if h.Person, err = s.personIndex(bank.NationalID, p.NationalID); err != nil || !p.Known() {
		return h, err
	}
	h.Subject, err = s.subjectIndex(p.Issuer, p.Subject)
	return h, err
}

// subjectIndex finds the consents of one customer of a bank, by the name that
// the bank has for them.
func (s *Service) subjectIndex(issuer string, subject token.Secret) ([]byte, error) {
	return s.c.Keys.Index("subject", issuer, subject.Reveal())
}

// holderOf is how a stored consent is found by the person who granted it; zero
// when nobody did, or its app never confirmed who that was.
func (s *Service) holderOf(ctx context.Context, c Consent) (Holder, error) {
	if c.AuthorizedAt.IsZero() {
		return Holder{}, nil
	}
	p, err := s.person(c)
	if errors.Is(err, token.ErrSealBroken) {
		s.c.Log.ErrorContext(ctx, "personal data does not open", slog.String("consent", string(c.ID)))
		return Holder{}, nil
	}
	if err != nil {
		return Holder{}, err
	}
	confirmed, err := s.confirmed(ctx, c, p)
	if err != nil || !confirmed {
		return Holder{}, err
	}
	return s.holder(s.banks[c.Bank], p)
}

// confirmed reports whether it is certain that the right customer granted: the
// app had said beforehand who that is, or said so afterwards.
func (s *Service) confirmed(ctx context.Context, c Consent, p Person) (bool, error) {
	switch {
	case c.Status == Valid, c.Status == TerminatedByAspsp: // reached only by who was confirmed
		return true, nil
	case c.Status != RevokedByPsu && c.Status != TerminatedByTpp:
		return false, nil
	case p.Expected != "":
		return true, nil
	}
	lines, err := s.c.Store.Timeline(ctx, c.ID, timelineLimit)
	return slices.ContainsFunc(lines, func(e Entry) bool { return e.Event == "confirmed" }), err
}
