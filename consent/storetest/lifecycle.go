package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// lifecycle are the tests of what happens to a consent by itself.
func lifecycle() map[string]func(*testing.T, *fixture) {
	return map[string]func(*testing.T, *fixture){
		"End/puts the grant aside":                        endPutsAside,
		"End/keeps what was ended before":                 endKeepsFirst,
		"End/of what has no grant leaves nothing to tell": endUngranted,
		"End/cannot be undone by a late refresh":          endThenCommit,
		"Activate/puts the replaced grant aside":          activatePutsAside,
		"Lapse/deletes the secret once it is over":        lapseOnce,
		"Lapse/leaves a renewed consent alone":            lapseRenewed,
		"Abandon/puts aside what nobody confirmed":        abandonUnconfirmed,
		"Warn/claims each threshold once":                 warnOnce,
		"Warn/says once what another's mail spoke for":    warnSpokenFor,
		"Warn/not for another term, nor what ended":       warnOtherTerm,
		"Remind/off and on, once each":                    remindOnce,
		"Remind/holds for what is created later":          remindLater,
		"Keep/only what is as it was read":                keepUnchanged,
		"Purge/leaves nothing":                            purgeAll,
		"Purge/is for good":                               purgeForGood,
		"Purge/says how it ended":                         purgeTellsTheEnd,
		"Claim/only what is due, and once at a time":      claimDue,
		"Claim/again after the visibility time-out":       claimAgain,
		"Settle/does nothing to a task that was moved":    settleMoved,
		"Deliver/undelivered is listed and can be resent": deliverUndelivered,
		"HandOut/needed beyond the end is kept and told":  handOutNeeded,
		"Activate/clears what it covers":                  activateCovers,
		"InTurn/what comes later waits":                   inTurnWaits,
		"InTurn/and is not taken from who has claimed it": inTurnClaimedSince,
		"InTurn/and is due once the first is gone":        inTurnFollows,
		"Tried/counts until it is delivered":              triedCounts,
		"Spend/within the minute's budget":                spendBudget,
		"Refused/many at once are an incident":            refusedMany,
		"Newest/tells the generation":                     newestTells,
		"Purge/takes what was not delivered along":        purgeUndelivered,
	}
}

func (f *fixture) end(t *testing.T, id consent.ID) {
	t.Helper()
	must(t, f.End(t.Context(), id, consent.End{Status: consent.RevokedByPsu, At: f.now, ForgetBy: f.now.Add(time.Hour),
		Cause: consent.Cause{Actor: consent.ByCustomer, Code: consent.CauseStopped},
		Work:  consent.Work{Remove: []consent.Task{task(id, consent.TaskWarn, "", f.now)}}}))
}

func endPutsAside(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Schedule(t.Context(), id, consent.Work{Add: []consent.Task{task(id, consent.TaskWarn, "", f.now)}}))
	f.end(t, id)
	c := wantStatus(t, f, id, consent.RevokedByPsu)
	if c.Cause.Actor != consent.ByCustomer || !c.EndedAt.Equal(f.now) || !c.TellingBank {
		t.Errorf("consent = %+v", c)
	}
	h, err := f.HandOut(t.Context(), f.request(id))
	if err != nil || h.Outcome != consent.OutcomeRevoked || len(h.Sealed.Access) > 0 {
		t.Errorf("hand-out = %+v, %v", h, err)
	}
	due := f.claim(t, f.now)
	if diff := cmp.Diff([]string{"revoke " + string(id) + " commit-1"}, names(due)); diff != "" {
		t.Fatal(diff)
	}
	at, s, err := f.Aside(t.Context(), id, "commit-1")
	want := f.activation("commit-1").Sealed
	if err != nil || at != bank || string(s.Access) != string(want.Access) || string(s.Refresh) != string(want.Refresh) {
		t.Errorf("aside = %s, %+v, %v", at, s, err)
	}
	must(t, f.Told(t.Context(), due[0], token.RevocationConfirmed, f.now))
	_, _, err = f.Aside(t.Context(), id, "commit-1")
	wantErr(t, err, token.ErrNoGrant)
	if c := wantStatus(t, f, id, consent.RevokedByPsu); c.BankTold != token.RevocationConfirmed || c.TellingBank {
		t.Errorf("bank told: %q, being told: %t", c.BankTold, c.TellingBank)
	}
}

func endUngranted(t *testing.T, f *fixture) {
	f.create(t, 1)
	believed, _ := f.refused(t, 2)
	must(t, f.Believe(t.Context(), believed, consent.Work{}))
	for _, id := range []consent.ID{id(1), believed} {
		f.end(t, id)
		if c := wantStatus(t, f, id, consent.RevokedByPsu); c.BankTold != "" || c.TellingBank {
			t.Errorf("bank told: %q, being told: %t", c.BankTold, c.TellingBank)
		}
	}
}

func endKeepsFirst(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	f.end(t, id)
	must(t, f.End(t.Context(), id, consent.End{Status: consent.TerminatedByTpp, At: f.now.Add(time.Hour),
		Cause: consent.Cause{Actor: consent.ByApp, Code: "later"}, ForgetBy: f.now.Add(time.Hour)}))
	if c := wantStatus(t, f, id, consent.RevokedByPsu); c.Cause.Actor != consent.ByCustomer {
		t.Errorf("cause = %+v", c.Cause)
	}
	wantErr(t, f.Activate(t.Context(), id, f.activation("commit-2")), consent.ErrConflict)
}

func endThenCommit(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	l := f.acquire(t, id, 1, "a", time.Minute)
	f.end(t, id)
	wantErr(t, f.Commit(t.Context(), string(id), l, next(f, "late")), token.ErrNoGrant)
	wantErr(t, f.MarkDead(t.Context(), string(id), l, token.ErrRefused, f.now), token.ErrNoGrant)
	wantStatus(t, f, id, consent.RevokedByPsu)
}

func activatePutsAside(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	a := f.activation("commit-2")
	a.Version, a.Renewal, a.RevokeReplaced = 2, true, true
	must(t, f.Activate(t.Context(), id, a))
	if _, _, err := f.Aside(t.Context(), id, "commit-1"); err != nil {
		t.Error(err)
	}
	_, _, err := f.Aside(t.Context(), id, "commit-2")
	wantErr(t, err, token.ErrNoGrant)
	if c := wantStatus(t, f, id, consent.Valid); c.Term != 2 {
		t.Errorf("term = %d, want 2", c.Term)
	}
}

func lapseOnce(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	end := f.now.Add(90 * 24 * time.Hour)
	tell := task(id, consent.TaskDeliver, "all expired 1", end)
	work := consent.Work{Add: []consent.Task{tell}}
	must(t, f.Lapse(t.Context(), id, end.Add(-time.Millisecond), work))
	if _, err := f.Newest(t.Context(), id); err != nil {
		t.Errorf("the secret was deleted before the end: %v", err)
	}
	must(t, f.Lapse(t.Context(), id, end, work))
	_, err := f.Newest(t.Context(), id)
	wantErr(t, err, token.ErrNoGrant)
	for _, got := range f.claim(t, end) {
		must(t, f.Finish(t.Context(), got))
	}
	must(t, f.Lapse(t.Context(), id, end, work))
	if again := f.claim(t, end); len(again) != 0 {
		t.Errorf("told again: %v", names(again))
	}
}

func lapseRenewed(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	a := f.activation("commit-2")
	a.Version, a.EndsAt = 2, a.EndsAt.Add(time.Hour)
	must(t, f.Activate(t.Context(), id, a))
	must(t, f.Lapse(t.Context(), id, f.now.Add(90*24*time.Hour), consent.Work{}))
	if _, err := f.Newest(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func abandonUnconfirmed(t *testing.T, f *fixture) {
	id := f.unconfirmed(t)
	must(t, f.Abandon(t.Context(), id, f.now))
	if _, err := f.Newest(t.Context(), id); err != nil {
		t.Errorf("given up before its time: %v", err)
	}
	must(t, f.Abandon(t.Context(), id, f.now.Add(time.Minute)))
	_, err := f.Newest(t.Context(), id)
	wantErr(t, err, token.ErrNoGrant)
	if _, _, err := f.Aside(t.Context(), id, "commit-1"); err != nil {
		t.Error(err)
	}
}

func warnOnce(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	w := consent.Warned{Term: 1, Days: []int{30, 14}, Work: consent.Work{Add: []consent.Task{task(id, consent.TaskDeliver, "all warning-14 1", f.now)}}}
	must(t, f.Warn(t.Context(), id, w))
	wantErr(t, f.Warn(t.Context(), id, w), consent.ErrConflict)
	w.Days = []int{14, 7}
	must(t, f.Warn(t.Context(), id, w))
}

// warnSpokenFor: also of a threshold that was claimed before, for a mail of its
// own that did not go out.
func warnSpokenFor(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Warn(t.Context(), id, consent.Warned{Term: 1, Days: []int{14}}))
	w := consent.Warned{Term: 1, Days: []int{14}, Spoken: 14, Message: "mail warning-14 1: joint", At: f.now}
	wantErr(t, f.Warn(t.Context(), id, w), consent.ErrConflict)
	wantErr(t, f.Warn(t.Context(), id, w), consent.ErrConflict)
	if _, spoken, err := f.Claimed(t.Context(), id, 1, 14); err != nil || !spoken {
		t.Errorf("spoken for = %t, %v", spoken, err)
	}
	lines, err := f.Timeline(t.Context(), id, 10)
	must(t, err)
	told := slices.DeleteFunc(lines, func(e consent.Entry) bool { return e.Event != "message_sent" })
	if len(told) != 1 || told[0].Detail != w.Message || !told[0].At.Equal(f.now) {
		t.Errorf("lines = %+v", told)
	}
}

func warnOtherTerm(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	wantErr(t, f.Warn(t.Context(), id, consent.Warned{Term: 2, Days: []int{7}}), consent.ErrConflict)
	f.end(t, id)
	wantErr(t, f.Warn(t.Context(), id, consent.Warned{Term: 1, Days: []int{7}}), consent.ErrConflict)
	wantErr(t, f.Warn(t.Context(), consent.ID("cns_7f00000000000000000000000009"), consent.Warned{}), consent.ErrNotFound)
}

func remindOnce(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	for _, on := range []bool{true, false, false, true} {
		must(t, f.Remind(t.Context(), id, customer, on, f.now))
		c, err := f.Consent(t.Context(), id)
		must(t, err)
		if c.NoReminders == on {
			t.Errorf("NoReminders = %v after Remind(%v)", c.NoReminders, on)
		}
	}
	lines, err := f.Timeline(t.Context(), id, 10)
	must(t, err)
	var said []string
	for _, e := range lines {
		if e.Actor == consent.ByCustomer && e.Event != "granted" {
			said = append(said, e.Event)
		}
	}
	if want := []string{"reminders_off", "reminders_on"}; !slices.Equal(said, want) {
		t.Errorf("timeline says %v, want %v", said, want)
	}
	wantErr(t, f.Remind(t.Context(), consent.ID("cns_7f00000000000000000000000009"), customer, true, f.now), consent.ErrNotFound)
}

// remindLater: the choice holds for what is created later, until the customer
// makes another or is forgotten.
func remindLater(t *testing.T, f *fixture) {
	off := func(n int) {
		t.Helper()
		f.create(t, n)
		if c, err := f.Consent(t.Context(), id(n)); err != nil || !c.NoReminders {
			t.Errorf("NoReminders = %t, %v", c.NoReminders, err)
		}
	}
	on := func(n int) {
		t.Helper()
		f.create(t, n)
		if c, err := f.Consent(t.Context(), id(n)); err != nil || c.NoReminders {
			t.Errorf("NoReminders = %t, %v", c.NoReminders, err)
		}
	}
	on(1)
	must(t, f.Remind(t.Context(), id(1), customer, false, f.now))
	off(2)
	must(t, f.Purge(t.Context(), id(1), customer, nil, consent.Work{}))
	off(3)
	must(t, f.Remind(t.Context(), id(2), customer, true, f.now))
	on(4)
	must(t, f.Remind(t.Context(), id(2), customer, false, f.now))
	for n := 2; n <= 4; n++ {
		must(t, f.Purge(t.Context(), id(n), customer, nil, consent.Work{}))
	}
	on(5)
}

func keepUnchanged(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	c := wantStatus(t, f, id, consent.Valid)
	due := c.EndsAt.Add(10 * 365 * 24 * time.Hour)
	for range 2 {
		must(t, f.Keep(t.Context(), id, c.Version, due))
	}
	f.end(t, id)
	wantErr(t, f.Keep(t.Context(), id, c.Version, due), consent.ErrConflict)
	must(t, f.Purge(t.Context(), id, customer, []byte{0xaa, 1}, consent.Work{}))
	wantErr(t, f.Keep(t.Context(), id, c.Version, due), consent.ErrNotFound)
}

func purgeAll(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	_, err := f.HandOut(t.Context(), f.request(id))
	must(t, err)
	must(t, f.Purge(t.Context(), id, customer, []byte{0xaa, 1}, consent.Work{}))
	_, err = f.Consent(t.Context(), id)
	wantErr(t, err, consent.ErrNotFound)
	byCustomer, err := f.ByCustomer(t.Context(), customer)
	must(t, err)
	byPerson, err := f.ByPerson(t.Context(), []byte{0xaa, 1})
	must(t, err)
	lines, err := f.Timeline(t.Context(), id, 10)
	must(t, err)
	uses, err := f.Uses(t.Context(), id)
	must(t, err)
	if len(byCustomer)+len(byPerson)+len(lines)+len(uses) != 0 {
		t.Errorf("left: %v %v %v %v", byCustomer, byPerson, lines, uses)
	}
}

func purgeForGood(t *testing.T, f *fixture) {
	c := f.create(t, 1)
	for range 2 {
		must(t, f.Purge(t.Context(), c.ID, customer, nil, consent.Work{}))
		wantErr(t, f.Create(t.Context(), c, customer, consent.Work{}), consent.ErrNotFound)
	}
	_, err := f.Gone(t.Context(), id(2))
	wantErr(t, err, consent.ErrNotFound)
	ids, err := f.ByCustomer(t.Context(), customer)
	if err != nil || len(ids) != 0 {
		t.Errorf("the customer of a purged consent has %v, %v", ids, err)
	}
}

func purgeTellsTheEnd(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	_, err := f.Gone(t.Context(), id)
	wantErr(t, err, consent.ErrNotFound)
	f.end(t, id)
	was, err := f.Consent(t.Context(), id)
	must(t, err)
	want := consent.Consent{ID: id, App: was.App, Bank: was.Bank, Status: was.Status, Cause: was.Cause, CreatedAt: was.CreatedAt,
		AuthorizedAt: was.AuthorizedAt, EndsAt: was.EndsAt, EndedAt: was.EndedAt, Term: was.Term}
	for range 2 {
		must(t, f.Purge(t.Context(), id, customer, []byte{0xaa, 1}, consent.Work{}))
		got, err := f.Gone(t.Context(), id)
		must(t, err)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
}

func refusedMany(t *testing.T, f *fixture) {
	held := 0
	for i := range 20 {
		incident, err := f.Refused(t.Context(), bank, string(id(i)), f.now)
		must(t, err)
		if incident {
			held++
		}
	}
	if held != 10 {
		t.Errorf("%d of 20 refusals within a moment held, want 10", held)
	}
	for at, want := range map[time.Duration]bool{0: true, time.Minute: true, time.Hour: false} {
		if got, err := f.Incident(t.Context(), bank, f.now.Add(at)); err != nil || got != want {
			t.Errorf("incident after %s = %t, %v", at, got, err)
		}
	}
	if got, err := f.Refused(t.Context(), "another", string(id(1)), f.now); err != nil || got {
		t.Errorf("another bank: %t, %v", got, err)
	}
}

func newestTells(t *testing.T, f *fixture) {
	id := f.valid(t, 1)
	must(t, f.Commit(t.Context(), string(id), f.acquire(t, id, 1, "a", time.Minute), next(f, "commit-2")))
	got, err := f.Newest(t.Context(), id)
	if want := (consent.Newest{Generation: 2, IssuedAt: f.now.Add(time.Minute), ExpiresAt: f.now.Add(6 * time.Minute)}); err != nil || got != want {
		t.Errorf("newest = %+v, %v, want %+v", got, err, want)
	}
}
