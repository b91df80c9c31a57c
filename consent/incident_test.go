package consent_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// refusing is a house whose bank refuses all of 30 grants at once, and how many
// of them ended before it was doubted.
func refusing(t *testing.T, h *house) (trips []*trip, ended int) {
	t.Helper()
	for range 30 {
		trips = append(trips, h.granted(t))
	}
	h.live(t, time.Minute, 10*time.Second)
	time.Sleep(10 * time.Minute)
	h.refusesNext(30)
	for _, p := range trips {
		err := second(p.token(t, consent.TokenRequest{}))
		if errors.Is(err, consent.ErrRevoked) {
			ended++
		} else {
			wantErr(t, err, consent.ErrBankUnavailable)
		}
	}
	return trips, ended
}

func (h *house) refusesNext(n int) {
	h.bank.Fail(sandbox.EndpointToken, n, sandbox.Fault{Status: 400, Body: `{"error":"invalid_grant"}`})
}

func (h *house) toldRefused() int {
	n := 0
	for _, e := range h.mail.what() {
		if e == consent.ToldRefused {
			n++
		}
	}
	return n
}

func TestBankIncidentEndsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		trips, ended := refusing(t, h)
		if ended != 10 {
			t.Errorf("%d consents ended before the bank was doubted, want 10", ended)
		}
		all, err := h.Incidents(t.Context())
		must(t, err)
		if len(all) != 1 || all[0].Bank != "sandbox" || !all[0].On(h.Now()) || len(all[0].Doubted) != 30 || all[0].Refusals != 30 {
			t.Errorf("incidents = %+v", all)
		}
		h.live(t, 5*time.Minute, 30*time.Second)
		for _, p := range trips { // the first ten as well: their grants were kept
			p.wantStatus(t, consent.Valid, "")
			must(t, second(p.token(t, consent.TokenRequest{})))
		}
		history, err := h.History(t.Context(), trips[0].id)
		must(t, err)
		if !slices.ContainsFunc(history.Timeline, func(e consent.Entry) bool { return e.Event == "restored" && e.Detail == "incident" }) {
			t.Errorf("timeline: %+v", history.Timeline)
		}
		h.live(t, time.Hour, 10*time.Minute)
		if n := len(h.mail.what()); n != 30 {
			t.Errorf("%d messages, want those of the grants alone", n)
		}
		h.live(t, 91*day, 6*time.Hour) // warned and over, as without the incident
		trips[0].wantStatus(t, consent.Expired, consent.CauseLapsed)
	})
}

func TestBankIncidentIsLiftedByStaff(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		wantErr(t, h.LiftIncident(t.Context(), audur, "sandbox", "the bank says so"), consent.ErrNotFound)
		trips, ended := refusing(t, h)
		if _, ok := errors.AsType[*consent.Invalid](h.LiftIncident(t.Context(), audur, "sandbox", "")); !ok {
			t.Error("lifted without a reason")
		}
		must(t, h.LiftIncident(t.Context(), audur, "sandbox", "the bank says so"))
		wantErr(t, h.LiftIncident(t.Context(), audur, "sandbox", "again"), consent.ErrNotFound)
		acts, err := h.Audit(t.Context(), 0, 10)
		must(t, err)
		if len(acts) != 1 || acts[0].Action != consent.ActLift || acts[0].Detail != "bank sandbox" {
			t.Errorf("acts = %+v", acts)
		}
		h.live(t, 5*time.Minute, 30*time.Second)
		if n := h.toldRefused(); n != ended {
			t.Errorf("%d customers told, %d consents had ended", n, ended)
		}
		h.refusesNext(20)
		for _, p := range trips[ended:] { // believed, however many
			wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		}
		h.live(t, 5*time.Minute, 30*time.Second)
		if n := h.toldRefused(); n != 30 {
			t.Errorf("%d customers told, want 30", n)
		}
		for _, p := range trips {
			p.wantStatus(t, consent.TerminatedByAspsp, consent.CauseRefused)
		}
	})
}

func TestSingleRefusalIsBelievedAndItsGrantForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 10*time.Minute, time.Minute)
		h.refusesNext(1)
		wantErr(t, second(p.token(t, consent.TokenRequest{})), consent.ErrRevoked)
		if h.toldRefused() != 0 {
			t.Error("told before it is known that the bank meant it")
		}
		h.live(t, 3*time.Minute, 10*time.Second)
		if n := h.toldRefused(); n != 1 {
			t.Errorf("told %d times", n)
		}
		if h.redis.Exists("{p:" + p.id.Partition() + "}:refused:" + string(p.id)) {
			t.Error("the refused grant is kept")
		}
	})
}

func TestRenewalInAnIncidentIsNotUndone(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		trips, _ := refusing(t, h)
		renewed := trips[0]
		wantEnding(t, renewed.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		must(t, second(h.StopByStaff(t.Context(), audur, trips[1].id, "asked")))
		h.live(t, 5*time.Minute, 30*time.Second)
		if c := renewed.wantStatus(t, consent.Valid, ""); c.Term != 2 {
			t.Errorf("term = %d, want 2", c.Term)
		}
		must(t, second(renewed.token(t, consent.TokenRequest{})))
		trips[1].wantStatus(t, consent.TerminatedByTpp, "asked")
		if h.toldRefused() != 0 {
			t.Error("customers were told of refusals that are doubted")
		}
	})
}

// TestDoubtedGrantsAreTakenBackAtTheBank: what the bank only seemed to refuse
// is alive there when somebody stops or renews meanwhile.
func TestDoubtedGrantsAreTakenBackAtTheBank(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		trips, _ := refusing(t, h)
		wantEnding(t, trips[0].again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		must(t, second(h.StopByStaff(t.Context(), audur, trips[1].id, "asked")))
		h.live(t, time.Hour, 30*time.Second)
		if n := h.bank.Calls(sandbox.EndpointRevoke); n != 2 {
			t.Errorf("the bank was told of %d grants, want those of the stopped and the renewed consent", n)
		}
		if c := trips[1].wantStatus(t, consent.TerminatedByTpp, "asked"); c.BankTold != token.RevocationConfirmed {
			t.Errorf("bank told: %q", c.BankTold)
		}
	})
}

func TestErasedInAnIncidentIsTakenBackAtTheBank(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		refusing(t, h)
		must(t, second(h.Erase(t.Context(), shop, "customer-1")))
		h.live(t, time.Hour, 30*time.Second)
		if n := h.bank.Withdraw(gudrun, "consentd"); n != 0 {
			t.Errorf("%d grants of an erased customer live on at the bank", n)
		}
	})
}

func TestIncidentsWithoutStore(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.redis.SetError("LOADING")
		wantErr(t, second(h.Incidents(t.Context())), token.ErrStoreUnavailable)
		wantErr(t, h.LiftIncident(t.Context(), audur, "sandbox", "why"), token.ErrStoreUnavailable)
		h.redis.SetError("")
	})
}
