package consent

import (
	"context"
	"errors"

	"github.com/consentd/consentd/token"
)

// Remind turns the reminders off or on that a customer gets about the
// consents of one app, those to come among them, by the manage link of any of
// the mails. A link that is too old is [ErrLinkGone]; one that a renewal used
// up still does.
func (s *Service) Remind(ctx context.Context, link token.Secret, on bool) error {
	m, err := s.Manage(ctx, link)
	if err != nil {
		return err
	}
	p, err := s.person(m.Consent)
	if err != nil {
		return err
	}
	index, err := s.customerIndex(m.Consent.App, p.Reference)
	if err != nil {
		return err
	}
	now := s.c.Now().UTC()
	if err := s.c.Store.Remind(ctx, m.Consent.ID, index, on, now); err != nil { // from here on it holds for new ones
		return goneIfNotFound(err)
	}
	ids, err := s.c.Store.ByCustomer(ctx, index)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.c.Store.Remind(ctx, id, index, on, now); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
