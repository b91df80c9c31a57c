package consent

import (
	"context"
	"errors"

	"github.com/consentd/consentd/token"
)

// timelineLimit is how much of a timeline is read: more than a consent has
// changes in two years.
const timelineLimit = 500

// History is what staff see of a consent: what happened to it and how much it
// was used. There is no secret and no personal data in it.
type History struct {
	Consent  Consent // without its sealed personal data
	Timeline []Entry // oldest first
	Uses     map[string]int64
	Token    Newest // the access token's clock; zero while there is none

	// NationalID is masked: enough to compare with what a caller says, not
	// enough to use. [Service.See] alone fills it in.
	NationalID string
}

// History reads a consent of any app, for support: apps get theirs from
// [Service.Consent]. An unknown id is [ErrNotFound].
func (s *Service) History(ctx context.Context, id ID) (History, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return History{}, err
	}
	c.Personal = nil
	h := History{Consent: c}
	if h.Timeline, err = s.c.Store.Timeline(ctx, id, timelineLimit); err != nil {
		return History{}, err
	}
	if h.Uses, err = s.c.Store.Uses(ctx, id); err != nil {
		return History{}, err
	}
	if h.Token, err = s.c.Store.Newest(ctx, id); errors.Is(err, token.ErrNoGrant) {
		err = nil
	}
	return h, err
}

// FindByCustomer returns the consents that an app asked its customer for,
// newest first, by the app's own name for the customer.
func (s *Service) FindByCustomer(ctx context.Context, app string, reference token.Secret) ([]Consent, error) {
	index, err := s.customerIndex(app, reference)
	if err != nil {
		return nil, err
	}
	ids, err := s.c.Store.ByCustomer(ctx, index)
	if err != nil {
		return nil, err
	}
	return s.found(ctx, ids)
}

// FindByPerson returns the consents that the holder of a national id granted
// to any app, newest first. A consent that nobody granted, or that its app
// never confirmed, is not among them. What is written between the digits does
// not matter; an id that cannot be one is an *[Invalid].
func (s *Service) FindByPerson(ctx context.Context, kind NationalIDKind, id token.Secret) ([]Consent, error) {
	normal, err := kind.normalise(id)
	if err != nil {
		return nil, &Invalid{Fields: []Field{{Pointer: "/national_id", Detail: err.Error()}}}
	}
	index, err := s.personIndex(kind, normal)
	if err != nil {
		return nil, err
	}
	ids, err := s.c.Store.ByPerson(ctx, index)
	if err != nil {
		return nil, err
	}
	return s.found(ctx, ids)
}
