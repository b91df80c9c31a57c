package consent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/consentd/consentd/token"
)

// A manage link is what messages carry: it leads to the page where a customer
// renews or stops. It is the sealed name of a consent and its term, so that
// nothing is stored for it, nobody can make one up, and a renewal uses it up.
// It is good for looking and for two acts, each behind a button: whoever the
// mail is forwarded to can stop the access, or sign in at the bank and be
// refused as somebody else.

// manageGrace is how long after the end a manage link still leads somewhere.
const manageGrace = 30 * day

// RenewableByMail reports whether a mail can lead the customer to the bank
// too: the page behind it is there from the first grant until a month after
// the end.
func (c Consent) RenewableByMail(now time.Time) bool {
	return c.Renewable() && now.Before(c.manageUntil())
}

// manageUntil is a month after the end, planned or sooner.
func (c Consent) manageUntil() time.Time {
	end := c.EndsAt
	if !c.EndedAt.IsZero() && c.EndedAt.Before(end) {
		end = c.EndedAt
	}
	return end.Add(manageGrace)
}

type manageBox struct {
	Consent ID        `json:"c"`
	Term    int64     `json:"t"`
	Until   time.Time `json:"u"`
}

func (s *Service) manageLink(c Consent) (token.Secret, error) {
	plain, err := json.Marshal(manageBox{Consent: c.ID, Term: c.Term, Until: c.manageUntil()})
	if err != nil {
		return "", err
	}
	box, err := s.c.Keys.Seal(token.PurposeFlow, plain, "manage")
	return token.Secret(base64.RawURLEncoding.EncodeToString(box)), err
}

// Manage is what the page behind a manage link shows.
type Manage struct {
	Ask
	Used bool // renewed since the link was made
}

// Manage reads what a manage link leads to, and changes nothing. Its error is
// [ErrLinkGone] or [token.ErrStoreUnavailable].
func (s *Service) Manage(ctx context.Context, link token.Secret) (Manage, error) {
	box, err := base64.RawURLEncoding.DecodeString(link.Reveal())
	if err != nil {
		return Manage{}, ErrLinkGone
	}
	plain, err := s.c.Keys.Open(token.PurposeFlow, box, "manage")
	if err != nil {
		return Manage{}, ErrLinkGone
	}
	var m manageBox
	if err := json.Unmarshal(plain, &m); err != nil || !s.c.Now().Before(m.Until) {
		return Manage{}, ErrLinkGone
	}
	c, err := s.c.Store.Consent(ctx, m.Consent)
	if err != nil {
		return Manage{}, goneIfNotFound(err)
	}
	if !s.c.Now().Before(c.manageUntil()) {
		return Manage{}, ErrLinkGone
	}
	ask, err := s.askFor(c)
	return Manage{Ask: ask, Used: c.Term != m.Term}, err
}

// OpensAccess reports whether the link leads to My access too: not once it was
// used up, nor when the consent was ended before its time, so that a mail of
// what is over has no say in what the customer grants afterwards.
func (m Manage) OpensAccess(now time.Time) bool {
	status := m.Consent.StatusAt(now)
	return !m.Used && (status == Valid || status == Expired)
}

// RenewByCustomer takes a manage link to a fresh link of the page that asks,
// for one browser. A link that was used up by a renewal, or whose consent was
// stopped, is [ErrLinkGone].
func (s *Service) RenewByCustomer(ctx context.Context, link token.Secret) (Link, error) {
	m, err := s.Manage(ctx, link)
	if err != nil {
		return Link{}, err
	}
	if m.Used || !m.Consent.Renewable() {
		return Link{}, ErrLinkGone
	}
	return s.newLink(ctx, m.Consent.ID)
}

// StopByCustomer ends the consent that a manage link leads to.
func (s *Service) StopByCustomer(ctx context.Context, link token.Secret) (Consent, error) {
	m, err := s.Manage(ctx, link)
	if err != nil {
		return Consent{}, err
	}
	if m.Used {
		return Consent{}, ErrLinkGone
	}
	return s.Stop(ctx, m.Consent.ID, ByCustomer, CauseStopped)
}
