package consent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestManageLink(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 61*day, time.Hour)
		link := p.manageLink(t)
		for range 10 {
			m, err := h.Manage(t.Context(), link)
			must(t, err)
			if m.Used || m.Consent.ID != p.id {
				t.Fatalf("manage = %+v", m)
			}
		}
		wantErr(t, second(h.Manage(t.Context(), "forged")), consent.ErrLinkGone)
		wantErr(t, second(h.Manage(t.Context(), link[:len(link)-4]+"AAAA")), consent.ErrLinkGone)
		fresh, err := h.RenewByCustomer(t.Context(), link)
		must(t, err)
		p.link = fresh.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		synctest.Wait()
		wantErr(t, second(h.RenewByCustomer(t.Context(), link)), consent.ErrLinkGone)
		wantErr(t, second(h.StopByCustomer(t.Context(), link)), consent.ErrLinkGone)
		if m, err := h.Manage(t.Context(), link); err != nil || !m.Used {
			t.Errorf("manage after renewal = %+v, %v", m, err)
		}
		must(t, second(h.StopByCustomer(t.Context(), p.manageLink(t))))
		p.wantStatus(t, consent.RevokedByPsu, consent.CauseStopped)
	})
}
