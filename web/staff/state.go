package staff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// file is all that is known of a consent when somebody calls about it.
type file struct {
	Now      time.Time
	Consent  consent.Consent
	Timeline []consent.Entry // oldest first
	App      string
	Bank     string
	Zone     *time.Location
	Online   bool // customers can withdraw in the online bank
	Failing  bool // the last refresh failed, and none has succeeded since
	Incident bool // the bank refuses so many grants that none of its refusals is believed
}

// tone is how a state looks, besides its words.
type tone string

const (
	toneGood tone = "good"
	toneWait tone = "wait"
	toneStop tone = "stop"
)

// state is the answer to the call: how it stands, in words, and what helps.
type state struct {
	Tone tone
	Says string
	Do   string
}

const day = 24 * time.Hour

// soon is from when on a renewal is worth offering.
const soon = 30 * day

// stateOf puts a consent's state into words.
func stateOf(f file) state {
	switch f.Consent.StatusAt(f.Now) {
	case consent.Valid:
		return f.works()
	case consent.Expired:
		return f.lapsed()
	case consent.TerminatedByAspsp:
		return f.refused()
	case consent.RevokedByPsu, consent.TerminatedByTpp:
		return f.stopped()
	case consent.Rejected:
		return f.rejected()
	case consent.PartiallyAuthorised:
		return state{toneStop, fmt.Sprintf("Not in use: on %s the customer left out a permission that is required.", f.moment(f.last("partiallyAuthorised"))),
			f.link() + ", and say that every permission must stay ticked at the bank."}
	}
	return f.pending()
}

func (f file) works() state {
	left := f.Consent.EndsAt.Sub(f.Now)
	s := state{toneGood, "Works.", "Nothing to do."}
	if left <= soon {
		s.Do = "Offer the renewal link: renewing now loses nothing."
	}
	warned, ok := f.warning()
	if ok && warned.outcome == consent.DeliveryFailed {
		s.Tone, s.Do = toneWait, "The customer does not know yet: copy the renewal link and pass it on."
	}
	switch {
	case f.Incident:
		s = state{toneWait, fmt.Sprintf("Works for now, but %s refuses many customers at once; none of its refusals is believed until that is over.", f.Bank),
			"Nothing for the customer to do. Send nobody to the bank meanwhile."}
	case f.Failing:
		s = state{toneWait, fmt.Sprintf("The permission stands, but %s did not answer the last refresh.", f.Bank),
			"Nothing for the customer to do: it goes on by itself once the bank answers. Send nobody to the bank meanwhile."}
	}
	s.Says += fmt.Sprintf(" Ends on %s, %s; %s.", f.date(f.Consent.EndsAt), in(f.Consent.DaysLeft(f.Now)), f.warnedWords())
	if f.Consent.NeededUntil.After(f.Consent.EndsAt) {
		s.Says += fmt.Sprintf(" %s needs it until %s.", f.App, f.moment(f.Consent.NeededUntil))
		if !f.Incident && !f.Failing {
			s.Tone, s.Do = toneWait, "Send the link: the customer must renew before the end, or what "+f.App+" has planned will fail."
		}
	}
	if at, ok := f.wrongPerson(); ok {
		s.Says += fmt.Sprintf(" A renewal on %s was refused: somebody else signed in at the bank.", f.moment(at))
		s.Do = "The customer must sign in at the bank as the person who gave the permission. Then send the link again."
	}
	return s
}

func (f file) lapsed() state {
	return state{toneStop, fmt.Sprintf("Ended on %s: its time was over and nobody renewed it; %s.", f.moment(f.Consent.EndsAt), f.warnedWords()),
		f.link() + ": the customer connects again at the bank."}
}

// heldFor is for how long a refusal can still be taken back, with something
// to spare.
const heldFor = 5 * time.Minute

// held reports whether a refusal is one of an incident's, which is about to be
// taken back.
func (f file) held() bool {
	return f.Incident && f.Consent.Cause.Code == consent.CauseRefused && f.Now.Sub(f.Consent.EndedAt) < heldFor
}

func (f file) refused() state {
	at := f.moment(f.Consent.EndedAt)
	if f.held() {
		return state{toneWait, fmt.Sprintf("Held: %s refused it on %s together with many others, and is not believed. Nobody withdrew anything.", f.Bank, at),
			"Nothing for the customer to do: it comes back by itself within minutes. Send nobody to the bank meanwhile."}
	}
	if f.Consent.Cause.Code == consent.CauseLost {
		return state{toneStop, fmt.Sprintf("Lost on %s: the bank’s answer to a refresh never reached us, and the bank refused the token that we still had. Most likely nobody withdrew anything.", at),
			"If the customer says that they withdrew it, that fits too. " + f.link() + ": connecting again is the only way back."}
	}
	if f.Consent.Cause.Code == consent.CauseWrongPerson {
		return state{toneStop, fmt.Sprintf("Stopped on %s: %s, so it was ended to be safe. Nobody withdrew anything.", at, badAnswer),
			"The fault is not the customer’s. " + f.link() + ": connecting again is the only way back. If it happens again, tell the operators."}
	}
	where := "at the bank"
	if f.Online {
		where = "in the online bank"
	}
	return state{toneStop, fmt.Sprintf("Stopped on %s: withdrawn at the bank, usually by the customer %s.", at, where),
		"Ask whether the customer withdrew it. " + f.link() + " to go on."}
}

func (f file) stopped() state {
	who := map[consent.Actor]string{consent.ByCustomer: "the customer stopped it on our page", consent.ByApp: f.App + " ended it",
		consent.ByStaff: "our staff ended it"}[f.Consent.Cause.Actor]
	if e, ok := f.lastEntry("staff_" + consent.ActStop); ok && f.Consent.Cause.Actor == consent.ByStaff {
		who = "our staff (" + e.Staff + ") ended it"
		if why := reasonOf(e); why != "" {
			who += ": " + why
		}
	}
	return state{toneStop, fmt.Sprintf("Stopped on %s: %s. %s", f.moment(f.Consent.EndedAt), who, f.bankTold()),
		"It stays ended. To use the bank again the customer starts anew in " + f.App + "."}
}

func (f file) bankTold() string {
	switch f.Consent.BankTold {
	case token.RevocationConfirmed:
		return "The bank has confirmed."
	case token.RevocationUnsupported:
		return "The bank takes no such notice: the customer can withdraw it there too."
	case token.RevocationFailed:
		return "The bank never confirmed: the customer can withdraw it there too."
	}
	if f.Consent.TellingBank {
		return "The bank is being told."
	}
	return "There was nothing to tell the bank."
}

func (f file) rejected() state {
	at := f.moment(f.last("rejected"))
	again := f.link() + " to try again."
	switch f.Consent.Cause.Code {
	case consent.CauseWrongPerson:
		return state{toneStop, fmt.Sprintf("Refused on %s: somebody else than the customer of %s signed in at the bank.", at, f.App),
			"The customer must sign in at the bank as themselves. " + again}
	case consent.CauseNoIdentity:
		return state{toneStop, fmt.Sprintf("Refused on %s: %s did not say who signed in.", at, f.Bank), again}
	case consent.CauseCompany:
		return state{toneStop, fmt.Sprintf("Refused on %s: a company signed in, and %s serves individuals only here.", at, f.Bank),
			"The customer must sign in at the bank as a person. " + again}
	}
	return state{toneStop, fmt.Sprintf("Not granted: the customer said no at the bank on %s.", at), f.link() + " to try again, if that was a mistake."}
}

// pending is a consent that was asked for and is not in use yet.
func (f file) pending() state {
	c := f.Consent
	again := f.link() + " to try again."
	switch {
	case c.AwaitsConfirmation(f.Now):
		return state{toneWait, fmt.Sprintf("Granted on %s and not in use yet: %s has until %s to confirm the customer.", f.moment(c.AuthorizedAt), f.App, f.clock(c.ConfirmUntil)),
			"The customer should go back to " + f.App + " in the same browser."}
	case !c.ConfirmUntil.IsZero():
		return state{toneStop, fmt.Sprintf("Not in use: granted on %s, and %s did not confirm the customer in time.", f.moment(c.AuthorizedAt), f.App), again}
	}
	failed, hasFailed := f.lastEntry("failed")
	went, hasGone := f.lastEntry("authorizing")
	switch {
	case hasFailed && failed.Detail == string(consent.EndFailed):
		return state{toneStop, fmt.Sprintf("Not granted: on %s the answer of %s did not hold.", f.moment(failed.At), f.Bank),
			again + " If it happens again, tell the operators."}
	case hasFailed:
		return state{toneWait, fmt.Sprintf("Not granted: %s did not answer on %s, when the customer came back from there.", f.Bank, f.moment(failed.At)),
			f.link() + " to try again once the bank answers."}
	case hasGone:
		return state{toneWait, fmt.Sprintf("Not granted yet: the customer went to the bank on %s and did not come back.", f.moment(went.At)), again}
	}
	return state{toneWait, fmt.Sprintf("Asked for on %s; the customer has not gone to the bank yet.", f.moment(c.CreatedAt)),
		f.link() + ": the way to the bank begins there."}
}

// link is how the customer gets a way to the bank.
func (f file) link() string {
	if f.Consent.RenewableByMail(f.Now) {
		return "Send the link"
	}
	return "Copy a link for the customer"
}

// warnedWords says whether the customer knows of the end.
func (f file) warnedWords() string {
	m, ok := f.warning()
	switch {
	case !ok && f.Now.Before(f.Consent.EndsAt) && f.Consent.NoReminders:
		return "not warned yet, because the customer turned reminders off"
	case !ok && f.Now.Before(f.Consent.EndsAt):
		return "not warned yet"
	case !ok:
		return "no warning was sent"
	case m.outcome == consent.DeliveryFailed:
		return fmt.Sprintf("the warning of %s was not delivered: %s", f.date(m.at), m.why)
	}
	return fmt.Sprintf("warned on %s, mail delivered", f.date(m.at))
}

// warning is the last warning of this term that was mailed, or was to be.
func (f file) warning() (message, bool) {
	for _, e := range slices.Backward(f.Timeline) {
		m, ok := messageIn(e)
		if ok && m.channel == consent.ChannelMail && m.term == f.Consent.Term && m.outcome != consent.DeliverySilenced && strings.HasPrefix(m.event, consent.ToldWarning) {
			return m, true
		}
	}
	return message{}, false
}

// wrongPerson finds a renewal of this term that somebody else tried.
func (f file) wrongPerson() (time.Time, bool) {
	e, ok := f.lastEntry("refused")
	return e.At, ok && e.Detail == consent.CauseWrongPerson && e.At.After(f.Consent.AuthorizedAt)
}

func (f file) lastEntry(event string) (consent.Entry, bool) {
	for _, e := range slices.Backward(f.Timeline) {
		if e.Event == event {
			return e, true
		}
	}
	return consent.Entry{}, false
}

func (f file) last(event string) time.Time {
	e, _ := f.lastEntry(event)
	return e.At
}

func in(days int) string {
	if days == 1 {
		return "its last day"
	}
	return fmt.Sprintf("in %d days", days)
}

// date and moment leave out the year where it is this one.
func (f file) date(t time.Time) string {
	t = t.In(f.zone())
	if t.Year() == f.Now.In(f.zone()).Year() {
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

func (f file) moment(t time.Time) string {
	if t.IsZero() {
		return "a day that is not on record"
	}
	return f.date(t) + " " + f.clock(t)
}

func (f file) clock(t time.Time) string { return t.In(f.zone()).Format("15:04") }

func (f file) zone() *time.Location {
	if f.Zone == nil {
		return time.UTC
	}
	return f.Zone
}
