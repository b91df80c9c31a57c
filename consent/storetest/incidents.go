package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// incidents are the tests of banks that refuse many grants at once.
func incidents() map[string]func(*testing.T, *fixture) {
	return map[string]func(*testing.T, *fixture){
		"Incidents/tells from when, and who was refused":   incidentsTell,
		"Incidents/prolonged by as many refusals again":    incidentProlonged,
		"LiftIncident/has refusals believed for a while":   liftBelieved,
		"MarkDead/keeps the grant until it is believed":    markDeadKeeps,
		"MarkDead/of the wrong person's keeps nothing":     markDeadWrongPerson,
		"Restore/gives the grant back once":                restoreOnce,
		"Restore/not to what was renewed or stopped since": restoreNot,
		"Restore/a late repetition of the refusal is old":  restoreLate,
		"End/puts aside what its bank refused":             endRefused,
		"Activate/puts aside what its bank refused":        activateRefused,
		"Believe/forgets the grant and tells once":         believeTells,
		"Restore/tells who heard of the end":               restoreTellsWhoHeard,
		"Heard/of what lives is of nothing":                heardOfWhatLives,
	}
}

// refuse has a bank refuse n grants at a moment, and counts those not believed.
func (f *fixture) refuse(t *testing.T, n int, at time.Time) int {
	t.Helper()
	doubted := 0
	for i := range n {
		on, err := f.Refused(t.Context(), bank, string(id(i)), at)
		must(t, err)
		if on {
			doubted++
		}
	}
	return doubted
}

func (f *fixture) incident(t *testing.T) consent.Incident {
	t.Helper()
	all, err := f.Incidents(t.Context(), []string{"quiet", bank})
	must(t, err)
	if len(all) != 1 || all[0].Bank != bank {
		t.Fatalf("incidents = %+v", all)
	}
	return all[0]
}

func incidentsTell(t *testing.T, f *fixture) {
	if all, err := f.Incidents(t.Context(), []string{bank}); err != nil || len(all) != 0 {
		t.Fatalf("incidents of a quiet bank: %+v, %v", all, err)
	}
	f.refuse(t, 1, f.now.Add(-2*time.Minute)) // too long ago to count
	f.refuse(t, 5, f.now)
	later := f.now.Add(30 * time.Second)
	for i := 5; i < 15; i++ {
		_, err := f.Refused(t.Context(), bank, string(id(i)), later)
		must(t, err)
	}
	got := f.incident(t)
	if !got.From.Equal(f.now) || !got.Since.Equal(later) || !got.Until.Equal(later.Add(15*time.Minute)) || !got.Lifted.IsZero() ||
		got.Refusals != 15 || len(got.Doubted) != 15 || !slices.Contains(got.Doubted, id(0)) {
		t.Errorf("incident = %+v", got)
	}
}

func incidentProlonged(t *testing.T, f *fixture) {
	f.refuse(t, 11, f.now)
	at := f.now.Add(10 * time.Minute)
	if n := f.refuse(t, 10, at); n != 10 {
		t.Errorf("%d of 10 refusals in the incident are doubted", n)
	}
	if got := f.incident(t); !got.Until.Equal(f.now.Add(15 * time.Minute)) {
		t.Errorf("a few refusals prolong it until %s", got.Until)
	}
	f.refuse(t, 11, at)
	if got := f.incident(t); !got.Until.Equal(at.Add(15*time.Minute)) || !got.Since.Equal(f.now) {
		t.Errorf("prolonged: %+v", got)
	}
	if n := f.refuse(t, 10, at.Add(time.Hour)); n != 0 {
		t.Errorf("%d refusals are doubted after it", n)
	}
	if f.refuse(t, 11, at.Add(time.Hour)) == 0 || !f.incident(t).Since.Equal(at.Add(time.Hour)) {
		t.Error("the next one is not one of its own")
	}
}

func liftBelieved(t *testing.T, f *fixture) {
	wantErr(t, f.LiftIncident(t.Context(), bank, f.now, f.now.Add(time.Hour)), consent.ErrNotFound)
	f.refuse(t, 20, f.now)
	at := f.now.Add(time.Minute)
	for range 2 { // the second time is a lost reply's
		must(t, f.LiftIncident(t.Context(), bank, at, at.Add(time.Hour)))
	}
	wantErr(t, f.LiftIncident(t.Context(), bank, at.Add(time.Second), at.Add(time.Hour)), consent.ErrNotFound)
	if got := f.incident(t); !got.Lifted.Equal(at) || !got.Until.Equal(at) {
		t.Errorf("lifted: %+v", got)
	}
	if n := f.refuse(t, 50, at.Add(time.Second)); n != 0 {
		t.Errorf("%d of 50 refusals are doubted after the lift", n)
	}
	if n := f.refuse(t, 20, at.Add(time.Hour)); n != 10 {
		t.Errorf("%d of 20 refusals are doubted once the lift is over, want 10", n)
	}
}

// refused is a consent that its bank ended, and the lease it was ended under.
func (f *fixture) refused(t *testing.T, n int) (consent.ID, token.Lease) {
	t.Helper()
	id := f.valid(t, n)
	l := f.acquire(t, id, 1, "a", time.Minute)
	must(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, f.now))
	wantStatus(t, f, id, consent.TerminatedByAspsp)
	return id, l
}

func markDeadKeeps(t *testing.T, f *fixture) {
	id, l := f.refused(t, 1)
	must(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, f.now))
	_, err := f.Newest(t.Context(), id)
	wantErr(t, err, token.ErrNoGrant)
	h, err := f.HandOut(t.Context(), f.request(id))
	if err != nil || h.Outcome != consent.OutcomeRevoked || len(h.Sealed.Access) > 0 {
		t.Errorf("hand-out = %+v, %v", h, err)
	}
	if due := f.claim(t, f.now.Add(time.Minute)); len(due) != 0 {
		t.Errorf("due before an incident could count it: %v", names(due))
	}
	if due := f.claim(t, f.now.Add(2*time.Minute)); !slices.Equal(names(due), []string{"believe " + string(id)}) {
		t.Errorf("due: %v", names(due))
	}
}

func markDeadWrongPerson(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.MarkDead(t.Context(), string(id), f.acquire(t, id, 1, "a", time.Minute), token.ErrAnswerRejected, f.now))
	wantErr(t, f.Restore(t.Context(), id, f.now, consent.Work{}), token.ErrNoGrant)
	if due := f.claim(t, f.now.Add(2*time.Minute)); !slices.Equal(names(due), []string{"deliver " + string(id) + " all refused 1"}) {
		t.Errorf("due: %v", names(due))
	}
}

func restoreOnce(t *testing.T, f *fixture) {
	id, _ := f.refused(t, 1)
	at := f.now.Add(2 * time.Minute)
	work := consent.Work{Add: []consent.Task{task(id, consent.TaskExpire, "", at)}, Remove: []consent.Task{task(id, consent.TaskBelieve, "", at)}}
	must(t, f.Restore(t.Context(), id, at, work))
	c := wantStatus(t, f, id, consent.Valid)
	if c.Cause != (consent.Cause{}) || !c.EndedAt.IsZero() || c.Term != 1 {
		t.Errorf("consent = %+v", c)
	}
	h, err := f.HandOut(t.Context(), f.request(id))
	if want := f.activation("commit-1").Sealed; err != nil || h.Outcome != consent.OutcomeAllowed || string(h.Sealed.Access) != string(want.Access) || !h.Resting {
		t.Errorf("hand-out = %+v, %v", h, err)
	}
	if due := f.claim(t, at); !slices.Equal(names(due), []string{"expire " + string(id)}) {
		t.Errorf("due: %v", names(due))
	}
	lines, err := f.Timeline(t.Context(), id, 1)
	if err != nil || lines[0].Event != "restored" || lines[0].Actor != consent.BySystem {
		t.Errorf("timeline: %+v, %v", lines, err)
	}
	wantErr(t, f.Restore(t.Context(), id, at, work), token.ErrNoGrant)
	must(t, f.Believe(t.Context(), id, consent.Work{Add: []consent.Task{task(id, consent.TaskDeliver, "all refused 1", at)}}))
	wantStatus(t, f, id, consent.Valid)
	if due := f.claim(t, at); len(due) != 0 {
		t.Errorf("told of what was taken back: %v", names(due))
	}
}

func restoreNot(t *testing.T, f *fixture) {
	renewed, _ := f.refused(t, 1)
	a := f.activation("commit-2")
	a.Version = 3
	must(t, f.Activate(t.Context(), renewed, a))
	wantErr(t, f.Restore(t.Context(), renewed, f.now, consent.Work{}), token.ErrNoGrant)
	if h, err := f.HandOut(t.Context(), f.request(renewed)); err != nil || h.Sealed.CommitID != "commit-2" {
		t.Errorf("hand-out = %+v, %v", h, err)
	}
	stopped, _ := f.refused(t, 2)
	f.end(t, stopped)
	wantErr(t, f.Restore(t.Context(), stopped, f.now, consent.Work{}), token.ErrNoGrant)
	wantStatus(t, f, stopped, consent.RevokedByPsu)
	purged, _ := f.refused(t, 3)
	must(t, f.Purge(t.Context(), purged, customer, nil, consent.Work{}))
	wantErr(t, f.Restore(t.Context(), purged, f.now, consent.Work{}), consent.ErrNotFound)
}

func restoreLate(t *testing.T, f *fixture) {
	id, l := f.refused(t, 1)
	must(t, f.Restore(t.Context(), id, f.now, consent.Work{}))
	wantErr(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, f.now), token.ErrNewer)
	wantStatus(t, f, id, consent.Valid)
}

// wantAside fails unless a grant of f.valid waits for its bank to be told.
func (f *fixture) wantAside(t *testing.T, id consent.ID) {
	t.Helper()
	at, s, err := f.Aside(t.Context(), id, "commit-1")
	want := f.activation("commit-1").Sealed
	if err != nil || at != bank || string(s.Access) != string(want.Access) || string(s.Refresh) != string(want.Refresh) {
		t.Errorf("aside = %s, %+v, %v", at, s, err)
	}
	if due := f.claim(t, f.now); !slices.Equal(names(due), []string{"revoke " + string(id) + " commit-1"}) {
		t.Errorf("due: %v", names(due))
	}
}

// endRefused: a refusal that is doubted may leave the grant alive at the bank.
func endRefused(t *testing.T, f *fixture) {
	id, _ := f.refused(t, 1)
	for range 2 {
		f.end(t, id)
	}
	f.wantAside(t, id)
	must(t, f.Told(t.Context(), task(id, consent.TaskRevoke, "commit-1", f.now), token.RevocationConfirmed, f.now))
	if c := wantStatus(t, f, id, consent.RevokedByPsu); c.BankTold != token.RevocationConfirmed {
		t.Errorf("bank told: %q", c.BankTold)
	}
}

func activateRefused(t *testing.T, f *fixture) {
	id, _ := f.refused(t, 1)
	a := f.activation("commit-2")
	a.Version, a.RevokeReplaced = 3, true
	for range 2 {
		must(t, f.Activate(t.Context(), id, a))
	}
	f.wantAside(t, id)
	replaced, _ := f.refused(t, 2)
	a.RevokeReplaced = false // the bank sees to it
	must(t, f.Activate(t.Context(), replaced, a))
	_, _, err := f.Aside(t.Context(), replaced, "commit-1")
	wantErr(t, err, token.ErrNoGrant)
}

func believeTells(t *testing.T, f *fixture) {
	id, _ := f.refused(t, 1)
	at := f.now.Add(2 * time.Minute)
	got := f.claim(t, at)
	work := consent.Work{Add: []consent.Task{task(id, consent.TaskDeliver, "all refused 1", at)}, Remove: got}
	must(t, f.Believe(t.Context(), id, work))
	wantErr(t, f.Restore(t.Context(), id, at, consent.Work{}), token.ErrNoGrant)
	wantStatus(t, f, id, consent.TerminatedByAspsp)
	if due := f.claim(t, at.Add(time.Hour)); !slices.Equal(names(due), []string{"deliver " + string(id) + " all refused 1"}) {
		t.Errorf("due: %v", names(due))
	}
}
