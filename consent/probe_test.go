package consent_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
)

func TestReportOfA401(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		for code, want := range map[string]consent.Reported{
			"ERR_80102_110": consent.ReportedBusiness, "ERR_80102_111": consent.ReportedBusiness, "ERR_80102_112": consent.ReportedBusiness,
		} {
			got, err := h.Report(t.Context(), shop, p.id, code)
			must(t, err)
			if got != want {
				t.Errorf("Report(%s) = %s, want %s", code, got, want)
			}
		}
		if h.bank.Refreshes() != 0 {
			t.Error("a business refusal was taken for a dead token")
		}
		before, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		got, err := h.Report(t.Context(), shop, p.id, "ERR_80102_000")
		must(t, err)
		after, err := p.token(t, consent.TokenRequest{})
		must(t, err)
		if got != consent.ReportedAlive || after.Access.Token == before.Access.Token {
			t.Errorf("Report = %s, token replaced: %t", got, after.Access.Token != before.Access.Token)
		}
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: 429})
		if got, err = h.Report(t.Context(), shop, p.id, "ERR_80102_000"); err != nil || got != consent.ReportedUnknown {
			t.Errorf("Report = %s, %v, while the bank does not answer", got, err)
		}
		time.Sleep(time.Minute)
		h.bank.Withdraw(gudrun, "consentd")
		if got, err = h.Report(t.Context(), shop, p.id, "ERR_80102_000"); err != nil || got != consent.ReportedEnded {
			t.Errorf("Report = %s, %v, after a withdrawal", got, err)
		}
		p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
	})
}

func TestWithdrawalInTheOnlineBankIsSeen(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.Service = h.replica(t, func(c *consent.Config) { c.Life.ProbeAfter = day })
		p := h.granted(t)
		h.live(t, 5*day, time.Hour)
		if n := h.bank.Refreshes(); n < 4 || n > 6 {
			t.Errorf("%d probes in five days, want one a day", n)
		}
		h.bank.Withdraw(gudrun, "consentd")
		h.live(t, day+time.Hour, time.Hour)
		p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
		wantTold(t, h.mail, "connected", "refused")
	})
}

func TestProbesKeepToTheBanksBudget(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.Service = h.replica(t, func(c *consent.Config) { c.Life.ProbeAfter, c.Life.ProbesPerMinute = day, 2 })
		for range 7 {
			h.granted(t)
		}
		time.Sleep(day + time.Minute)
		for minute := range 4 {
			must(t, h.Work(t.Context()))
			if want := min(2*(minute+1), 7); h.bank.Refreshes() != want {
				t.Errorf("%d probes after %d minutes, want %d", h.bank.Refreshes(), minute, want)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestAfterAnOutageEverythingIsProbedWithinTheBudget(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.Service = h.replica(t, func(c *consent.Config) { c.Life.ProbesPerMinute = 3 })
		var trips []*trip
		for range 5 {
			trips = append(trips, h.granted(t))
		}
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.bank.Withdraw(gudrun, "consentd")
		n, err := h.ProbeAll(t.Context(), "sandbox")
		must(t, err)
		if n != 5 {
			t.Errorf("%d consents to be probed, want 5", n)
		}
		must(t, h.Work(t.Context()))
		synctest.Wait()
		if n := h.bank.Calls(sandbox.EndpointToken); n != 5+3 {
			t.Errorf("%d calls at the bank in the first minute, want 5 redemptions and 3 probes", n)
		}
		h.live(t, 10*time.Minute, time.Minute)
		for _, p := range trips {
			p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
		}
		other.wantStatus(t, consent.Valid, "")
		if h.second.Refreshes() != 0 {
			t.Error("another bank was probed")
		}
	})
}
