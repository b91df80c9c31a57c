package web

import (
	"errors"

	"github.com/consentd/consentd/consent"
)

// historyLine is something that happened to an access, in words.
type historyLine struct{ Day, Text string }

// toAccess answers GET /access/{id}.
func toAccess(c *call) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	return c.away("/access/" + string(id) + "/")
}

// theirs is an access that the visitor may see.
func (s *server) theirs(c *call, v consent.Visitor) (consent.Access, error) {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return consent.Access{}, err
	}
	s.editionFor(c, v)
	a, err := s.service.AccessTo(c.Request().Context(), v, id)
	if err != nil {
		return consent.Access{}, err
	}
	c.consent = a.Consent.ID
	return a, nil
}

// access answers GET /access/{id}/.
func (s *server) access(c *call, v consent.Visitor) error {
	a, err := s.theirs(c, v)
	if err != nil {
		return err
	}
	x := s.editionFor(c, v).texts
	p := s.managePage(x, a.Manage())
	p.All, p.Again, p.History = true, a.Renewable, x.history(a)
	return s.show(c, "manage", p)
}

// renewAccess answers POST /access/{id}/renew. What was stopped on purpose
// leads back to the page that says so.
func (s *server) renewAccess(c *call, v consent.Visitor) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	fresh, err := s.service.RenewByVisitor(c.Request().Context(), v, id)
	if errors.Is(err, consent.ErrLinkGone) {
		return toAccess(c)
	}
	if err != nil {
		return err
	}
	return c.away("/c/" + fresh.Secret.Reveal())
}

// askToStopAccess answers GET /access/{id}/stop: the consequence first.
func (s *server) askToStopAccess(c *call, v consent.Visitor) error {
	a, err := s.theirs(c, v)
	if err != nil {
		return err
	}
	if a.Consent.StatusAt(s.service.Now()) != consent.Valid {
		return toAccess(c)
	}
	return s.show(c, "stop", s.managePage(s.editionFor(c, v).texts, a.Manage()))
}

// stopAccess answers POST /access/{id}/stop.
func (s *server) stopAccess(c *call, v consent.Visitor) error {
	id, err := consent.ParseID(c.Param("id"))
	if err != nil {
		return err
	}
	if _, err := s.service.StopByVisitor(c.Request().Context(), v, id); err != nil {
		return err
	}
	return toAccess(c)
}

// accessFromMail answers POST /m/{link}/access. A link that was used up, or
// whose consent was ended before its time, leads back to the page that says so.
func (s *server) accessFromMail(c *call) error {
	link, err := mailLinkOf(c)
	if err != nil {
		return err
	}
	v, err := s.service.OpenAccessByMail(c.Request().Context(), link)
	if errors.Is(err, consent.ErrLinkGone) {
		return s.toManage(c)
	}
	if err != nil {
		return err
	}
	return s.welcome(c, v)
}

// history is what has become of an access. What a customer need not know, such
// as the mails' delivery, is left out; of staff it says that it was they.
func (x texts) history(a consent.Access) []historyLine {
	var lines []historyLine
	for _, e := range a.Timeline {
		if text := x.happened(a, e); text != "" {
			lines = append(lines, historyLine{Day: x.Day(e.At, a.Bank.Clock.Zone), Text: text})
		}
	}
	return lines
}

func (x texts) happened(a consent.Access, e consent.Entry) string {
	if e.Event == "bank_told" && (a.Consent.EndedAt.IsZero() || e.At.Before(a.Consent.EndedAt)) {
		return "" // of a grant that a renewal replaced: the access lived on
	}
	key := "access.event." + e.Event
	switch e.Event {
	case string(consent.TerminatedByTpp):
		key += "." + string(e.Actor.Known())
	case "bank_told":
		key += "." + e.Detail
	}
	if !x.Has(key) {
		return ""
	}
	return x.must(key, a.App.Name, a.Bank.Name)
}
