package consent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

// Filter chooses consents. What is zero does not matter.
type Filter struct {
	App, Bank    string
	Status       Status    // as of now: Valid and Expired are told apart by the end date
	EndsBefore   time.Time // and has an end
	EndsAfter    time.Time
	ChangedSince time.Time // that moment included; not with the two above
	Failing      bool      // the last refresh failed, and none has succeeded since
	Short        bool      // an app needs it beyond its end; not with Failing
}

// Page is a part of what a filter chose.
type Page struct {
	Consents []Consent // without their sealed personal data
	Next     string    // where the next page begins; empty at the end
	Total    int64     // that the filter chose, on all pages
}

// MostOnPage is the longest page there is.
const MostOnPage = 100

// Order is what a page is sorted by; then by id.
type Order string

// The orders. Changes come in the order in which they happened: what changes
// while somebody reads on from page to page comes again at the end.
const (
	ByEnd    Order = "ends"
	ByChange Order = "changed"
)

// order follows from what is asked: by end, unless it is about changes, or
// about everything.
func (f Filter) order() Order {
	f.App = ""
	if f == (Filter{ChangedSince: f.ChangedSince}) || !f.ChangedSince.IsZero() {
		return ByChange
	}
	return ByEnd
}

func (f Filter) check(wrong *Invalid) {
	if !f.ChangedSince.IsZero() && !(f.EndsBefore.IsZero() && f.EndsAfter.IsZero()) {
		wrong.add("/changed_since", "cannot be asked for together with a bound on the end")
	}
	if f.Failing && f.Short {
		wrong.add("/short", "cannot be asked for together with failing")
	}
	if f.Status != "" && !slices.Contains(statuses, f.Status) {
		wrong.add("/status", "must be one of: %s", listStatuses())
	}
}

func listStatuses() string {
	all := make([]string, len(statuses))
	for i, s := range statuses {
		all[i] = string(s)
	}
	return strings.Join(all, ", ")
}

// Chooses reports whether the filter chooses a consent as it is at a moment,
// as far as its record says: Failing and Short are not in it.
func (f Filter) Chooses(c Consent, now time.Time) bool {
	return (f.App == "" || f.App == c.App) && (f.Bank == "" || f.Bank == c.Bank) &&
		(f.Status == "" || f.Status == c.StatusAt(now)) &&
		(f.EndsBefore.IsZero() || !c.EndsAt.IsZero() && c.EndsAt.Before(f.EndsBefore)) &&
		(f.EndsAfter.IsZero() || c.EndsAt.After(f.EndsAfter)) &&
		!c.ChangedAt.Before(f.ChangedSince)
}

// Query asks a store for a part of what a filter chooses.
type Query struct {
	Filter
	Order Order
	Now   time.Time
	After Place // zero: from the beginning
	Limit int
}

// Place is where a consent stands in an order: by a time in milliseconds, then
// by its id. Before it has an end, it stands by end at minus the time at which
// it was asked for.
type Place struct {
	Score int64
	ID    ID
}

// Compare sorts places.
func (p Place) Compare(o Place) int {
	return cmp.Or(cmp.Compare(p.Score, o.Score), cmp.Compare(p.ID, o.ID))
}

// List returns a part of an app's own consents; with a reference, those of one
// customer. after is the Next of the page before, or empty. What is wrong with
// the request is an *[Invalid].
func (s *Service) List(ctx context.Context, app App, reference token.Secret, f Filter, after string, limit int) (Page, error) {
	f.App = app.ID
	if reference == "" {
		return s.Search(ctx, f, after, limit)
	}
	order := ByEnd // a reference is something that is asked
	if !f.ChangedSince.IsZero() {
		order = ByChange
	}
	q, err := s.query(f, order, after, limit)
	if err != nil {
		return Page{}, err
	}
	if f.Failing || f.Short {
		return Page{}, &Invalid{Fields: []Field{{Pointer: "/customer_reference", Detail: "cannot be asked for together with failing or short"}}}
	}
	all, err := s.FindByCustomer(ctx, app.ID, reference)
	if err != nil {
		return Page{}, err
	}
	return q.among(all), nil
}

// Search returns a part of the consents of all apps, for staff; see
// [Service.List].
func (s *Service) Search(ctx context.Context, f Filter, after string, limit int) (Page, error) {
	q, err := s.query(f, f.order(), after, limit)
	if err != nil {
		return Page{}, err
	}
	more := q
	more.Limit++ // one more tells whether there is a next page
	places, total, err := s.c.Store.Select(ctx, more)
	if err != nil {
		return Page{}, err
	}
	page := Page{Total: total}
	if len(places) > limit {
		places = places[:limit]
		page.Next = q.cursor(places[limit-1])
	}
	ids := make([]ID, len(places))
	for i, p := range places {
		ids[i] = p.ID
	}
	page.Consents, err = s.found(ctx, ids)
	return page, err
}

func (s *Service) query(f Filter, order Order, after string, limit int) (Query, error) {
	var wrong Invalid
	q := Query{Filter: f, Order: order, Now: s.c.Now().UTC(), Limit: limit}
	f.check(&wrong)
	if limit < 1 || limit > MostOnPage {
		wrong.add("/limit", "must be from 1 to %d", MostOnPage)
	}
	if after != "" {
		var known bool
		if q.After, known = q.place(after); !known {
			wrong.add("/cursor", "is not one that came with a page of this list")
		}
	}
	return q, wrong.orNil()
}

// among is the page of a few consents that are at hand.
func (q Query) among(all []Consent) Page {
	all = slices.DeleteFunc(all, func(c Consent) bool { return !q.Chooses(c, q.Now) })
	slices.SortFunc(all, func(a, b Consent) int { return q.placeOf(a).Compare(q.placeOf(b)) })
	page := Page{Total: int64(len(all))}
	for _, c := range all {
		if q.After.ID == "" || q.placeOf(c).Compare(q.After) > 0 {
			page.Consents = append(page.Consents, c)
		}
	}
	if len(page.Consents) > q.Limit {
		page.Consents = page.Consents[:q.Limit]
		page.Next = q.cursor(q.placeOf(page.Consents[q.Limit-1]))
	}
	return page
}

func (q Query) placeOf(c Consent) Place {
	switch {
	case q.Order == ByChange:
		return Place{Score: c.ChangedAt.UnixMilli(), ID: c.ID}
	case c.EndsAt.IsZero():
		return Place{Score: -c.CreatedAt.UnixMilli(), ID: c.ID}
	}
	return Place{Score: c.EndsAt.UnixMilli(), ID: c.ID}
}

// FindByRequest returns the consents that a request of an app, or of a
// browser, concerned in the last days, for staff. They need not exist any
// more: what was purged is left out.
func (s *Service) FindByRequest(ctx context.Context, requestID string) ([]Consent, error) {
	ids, err := s.c.Store.ByRequest(ctx, requestID, s.c.Now().UTC())
	if err != nil {
		return nil, err
	}
	return s.found(ctx, ids)
}

// found reads the records that an index led to. An index may outlive a record
// by a little; what is gone is left out.
func (s *Service) found(ctx context.Context, ids []ID) ([]Consent, error) {
	all, err := s.c.Store.Consents(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("find consents: %w", err)
	}
	for i := range all {
		all[i].Personal = nil
	}
	return all, nil
}
