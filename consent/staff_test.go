package consent_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

// onRecord is the newest act, and the consent's newest line of it.
func (p *trip) onRecord(t *testing.T) (consent.Act, consent.Entry) {
	t.Helper()
	head, err := p.AuditHead(t.Context())
	must(t, err)
	acts, err := p.Audit(t.Context(), head.Seq-1, 10)
	must(t, err)
	h, err := p.History(t.Context(), p.id)
	must(t, err)
	lines := slices.DeleteFunc(h.Timeline, func(e consent.Entry) bool { return e.Actor != consent.ByStaff || !strings.HasPrefix(e.Event, "staff_") })
	if len(acts) != 1 || len(lines) == 0 {
		t.Fatalf("acts %+v, lines %+v", acts, lines)
	}
	return acts[0], lines[len(lines)-1]
}

func TestStaffSeeOnRecord(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		ctx := consent.WithOrigin(t.Context(), consent.Origin{RequestID: "req-7"})
		history, err := h.See(ctx, audur, p.id, "Guðrún called")
		must(t, err)
		a, line := p.onRecord(t)
		if a.Staff != audur || a.Action != consent.ActSee || a.Consent != p.id || a.Reason != "Guðrún called" || a.RequestID != "req-7" || a.Damaged {
			t.Errorf("act = %+v", a)
		}
		if line.Event != "staff_see" || line.Detail != "act 1" || line.Staff != "audur" || line.Reason != "" || !slices.Contains(history.Timeline, line) {
			t.Errorf("line = %+v", line)
		}
		if strings.Contains(h.redis.Dump(), "Guðrún called") {
			t.Error("the reason is in Redis in the clear")
		}
	})
}

func TestStaffSeeAListOnRecord(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		first, second := h.granted(t), h.granted(t)
		all, err := h.SeeList(t.Context(), audur, []consent.ID{first.id, "cns_7f000000000000000000000000001", second.id}, "Guðrún called")
		must(t, err)
		if len(all) != 2 || all[0].ID != first.id || all[1].ID != second.id || all[0].Personal != nil {
			t.Errorf("list = %+v", all)
		}
		a, line := second.onRecord(t)
		if a.Seq != 2 || a.Action != consent.ActList || a.Consent != second.id || a.Reason != "Guðrún called" || line.Event != "staff_list" || line.Detail != "act 2" {
			t.Errorf("act = %+v, line = %+v", a, line)
		}
	})
}

func TestStaffNeedAReason(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		acts := map[string]func(reason string) error{
			"see":     func(r string) error { return second(h.See(t.Context(), audur, p.id, r)) },
			"list":    func(r string) error { return second(h.SeeList(t.Context(), audur, []consent.ID{p.id}, r)) },
			"stop":    func(r string) error { return second(h.StopByStaff(t.Context(), audur, p.id, r)) },
			"renewal": func(r string) error { return second(h.RenewalByStaff(t.Context(), audur, p.id, r)) },
			"send":    func(r string) error { return h.SendRenewal(t.Context(), audur, p.id, r) },
			"erase": func(r string) error {
				return second(h.EraseByStaff(t.Context(), audur, shop, "customer-1", r))
			},
		}
		for name, act := range acts {
			for _, reason := range []string{"", "  ", "a\nb", "\u202ereversed", strings.Repeat("x", 201), "\xff"} {
				if _, ok := errors.AsType[*consent.Invalid](act(reason)); !ok {
					t.Errorf("%s for %q is no mistake", name, reason)
				}
			}
		}
		if head, err := h.AuditHead(t.Context()); err != nil || head.Seq != 0 {
			t.Errorf("on record: %v, %v", head, err)
		}
		p.wantStatus(t, consent.Valid, "")
		wantErr(t, second(h.See(t.Context(), audur, "cns_7f000000000000000000000000001", "why")), consent.ErrNotFound)
	})
}

func TestStopByStaff(t *testing.T) {
	for reason, code := range map[string]string{"fraud-report": "fraud-report", "She lost her phone": consent.CauseStopped} {
		bubble(t, func(t *testing.T, h *house) {
			p := h.granted(t)
			c, err := h.StopByStaff(t.Context(), audur, p.id, reason)
			must(t, err)
			if c.Status != consent.TerminatedByTpp || c.Cause != (consent.Cause{Actor: consent.ByStaff, Code: code}) {
				t.Errorf("consent = %s, %+v", c.Status, c.Cause)
			}
			if a, _ := p.onRecord(t); a.Action != consent.ActStop || a.Reason != reason {
				t.Errorf("act = %+v", a)
			}
			history, err := h.History(t.Context(), p.id)
			must(t, err)
			ended := slices.IndexFunc(history.Timeline, func(e consent.Entry) bool { return e.Event == string(consent.TerminatedByTpp) })
			if ended < 0 || history.Timeline[ended].Staff != audur.ID {
				t.Errorf("timeline = %+v", history.Timeline)
			}
			wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		})
	}
}

func TestRenewalByStaff(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		link, err := h.RenewalByStaff(t.Context(), audur, p.id, "on the phone")
		must(t, err)
		if a, line := p.onRecord(t); a.Action != consent.ActRenewal || line.Event != "staff_renewal" {
			t.Errorf("act = %+v, line %+v", a, line)
		}
		p.link = link.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		must(t, second(h.StopByStaff(t.Context(), audur, p.id, "fraud")))
		wantErr(t, second(h.RenewalByStaff(t.Context(), audur, p.id, "on the phone")), consent.ErrRevoked)
		wantErr(t, h.SendRenewal(t.Context(), audur, p.id, "on the phone"), consent.ErrRevoked)
	})
}

func TestSendRenewal(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		wantErr(t, h.SendRenewal(t.Context(), audur, p.id, "asked"), consent.ErrLinkGone) // nothing to renew yet
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		for range 2 { // asked for twice, sent twice
			must(t, h.SendRenewal(t.Context(), audur, p.id, "lost the mail"))
			must(t, h.Settle(t.Context()))
		}
		synctest.Wait()
		var links []consent.Event
		for _, e := range h.mail.all() {
			if e.Notice.Word() == consent.ToldLink {
				links = append(links, e)
			}
		}
		if len(links) != 2 || links[0].Key == links[1].Key {
			t.Fatalf("mails: %v", h.mail.what())
		}
		if slices.ContainsFunc(h.hook.all(), func(e consent.Event) bool { return e.Notice.Word() == consent.ToldLink }) {
			t.Error("the app was told of a link for the customer")
		}
		m, err := h.RenewByCustomer(t.Context(), links[1].Manage)
		must(t, err)
		p.link = m.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		time.Sleep(consentLife + 31*24*time.Hour)
		wantErr(t, h.SendRenewal(t.Context(), audur, p.id, "asked"), consent.ErrLinkGone)
	})
}

func TestSendRenewalWithoutAddress(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, link, err := h.Create(t.Context(), shop, consent.Request{Reference: "customer-2", ReturnTo: "done", Bank: "sandbox", Expected: gudrunID})
		must(t, err)
		p := &trip{house: h, at: "sandbox", id: c.ID, link: link.Secret, browser: "hers"}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		wantErr(t, h.SendRenewal(t.Context(), audur, p.id, "asked"), consent.ErrNoAddress)
	})
}

func TestEraseByStaff(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		e, err := h.EraseByStaff(t.Context(), audur, shop, "customer-1", "asked by letter")
		must(t, err)
		acts, err := h.Audit(t.Context(), 0, 10)
		must(t, err)
		if len(acts) != 1 || acts[0].Action != consent.ActErase || acts[0].Detail != "app shop, proof "+e.Reference || e.Consents != 1 {
			t.Errorf("acts = %+v, erasure %+v", acts, e)
		}
	})
}
