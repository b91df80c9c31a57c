package consent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/consentd/consentd/token"
)

// Visitor is a browser that may look at what a customer has granted, and stop
// or renew it: everything that one app has of its customer, by a link from
// that app or its mail; or everything that a person has granted to any app, by
// a sign-in at the bank. There is no personal data in it.
type Visitor struct {
	App      string // whose consents alone; empty: of all apps
	Bank     string // where the customer signed in; empty: they came by a link
	Language string // that the link speaks; may be empty
	Holder   Holder
}

// Access is a consent as its customer sees it.
type Access struct {
	Consent Consent // without its sealed personal data
	App     App     // with only the id as a name when it is no longer configured
	Bank    Bank    // likewise

	Renewable bool    // it can be renewed, or connected again
	Timeline  []Entry // oldest first, without names of staff; of [Service.AccessTo] alone
}

// AccessPage is a part of what a visitor may see: newest first, what works and
// what has ended.
type AccessPage struct {
	Now, Ended []Access
	Next       string // where the next page begins; empty at the end
}

const (
	accessesOnPage = 50
	endedShown     = 2 * 365 * day // how long after its end an access is shown
)

// heldOrder is the order of My access: by when it was asked for or granted.
const heldOrder Order = "held"

// Accesses returns a part of what a visitor may see; after is the Next of the
// page before, or empty. What has no right form there is [ErrNotFound].
func (s *Service) Accesses(ctx context.Context, v Visitor, after string) (AccessPage, error) {
	q := Query{Order: heldOrder}
	var from Place
	if after != "" {
		place, ok := q.place(after)
		if !ok {
			return AccessPage{}, ErrNotFound
		}
		from = place
	}
	all, last, err := s.held(ctx, v.Holder, from, accessesOnPage)
	if err != nil {
		return AccessPage{}, err
	}
	var page AccessPage
	if last.ID != "" {
		page.Next = q.cursor(last)
	}
	for _, c := range all {
		shown, err := s.shows(ctx, v, c)
		if err != nil {
			return AccessPage{}, err
		}
		if !shown {
			continue
		}
		if a := s.access(c); c.StatusAt(s.c.Now()) == Valid {
			page.Now = append(page.Now, a)
		} else {
			page.Ended = append(page.Ended, a)
		}
	}
	return page, nil
}

// held reads a holder's consents, and the last place when there are more.
func (s *Service) held(ctx context.Context, h Holder, after Place, limit int) ([]Consent, Place, error) {
	places, more, err := s.c.Store.Held(ctx, h, after, limit)
	if err != nil || len(places) == 0 {
		return nil, Place{}, err
	}
	var last Place
	if more {
		last = places[len(places)-1]
	}
	ids := make([]ID, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	all, err := s.c.Store.Consents(ctx, ids)
	return all, last, err
}

// AccessTo returns one of the accesses that a visitor may see, with what has
// become of it; any other is [ErrNotFound].
func (s *Service) AccessTo(ctx context.Context, v Visitor, id ID) (Access, error) {
	c, err := s.c.Store.Consent(ctx, id)
	if err != nil {
		return Access{}, err
	}
	shown, err := s.shows(ctx, v, c)
	if err != nil {
		return Access{}, err
	}
	if !shown {
		return Access{}, ErrNotFound
	}
	a := s.access(c)
	a.Timeline, err = s.c.Store.Timeline(ctx, id, timelineLimit)
	for i := range a.Timeline {
		a.Timeline[i].Staff, a.Timeline[i].Reason = "", ""
	}
	return a, err
}

// Manage is an access as the page behind a mail's link shows it.
func (a Access) Manage() Manage {
	return Manage{Ask: Ask{Consent: a.Consent, App: a.App, Bank: a.Bank, Scopes: a.Consent.Asked}}
}

// SignInBanks are the banks where customers can prove who they are, in the
// order in which they are configured.
func (s *Service) SignInBanks() []Bank {
	return slices.DeleteFunc(slices.Clone(s.c.Banks), func(b Bank) bool { return !b.SignIn })
}

func (s *Service) access(c Consent) Access {
	c.Personal = nil
	app, knownApp := s.apps[c.App]
	bank, knownBank := s.banks[c.Bank]
	if !knownApp {
		app = App{ID: c.App, Name: c.App}
	}
	if !knownBank {
		bank = Bank{ID: c.Bank, Name: c.Bank, Clock: Clock{Zone: time.UTC}}
	}
	return Access{Consent: c, App: app, Bank: bank, Renewable: c.Renewable() && knownApp && knownBank}
}

// shows reports whether a consent is one that the visitor may see: theirs,
// granted by whom the app knows as its customer, and not over for too long.
// What finds a consent is asked of the record again, so that a list that is
// wrong shows nobody anything. Its error is the store's.
func (s *Service) shows(ctx context.Context, v Visitor, c Consent) (bool, error) {
	granted := []Status{Valid, Expired, RevokedByPsu, TerminatedByTpp, TerminatedByAspsp}
	now := s.c.Now()
	if c.AuthorizedAt.IsZero() || !slices.Contains(granted, c.StatusAt(now)) || now.Sub(c.lastDay()) > endedShown {
		return false, nil
	}
	p, err := s.person(c)
	theirs := false
	if err == nil {
		theirs, err = s.belongs(v, c, p)
	}
	if err != nil {
		s.c.Log.ErrorContext(ctx, "unknown whose consent it is", slog.String("consent", string(c.ID)), slog.Any("error", err))
	}
	if err != nil || !theirs {
		return false, nil
	}
	return s.confirmed(ctx, c, p)
}

func (s *Service) belongs(v Visitor, c Consent, p Person) (bool, error) {
	if v.App != "" {
		index, err := s.customerIndex(c.App, p.Reference)
		return c.App == v.App && isIndex(v.Holder.Customer, index), err
	}
	h, err := s.holder(s.banks[c.Bank], p)
	return isIndex(v.Holder.Person, h.Person) || isIndex(v.Holder.Subject, h.Subject), err
}

func isIndex(want, got []byte) bool { return len(want) > 0 && bytes.Equal(want, got) }

// RenewByVisitor makes a link that leads the customer to the bank again, for
// one browser. What was stopped on purpose is [ErrLinkGone]; what the visitor
// may not see is [ErrNotFound].
func (s *Service) RenewByVisitor(ctx context.Context, v Visitor, id ID) (Link, error) {
	a, err := s.AccessTo(ctx, v, id)
	if err != nil {
		return Link{}, err
	}
	if !a.Renewable {
		return Link{}, ErrLinkGone
	}
	return s.newLink(ctx, id)
}

// StopByVisitor ends a consent that the visitor may see; any other is
// [ErrNotFound]. What has ended already stays as it is.
func (s *Service) StopByVisitor(ctx context.Context, v Visitor, id ID) (Consent, error) {
	a, err := s.AccessTo(ctx, v, id)
	if err != nil || a.Consent.StatusAt(s.c.Now()) != Valid {
		return a.Consent, err
	}
	return s.Stop(ctx, id, ByCustomer, CauseStopped)
}

// accessBox is what a one-time link to My access leads to.
type accessBox struct {
	Visitor Visitor   `json:"visitor"`
	Until   time.Time `json:"until"`
}

// accessKey is apart from those of trips to a bank.
func accessKey(link token.Secret) string { return "access:" + hashOf(link) }

func (s *Service) newAccess(ctx context.Context, v Visitor) (Link, error) {
	link := Link{Secret: newSecret(), Expires: s.c.Now().Add(s.c.LinkLife).UTC()}
	key := accessKey(link.Secret)
	box, err := s.sealFlow("access", key, accessBox{Visitor: v, Until: link.Expires})
	if err != nil {
		return Link{}, err
	}
	return link, s.c.Store.PutFlow(ctx, key, box, link.Expires)
}

// AccessLink makes a one-time link by which an app's customer sees everything
// that the app has of them. The app vouches that it is given to nobody else.
// What is wrong with the request is an *[Invalid].
func (s *Service) AccessLink(ctx context.Context, app App, reference token.Secret, language string) (Link, error) {
	var wrong Invalid
	checkReference(&wrong, reference)
	if language != "" {
		checkLanguage(&wrong, language)
	}
	if err := wrong.orNil(); err != nil {
		return Link{}, err
	}
	index, err := s.customerIndex(app.ID, reference)
	if err != nil {
		return Link{}, err
	}
	return s.newAccess(ctx, Visitor{App: app.ID, Language: language, Holder: Holder{Customer: index}})
}

// BehindAccessLink reads what a link leads to, and changes nothing. Its error
// is [ErrLinkGone] or [token.ErrStoreUnavailable].
func (s *Service) BehindAccessLink(ctx context.Context, link token.Secret) (Visitor, error) {
	key := accessKey(link)
	record, err := s.c.Store.Flow(ctx, key)
	if errors.Is(err, ErrFlowGone) {
		err = ErrLinkGone
	}
	if err != nil {
		return Visitor{}, err
	}
	var box accessBox
	if err := s.openFlow("access", key, record.Box, &box); err != nil {
		return Visitor{}, err
	}
	if !s.c.Now().Before(box.Until) {
		return Visitor{}, ErrLinkGone
	}
	return box.Visitor, nil
}

// OpenAccess uses a link from one browser, known by the secret in its cookie.
// The same browser can repeat it while the link lives; another one gets
// [ErrLinkUsed].
func (s *Service) OpenAccess(ctx context.Context, link, browser token.Secret) (Visitor, error) {
	v, err := s.BehindAccessLink(ctx, link)
	if err != nil {
		return Visitor{}, err
	}
	err = s.c.Store.TakeFlow(ctx, accessKey(link), hashOf(browser))
	switch {
	case errors.Is(err, ErrFlowTaken):
		return Visitor{}, ErrLinkUsed
	case errors.Is(err, ErrFlowGone):
		return Visitor{}, ErrLinkGone
	case err != nil:
		return Visitor{}, err
	}
	return v, nil
}

// OpenAccessByMail takes the manage link of a mail to what the app of that
// mail has of its customer: the mailbox proves no more. A link that does not
// lead there any more is [ErrLinkGone]: see [Manage.OpensAccess].
func (s *Service) OpenAccessByMail(ctx context.Context, link token.Secret) (Visitor, error) {
	m, err := s.Manage(ctx, link)
	if err != nil {
		return Visitor{}, err
	}
	if !m.OpensAccess(s.c.Now()) {
		return Visitor{}, ErrLinkGone
	}
	p, err := s.person(m.Consent)
	if err != nil {
		return Visitor{}, err
	}
	index, err := s.customerIndex(m.Consent.App, p.Reference)
	return Visitor{App: m.Consent.App, Language: m.Consent.Spoken(), Holder: Holder{Customer: index}}, err
}
