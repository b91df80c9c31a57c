package staff

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// onPage is how many consents a page lists.
const onPage = 25

// findPage is the front page: one box, filters, and what was found.
type findPage struct {
	Apps  []consent.App
	Banks []consent.Bank
	Kinds []consent.NationalIDKind

	Filter filterForm
	Asked  bool   // something was looked for
	What   string // in words, without what was typed
	Found  []consent.Consent
	Total  int64
	Next   string // address of the next page
}

// filterForm is what the filters hold, as they stand in the address.
type filterForm struct {
	Bank, App, Status, Within string
	Failing, Short            bool
}

var statusChoices = []consent.Status{consent.Valid, consent.Received, consent.Rejected, consent.PartiallyAuthorised, consent.Expired,
	consent.RevokedByPsu, consent.TerminatedByTpp, consent.TerminatedByAspsp}

// Statuses are the choices of the filter.
func (findPage) Statuses() []consent.Status { return statusChoices }

func (s *server) newFindPage() findPage {
	return findPage{Apps: s.c.Apps, Banks: s.c.Banks, Kinds: []consent.NationalIDKind{consent.Kennitala, consent.Personnummer}}
}

// find shows the box, and the consents that filters in the address choose.
func (s *server) find(c *call) error {
	p := s.newFindPage()
	q := c.QueryParams()
	p.Filter = filterForm{Bank: q.Get("bank"), App: q.Get("app"), Status: q.Get("status"), Within: q.Get("within"),
		Failing: q.Get("failing") != "", Short: q.Get("short") != ""}
	if p.Filter == (filterForm{}) && !q.Has("all") {
		return s.show(c, http.StatusOK, "find", p)
	}
	f := consent.Filter{App: p.Filter.App, Bank: p.Filter.Bank, Status: consent.Status(p.Filter.Status), Failing: p.Filter.Failing, Short: p.Filter.Short}
	if days, err := strconv.Atoi(p.Filter.Within); err == nil && days > 0 && days <= 366 {
		f.EndsAfter, f.EndsBefore = s.desk.Now().UTC(), s.desk.Now().UTC().Add(time.Duration(days)*day)
	}
	page, err := s.desk.Search(c.Request().Context(), f, q.Get("after"), onPage)
	if err != nil {
		return err
	}
	c.session.Found = nil // not one customer's
	p.Asked, p.Found, p.Total, p.What = true, page.Consents, page.Total, "by filter"
	if page.Next != "" {
		next := url.Values{}
		for _, name := range []string{"bank", "app", "status", "within", "failing", "short", "all"} {
			if q.Get(name) != "" {
				next.Set(name, q.Get(name))
			}
		}
		next.Set("after", page.Next)
		p.Next = "/?" + next.Encode()
	}
	return s.show(c, http.StatusOK, "find", p)
}

// requestForm is what a request id may look like; see package web.
var requestForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// findOne looks for what was typed into the box. It is posted, because a
// reference or a national id must stand in no address; and a search for one
// customer is on record, without what was typed.
func (s *server) findOne(c *call) error {
	typed, by := strings.TrimSpace(c.FormValue("what")), c.FormValue("by")
	if id, err := consent.ParseID(typed); err == nil {
		return s.away(c, "/consents/"+string(id))
	}
	p := s.newFindPage()
	p.Asked = true
	if typed == "" {
		return s.show(c, http.StatusOK, "find", p)
	}
	ctx := c.Request().Context()
	if err := s.desk.Record(ctx, consent.Act{Staff: c.session.Staff, Action: consent.ActFind, RequestID: c.requestID, Detail: "by " + kindOf(by)}); err != nil {
		return err
	}
	found, err := s.look(c, by, token.Secret(typed))
	if err != nil {
		return err
	}
	c.session.Found = nil
	if kind, _, _ := strings.Cut(by, ":"); len(found) > 0 && (kind == "app" || kind == "id") {
		for _, x := range found {
			c.session.Found = append(c.session.Found, x.ID)
		}
	}
	switch {
	case len(found) == 1:
		return s.away(c, "/consents/"+string(found[0].ID))
	case len(c.session.Found) > 1:
		return s.away(c, "/found")
	}
	p.Found, p.Total, p.What = found, int64(len(found)), "by "+kindOf(by)
	return s.show(c, http.StatusOK, "find", p)
}

// showFound lists the consents of one customer to whoever has said why: at
// which banks somebody is, is nobody's business without one.
func (s *server) showFound(c *call) error {
	if len(c.session.Found) == 0 {
		return s.away(c, "/")
	}
	reason := c.session.lookedAtAll()
	if reason == "" {
		return s.show(c, http.StatusOK, "reason", reasonToList(c))
	}
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK) // nobody looks
	}
	found, err := s.desk.SeeList(c.Request().Context(), c.session.Staff, c.session.Found, reason)
	if err != nil {
		return err
	}
	p := s.newFindPage()
	p.Asked, p.Found, p.Total, p.What = true, found, int64(len(found)), "of one customer"
	return s.show(c, http.StatusOK, "find", p)
}

// giveReasonForAll takes why somebody looks at what a search found.
func (s *server) giveReasonForAll(c *call) error {
	if len(c.session.Found) == 0 {
		return s.away(c, "/")
	}
	reason := reasonIn(c)
	if reason == "" {
		return s.show(c, http.StatusUnprocessableEntity, "reason", reasonToList(c))
	}
	c.session.look(c.session.Found[0], reason)
	return s.away(c, "/found")
}

func reasonToList(c *call) reasonPage {
	return reasonPage{About: plural(len(c.session.Found), "consent"), Action: "/found/look", Reasons: reasons}
}

// kindOf is what a search goes by, in words.
func kindOf(by string) string {
	switch {
	case strings.HasPrefix(by, "app:"):
		return "customer reference"
	case strings.HasPrefix(by, "id:"):
		return "national id"
	}
	return "request id"
}

func (s *server) look(c *call, by string, typed token.Secret) ([]consent.Consent, error) {
	ctx := c.Request().Context()
	kind, name, _ := strings.Cut(by, ":")
	switch kind {
	case "app":
		if _, ok := s.desk.App(name); !ok {
			return nil, consent.ErrNotFound
		}
		return s.desk.FindByCustomer(ctx, name, typed)
	case "id":
		return s.desk.FindByPerson(ctx, consent.NationalIDKind(name), typed)
	}
	if !requestForm.MatchString(typed.Reveal()) {
		return nil, nil
	}
	return s.desk.FindByRequest(ctx, typed.Reveal())
}
