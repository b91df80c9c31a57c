package servertest

import (
	"testing"
	"time"

	"github.com/consentd/consentd/client"
)

func neededBeyondTheEnd(t *testing.T, a app) {
	id := a.connected()
	end := a.get(id).EndsAt
	late, later := client.TokenRequest{NeededUntil: end.Add(day)}, client.TokenRequest{NeededUntil: end.Add(2 * day)}
	for _, r := range []client.TokenRequest{late, later, late} {
		p := a.refused(id, r, client.ErrRenewalRequired)
		if a.leads(p, true); !p.ConsentEndsAt.Equal(end) {
			t.Errorf("the consent ends at %s, want %s", p.ConsentEndsAt, end)
		}
		a.Settle()
	}
	told := a.heard(client.Granted, client.Expiring).Data
	if found := a.get(id); !found.NeededUntil.Equal(later.NeededUntil) || !told.NeededUntil.Equal(late.NeededUntil) || told.WarningDays != 0 || told.Status != client.Valid {
		t.Errorf("needed until %s; told %+v", found.NeededUntil, told)
	}
	a.token(id)
	a.Advance(3 * day)
	a.renew(id)
	if found := a.get(id); !found.NeededUntil.IsZero() || found.Renewals != 1 {
		t.Errorf("after a renewal = %+v", found)
	}
	_, err := a.c.Token(t.Context(), id, later)
	a.must(err)
	a.heard(client.Granted, client.Expiring, client.Renewed)
}

func cancelled(t *testing.T, a app) {
	made := a.ask(nil)
	a.Cancel(made.ID, made.Page.URL)
	a.Settle()
	found := a.get(made.ID)
	if found.Status != client.Rejected || found.DaysLeft != 0 {
		t.Errorf("Get = %+v", found)
	}
	a.caused(found.Cause, "customer", "cancelled")
	p := a.refused(made.ID, client.TokenRequest{}, client.ErrRejected)
	a.caused(p.Cause, "customer", "cancelled")
	a.leads(p, true)
	a.heard(client.WasRejected)
	a.renew(made.ID)
	if found := a.get(made.ID); found.Status != client.Valid || found.Cause != nil || found.Renewals != 0 {
		t.Errorf("after a second try: %+v", found)
	}
	a.heard(client.WasRejected, client.Granted)
}

func renewed(t *testing.T, a app) {
	id := a.connected()
	a.Advance(10 * day)
	if left := a.get(id).DaysLeft; left != 80 {
		t.Errorf("after ten days %d are left", left)
	}
	page, err := a.c.Renew(t.Context(), id)
	a.must(err)
	a.Cancel(id, page.URL)
	if found := a.get(id); found.Status != client.Valid || found.DaysLeft != 80 || found.Cause != nil {
		t.Errorf("a renewal that came to nothing: %+v", found)
	}
	a.renew(id)
	if found := a.get(id); found.Renewals != 1 || found.DaysLeft != 90 {
		t.Errorf("after a renewal: %+v", found)
	}
	if e := a.heard(client.Granted, client.Renewed); e.Data.ConsentID != id || e.Data.DaysLeft != 90 || e.ID == "" || e.Timestamp.IsZero() {
		t.Errorf("event = %+v", e)
	}
}

func warned(t *testing.T, a app) {
	id := a.connected()
	warning := func(pass time.Duration, days, left int, want ...client.EventType) {
		t.Helper()
		a.Advance(pass)
		a.Settle()
		if told := a.heard(want...).Data; told.WarningDays != days || told.DaysLeft != left || !told.NeededUntil.IsZero() {
			t.Errorf("told %+v, want the warning %d days before, with %d left", told, days, left)
		}
	}
	warning(84*day, 7, 6, client.Granted, client.Expiring)
	warning(time.Hour, 7, 6, client.Granted, client.Expiring)
	warning(4*day, 3, 2, client.Granted, client.Expiring, client.Expiring)
	a.renew(id)
	warning(89*day+time.Hour, 1, 1, client.Granted, client.Expiring, client.Expiring, client.Renewed, client.Expiring)
}

func lapsed(t *testing.T, a app) {
	id := a.connected()
	end := a.get(id).EndsAt
	a.Advance(ConsentLife)
	a.Settle()
	found := a.get(id)
	if found.Status != client.Expired || found.DaysLeft != 0 || !found.EndsAt.Equal(end) || !found.EndedAt.IsZero() {
		t.Errorf("Get = %+v", found)
	}
	a.caused(found.Cause, "system", "lapsed")
	p := a.refused(id, client.TokenRequest{}, client.ErrConsentExpired)
	if a.leads(p, true); !p.ConsentEndsAt.Equal(end) {
		t.Errorf("the consent ended at %s, want %s", p.ConsentEndsAt, end)
	}
	a.caused(p.Cause, "system", "lapsed")
	if e := a.heard(client.Granted, client.HasExpired); e.Data.Status != client.Expired || !e.Timestamp.Equal(end) {
		t.Errorf("event = %+v, want one of %s", e, end)
	}
	a.renew(id)
	if found := a.get(id); found.Status != client.Valid || found.Renewals != 1 {
		t.Errorf("connected again: %+v", found)
	}
	a.heard(client.Granted, client.HasExpired, client.Granted)
}

// over is a consent for which there is no way back.
func (a app) over(id string, status client.Status, actor string) {
	a.t.Helper()
	a.Settle()
	found := a.get(id)
	if found.Status != status || found.EndedAt.IsZero() || found.DaysLeft != 0 {
		a.t.Errorf("Get = %+v, want %s", found, status)
	}
	a.caused(found.Cause, actor, "stopped")
	p := a.refused(id, client.TokenRequest{}, client.ErrRevoked)
	a.leads(p, false)
	a.caused(p.Cause, actor, "stopped")
	_, err := a.c.Renew(a.t.Context(), id)
	a.leads(a.problem(err, client.ErrRevoked), false)
	e := a.heard(client.Granted, client.Revoked)
	a.caused(e.Data.Cause, actor, "stopped")
	verdict, err := a.c.Report(a.t.Context(), id, client.Refusal{Status: 401})
	if a.must(err); verdict != client.ConsentEnded {
		a.t.Errorf("Report = %s", verdict)
	}
	again, err := a.c.Stop(a.t.Context(), id)
	if a.must(err); again.Status != status {
		a.t.Errorf("stopped again, it is %s", again.Status)
	}
}

func stoppedByCustomer(t *testing.T, a app) {
	id := a.connected()
	a.Stop(id)
	a.over(id, client.RevokedByPsu, "customer")
}

func stoppedByApp(t *testing.T, a app) {
	id := a.connected()
	_, err := a.c.Stop(t.Context(), id)
	a.must(err)
	a.over(id, client.TerminatedByTpp, "app")
	if told := a.get(id).BankTold; told != "confirmed" {
		t.Errorf("the bank was told: %q", told)
	}
}

func withdrawn(t *testing.T, a app) {
	id := a.connected()
	a.Withdraw(id)
	a.token(id) // nobody knows yet
	for range 2 {
		verdict, err := a.c.Report(t.Context(), id, client.Refusal{Status: 401})
		if a.must(err); verdict != client.ConsentEnded {
			t.Errorf("Report = %s", verdict)
		}
	}
	found := a.get(id)
	if found.Status != client.TerminatedByAspsp || found.EndedAt.IsZero() {
		t.Errorf("Get = %+v", found)
	}
	if found.BankTold != "" {
		t.Errorf("the bank was told: %q", found.BankTold)
	}
	a.caused(found.Cause, "bank", "refused")
	p := a.refused(id, client.TokenRequest{}, client.ErrRevoked)
	a.leads(p, true)
	a.caused(p.Cause, "bank", "refused")
	a.Advance(3 * time.Minute) // the bank might have refused many at once
	a.Settle()
	a.heard(client.Granted, client.NeedsRenewal)
	a.renew(id)
	a.heard(client.Granted, client.NeedsRenewal, client.Recovered)
	a.token(id)
}

func reports(t *testing.T, a app) {
	id := a.connected()
	before := a.token(id).Access
	verdict := func(code string, want client.Verdict) {
		t.Helper()
		got, err := a.c.Report(t.Context(), id, client.Refusal{Status: 401, Code: code})
		if a.must(err); got != want {
			t.Errorf("Report = %s, want %s", got, want)
		}
	}
	verdict(a.BusinessCode(), client.NotAboutTheToken)
	if a.token(id).Access != before {
		t.Error("the token was replaced for nothing")
	}
	verdict("", client.TokenReplaced)
	if a.token(id).Access == before {
		t.Error("the token was not replaced")
	}
	a.BankDown(true)
	verdict("", client.UnknownVerdict)
	a.BankDown(false)
	a.token(id)
	_, err := a.c.Report(t.Context(), id, client.Refusal{Status: 200})
	if p := a.problem(err, client.ErrInvalid); len(p.Mistakes) != 1 || p.Mistakes[0].Pointer != "/status" {
		t.Errorf("mistakes = %v", p.Mistakes)
	}
}

func bankDown(t *testing.T, a app) {
	id := a.connected()
	a.BankDown(true)
	a.token(id) // the one that is there
	a.Advance(TokenLife)
	p := a.refused(id, client.TokenRequest{}, client.ErrBankUnavailable)
	a.problem(p, client.ErrUnavailable)
	if a.leads(p, false); p.RetryAfter == 0 || p.Cause != nil {
		t.Errorf("problem = %+v", p)
	}
	if found := a.get(id); found.Status != client.Valid {
		t.Errorf("Get = %+v", found)
	}
}
