package consent_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

var lender = consent.App{ID: "lender", Name: "Lender", Banks: []string{"sandbox", "second"}, ReturnURLs: map[string]string{"done": "https://lender.test/"}}

// withAccess has two apps, and banks where customers can sign in.
func withAccess(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	bubble(t, func(t *testing.T, h *house) {
		h.Service = h.replica(t, func(c *consent.Config) {
			c.Apps = []consent.App{shop, lender}
			for i := range c.Banks {
				c.Banks[i].SignIn = c.Banks[i].ID == "sandbox"
			}
		})
		test(t, h)
	})
}

// lends grants the other app access, under its own name for the customer.
func (h *house) lends(t *testing.T, bank, user string, id token.Secret) consent.ID {
	t.Helper()
	c, link, err := h.Create(t.Context(), lender, consent.Request{Reference: "customer-1", Bank: bank, ReturnTo: "done", Expected: id})
	must(t, err)
	p := &trip{house: h, at: bank, id: c.ID, link: link.Secret, browser: herBrowser}
	wantEnding(t, p.visit(t, sandbox.Customer{User: user}), consent.EndConnected)
	return c.ID
}

func accessIDs(all []consent.Access) []consent.ID {
	var out []consent.ID
	for _, a := range all {
		out = append(out, a.Consent.ID)
	}
	slices.Sort(out)
	return out
}

func (h *house) wantAccesses(t *testing.T, v consent.Visitor, now, ended []consent.ID) {
	t.Helper()
	page, err := h.Accesses(t.Context(), v, "")
	must(t, err)
	slices.Sort(now)
	slices.Sort(ended)
	if got := accessIDs(page.Now); !slices.Equal(got, now) {
		t.Errorf("shown as working: %v, want %v", got, now)
	}
	if got := accessIDs(page.Ended); !slices.Equal(got, ended) {
		t.Errorf("shown as ended: %v, want %v", got, ended)
	}
}

func TestAccessLinkShowsOneAppOnly(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		other := h.lends(t, "sandbox", gudrun, gudrunID)
		link, err := h.AccessLink(t.Context(), shop, "customer-1", "sv")
		must(t, err)
		for range 10 { // looking changes nothing
			v, err := h.BehindAccessLink(t.Context(), link.Secret)
			must(t, err)
			if v.App != "shop" || v.Language != "sv" {
				t.Fatalf("leads to %+v", v)
			}
		}
		v, err := h.OpenAccess(t.Context(), link.Secret, herBrowser)
		must(t, err)
		h.wantAccesses(t, v, []consent.ID{p.id}, nil)
		wantErr(t, second(h.AccessTo(t.Context(), v, other)), consent.ErrNotFound)
		wantErr(t, second(h.StopByVisitor(t.Context(), v, other)), consent.ErrNotFound)
		wantErr(t, second(h.RenewByVisitor(t.Context(), v, other)), consent.ErrNotFound)
		v.App = "lender" // an index is of one app
		h.wantAccesses(t, v, nil, nil)

		stranger, err := h.AccessLink(t.Context(), shop, "customer-2", "")
		must(t, err)
		v, err = h.OpenAccess(t.Context(), stranger.Secret, herBrowser)
		must(t, err)
		h.wantAccesses(t, v, nil, nil)
	})
}

func TestAccessLinkThatIsWrong(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		for _, r := range []struct{ reference, language string }{{"", "is"}, {strings.Repeat("a", 129), ""}, {"a\x00", ""}, {"customer-1", "de"}} {
			if _, err := h.AccessLink(t.Context(), shop, token.Secret(r.reference), r.language); err == nil || !strings.Contains(err.Error(), "invalid request") {
				t.Errorf("AccessLink(%q, %q) = %v, want *Invalid", r.reference, r.language, err)
			}
		}
		link, err := h.AccessLink(t.Context(), shop, "customer-1", "")
		must(t, err)
		p := h.ask(t, consent.Request{})
		for _, no := range []token.Secret{"", "nothing", p.link} {
			wantErr(t, second(h.OpenAccess(t.Context(), no, herBrowser)), consent.ErrLinkGone)
		}
		wantErr(t, second(h.Ask(t.Context(), link.Secret)), consent.ErrLinkGone)
		wantErr(t, second(h.Return(t.Context(), consent.Arrival{Bank: "sandbox", State: link.Secret, Code: "x", Browser: herBrowser})), consent.ErrFlowGone)
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.BehindAccessLink(t.Context(), link.Secret)), consent.ErrLinkGone)
	})
}

func TestAccessByMail(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.lends(t, "sandbox", gudrun, gudrunID)
		must(t, h.Settle(t.Context()))
		must(t, h.Work(t.Context()))
		manage := func(id consent.ID) token.Secret {
			all := h.mail.all()
			i := slices.IndexFunc(all, func(e consent.Event) bool { return e.Consent.ID == id })
			return all[i].Manage
		}
		v, err := h.OpenAccessByMail(t.Context(), manage(p.id))
		must(t, err)
		h.wantAccesses(t, v, []consent.ID{p.id, other.id}, nil)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		wantErr(t, second(h.OpenAccessByMail(t.Context(), manage(p.id))), consent.ErrLinkGone)
		wantErr(t, second(h.OpenAccessByMail(t.Context(), "forged")), consent.ErrLinkGone)
	})
}

// TestNeverConfirmedIsNobodys: somebody granted, and the app never said that it
// was its customer.
func TestNeverConfirmedIsNobodys(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		never, hers := h.ask(t, consent.Request{}), h.ask(t, consent.Request{})
		wantEnding(t, never.visit(t, sandbox.Customer{User: anna}), consent.EndUnconfirmed)
		must(t, second(h.Confirm(t.Context(), shop, hers.id, hers.visit(t, sandbox.Customer{User: gudrun}).Code)))
		for _, p := range []*trip{never, hers} {
			must(t, second(h.StopByApp(t.Context(), shop, p.id)))
		}
		v := consent.Visitor{App: "shop", Holder: consent.Holder{Customer: h.customer(t)}}
		h.wantAccesses(t, v, nil, []consent.ID{hers.id})
		wantErr(t, second(h.AccessTo(t.Context(), v, never.id)), consent.ErrNotFound)
	})
}

// TestMailOfWhatWasStopped: it has no say in what is granted afterwards.
func TestMailOfWhatWasStopped(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, h.Settle(t.Context()))
		must(t, h.Work(t.Context()))
		link := p.manageLink(t)
		must(t, second(h.OpenAccessByMail(t.Context(), link)))
		must(t, second(h.StopByCustomer(t.Context(), link)))
		h.granted(t)
		wantErr(t, second(h.OpenAccessByMail(t.Context(), link)), consent.ErrLinkGone)
		m, err := h.Manage(t.Context(), link)
		if err != nil || m.Consent.Status != consent.RevokedByPsu {
			t.Errorf("manage = %+v, %v", m, err)
		}
		time.Sleep(30 * day)
		wantErr(t, second(h.Manage(t.Context(), link)), consent.ErrLinkGone)
	})
}

func TestMailOfWhatRanItsTime(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, h.Settle(t.Context()))
		must(t, h.Work(t.Context()))
		link := p.manageLink(t)
		end := p.wantStatus(t, consent.Valid, "").EndsAt
		time.Sleep(time.Until(end.Add(29 * day)))
		must(t, second(h.OpenAccessByMail(t.Context(), link)))
		time.Sleep(day)
		wantErr(t, second(h.OpenAccessByMail(t.Context(), link)), consent.ErrLinkGone)
	})
}

func TestVisitorsStopAndRenew(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		v := h.signedIn(t, gudrun)
		link, err := h.RenewByVisitor(t.Context(), v, p.id)
		must(t, err)
		p.link = link.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: anna}), consent.EndWrongPerson) // as ever
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		for range 2 {
			c, err := h.StopByVisitor(t.Context(), v, p.id)
			must(t, err)
			if c.Status != consent.RevokedByPsu || c.Cause.Actor != consent.ByCustomer {
				t.Errorf("stopped: %s by %s", c.Status, c.Cause.Actor)
			}
		}
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		wantErr(t, second(h.RenewByVisitor(t.Context(), v, p.id)), consent.ErrLinkGone)
		a, err := h.AccessTo(t.Context(), v, p.id)
		must(t, err)
		if len(a.Timeline) < 4 || a.Renewable || a.Consent.Personal != nil {
			t.Errorf("after the end: %+v", a)
		}
		time.Sleep(2*365*day + time.Hour)
		h.wantAccesses(t, v, nil, nil)
		wantErr(t, second(h.AccessTo(t.Context(), v, p.id)), consent.ErrNotFound)
	})
}

func TestHistoryNamesNoStaff(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		must(t, second(h.See(t.Context(), consent.Staff{ID: "s1", Name: "Sigga", Role: "support"}, p.id, "she called")))
		a, err := h.AccessTo(t.Context(), h.signedIn(t, gudrun), p.id)
		must(t, err)
		seen := false
		for _, e := range a.Timeline {
			seen = seen || e.Actor == consent.ByStaff
			if e.Staff != "" || e.Reason != "" {
				t.Errorf("the history has %q and %q", e.Staff, e.Reason)
			}
		}
		if !seen {
			t.Error("the history does not tell that support looked")
		}
	})
}

// TestAListThatIsWrongShowsNothing: what finds a consent is no proof of whose
// it is.
func TestAListThatIsWrongShowsNothing(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		hers := h.lends(t, "sandbox", anna, "0501809999")
		v := h.signedIn(t, gudrun)
		into := fmt.Sprintf("{p:%s}:by:person:%x", hers.Partition(), v.Holder.Person)
		must(t, second(h.redis.ZAdd(into, 1, string(hers))))
		h.wantAccesses(t, v, []consent.ID{p.id}, nil)
		wantErr(t, second(h.AccessTo(t.Context(), v, hers)), consent.ErrNotFound)
	})
}

func TestAccessesInPages(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		for range 60 {
			copied := copyConsent(t, h.redis, p.id)
			must(t, second(h.redis.ZAdd(fmt.Sprintf("{p:%s}:customer:%x", p.id.Partition(), h.customer(t)), 1, string(copied))))
		}
		v := consent.Visitor{App: "shop", Holder: consent.Holder{Customer: h.customer(t)}}
		page, err := h.Accesses(t.Context(), v, "")
		must(t, err)
		if page.Next == "" || len(page.Now) != 1 { // the copies' sealed data is another consent's
			t.Fatalf("first page: %d and %q", len(page.Now), page.Next)
		}
		page, err = h.Accesses(t.Context(), v, page.Next)
		if err != nil || page.Next != "" {
			t.Errorf("second page: %+v, %v", page, err)
		}
		for _, no := range []string{"x", strings.Repeat("A", 300), "ZW5kcyAxIGNucw"} {
			wantErr(t, second(h.Accesses(t.Context(), v, no)), consent.ErrNotFound)
		}
	})
}

// customer is the keyed index of the shop's customer.
func (h *house) customer(t *testing.T) []byte {
	t.Helper()
	index, err := h.config.Keys.Index("customer", "shop", "customer-1")
	must(t, err)
	return index
}

var copies int

func copyConsent(t *testing.T, m *miniredis.Miniredis, id consent.ID) consent.ID {
	t.Helper()
	copies++
	to := consent.ID(fmt.Sprintf("%s%05d", id[:len(id)-5], copies))
	from := "{p:" + id.Partition() + "}:consent:"
	fields, err := m.HKeys(from + string(id))
	must(t, err)
	for _, f := range fields {
		m.HSet(from+string(to), f, m.HGet(from+string(id), f))
	}
	return to
}

func TestErasedCustomerIsNobody(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		h.granted(t)
		v := h.signedIn(t, gudrun)
		must(t, second(h.Erase(t.Context(), shop, "customer-1")))
		h.wantAccesses(t, v, nil, nil)
		r, _ := h.signIn(t, sandbox.Customer{User: gudrun})
		wantEnding(t, r, consent.EndNobody)
	})
}
