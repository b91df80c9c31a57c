package staff

import (
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// lived is a valid consent that ends on 3 March, twelve days from today.
func lived(change func(*file)) file {
	f := file{Now: today, App: "Fika Pay", Bank: "Landsbankinn", Online: true, Consent: consent.Consent{
		Status: consent.Valid, Term: 1, CreatedAt: at("2025-12-03 13:50"), AuthorizedAt: at("2025-12-03 14:00"), EndsAt: at("2026-03-03 14:00"),
	}}
	if change != nil {
		change(&f)
	}
	return f
}

func (f *file) add(when string, who consent.Actor, event, detail string) {
	f.Timeline = append(f.Timeline, consent.Entry{At: at(when), Actor: who, Event: event, Detail: detail})
}

func (f *file) ended(status consent.Status, who consent.Actor, code string) {
	f.Consent.Status, f.Consent.Cause, f.Consent.EndedAt = status, consent.Cause{Actor: who, Code: code}, at("2026-02-18 14:05")
}

const warnedMail = "mail warning-14 1"

// TestStateInOneSentence has every status and cause, and the support calls of
// those who ran such systems before.
func TestStateInOneSentence(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file file
		tone tone
		says string
		do   string
	}{
		"works, warned": {lived(func(f *file) { f.add("2026-02-18 08:00", consent.BySystem, "message_sent", warnedMail) }),
			toneGood, "Works. Ends on 3 March, in 12 days; warned on 18 February, mail delivered.", "Offer the renewal link"},
		"works, warned by the mail of another access": {lived(func(f *file) {
			f.add("2026-02-18 08:00", consent.BySystem, "message_sent", warnedMail+": "+consent.DetailJoint)
			f.add("2026-02-18 09:00", consent.BySystem, "message_silenced", warnedMail+": "+consent.DetailSpokenFor)
		}), toneGood, "Works. Ends on 3 March, in 12 days; warned on 18 February, mail delivered.", "Offer the renewal link"},
		"works, without reminders": {lived(func(f *file) {
			f.Consent.NoReminders = true
			f.add("2026-02-18 08:00", consent.BySystem, "message_silenced", warnedMail+": "+consent.DetailReminders)
		}), toneGood, "Works. Ends on 3 March, in 12 days; not warned yet, because the customer turned reminders off.", "Offer the renewal link"},
		"works, early": {lived(func(f *file) { f.Now = at("2026-01-10 12:00") }),
			toneGood, "Works. Ends on 3 March, in 53 days; not warned yet.", "Nothing to do."},
		"works, over the turn of the year": {lived(func(f *file) { f.Now = at("2025-12-10 12:00") }),
			toneGood, "Works. Ends on 3 March 2026, in 84 days; not warned yet.", "Nothing to do."},
		"works, last day": {lived(func(f *file) { f.Now = at("2026-03-03 09:00") }),
			toneGood, "Works. Ends on 3 March, its last day; not warned yet.", "Offer the renewal link"},
		"works, renewed: the old warning is not this term's": {lived(func(f *file) {
			f.Consent.Term = 2
			f.add("2026-02-18 08:00", consent.BySystem, "message_sent", warnedMail)
		}), toneGood, "Works. Ends on 3 March, in 12 days; not warned yet.", "Offer"},
		"works, an event is no mail": {lived(func(f *file) { f.add("2026-02-18 08:00", consent.BySystem, "message_sent", "webhook warning-14 1") }),
			toneGood, "Works. Ends on 3 March, in 12 days; not warned yet.", "Offer"},
		"mail bounced": {lived(func(f *file) {
			f.add("2026-02-18 08:00", consent.BySystem, "message_undelivered", warnedMail+": undeliverable: email: recipient: server answered 550 5.1.1")
		}), toneWait, "Works. Ends on 3 March, in 12 days; the warning of 18 February was not delivered: there is no such mailbox.", "copy the renewal link"},
		"bank down": {lived(func(f *file) { f.Failing = true }), toneWait,
			"The permission stands, but Landsbankinn did not answer the last refresh. Ends on 3 March, in 12 days; not warned yet.", "Nothing for the customer to do"},
		"needed beyond the end": {lived(func(f *file) { f.Consent.NeededUntil = at("2026-03-10 09:00") }), toneWait,
			"Works. Ends on 3 March, in 12 days; not warned yet. Fika Pay needs it until 10 March 09:00.", "must renew before the end"},
		"needed, and covered": {lived(func(f *file) { f.Consent.NeededUntil = at("2026-03-03 14:00") }), toneGood,
			"Works. Ends on 3 March, in 12 days; not warned yet.", "Offer the renewal link"},
		"needed beyond the end, bank down": {lived(func(f *file) { f.Failing, f.Consent.NeededUntil = true, at("2026-03-10 09:00") }), toneWait,
			"The permission stands, but Landsbankinn did not answer the last refresh. Ends on 3 March, in 12 days; not warned yet. Fika Pay needs it until 10 March 09:00.",
			"Send nobody to the bank"},
		"bank incident": {lived(func(f *file) { f.Incident = true }), toneWait,
			"Works for now, but Landsbankinn refuses many customers at once; none of its refusals is believed until that is over. Ends on 3 March, in 12 days; not warned yet.", "Send nobody to the bank"},
		"renewal by the wrong person": {lived(func(f *file) { f.add("2026-02-19 10:00", consent.ByCustomer, "refused", consent.CauseWrongPerson) }), toneGood,
			"Works. Ends on 3 March, in 12 days; not warned yet. A renewal on 19 February 10:00 was refused: somebody else signed in at the bank.", "as the person who gave"},
		"lapsed, warned": {lived(func(f *file) {
			f.Now = at("2026-03-05 12:00")
			f.add("2026-02-18 08:00", consent.BySystem, "message_sent", warnedMail)
		}), toneStop, "Ended on 3 March 14:00: its time was over and nobody renewed it; warned on 18 February, mail delivered.", "Send the link"},
		"lapsed, unwarned": {lived(func(f *file) { f.Now = at("2026-03-05 12:00") }), toneStop,
			"Ended on 3 March 14:00: its time was over and nobody renewed it; no warning was sent.", "Send the link"},
		"lapsed, too long ago for a mail": {lived(func(f *file) { f.Now = at("2026-04-02 14:00") }), toneStop,
			"Ended on 3 March 14:00: its time was over and nobody renewed it; no warning was sent.", "Copy a link for the customer: the customer connects again"},
		"withdrawn at the bank": {lived(func(f *file) { f.ended(consent.TerminatedByAspsp, consent.ByBank, consent.CauseRefused) }), toneStop,
			"Stopped on 18 February 14:05: withdrawn at the bank, usually by the customer in the online bank.", "Ask whether the customer withdrew it"},
		"refused in an incident, and not taken back yet": {lived(func(f *file) {
			f.ended(consent.TerminatedByAspsp, consent.ByBank, consent.CauseRefused)
			f.Incident, f.Now = true, at("2026-02-18 14:06")
		}), toneWait, "Held: Landsbankinn refused it on 18 February 14:05 together with many others, and is not believed. Nobody withdrew anything.", "comes back by itself"},
		"refused long before an incident": {lived(func(f *file) {
			f.ended(consent.TerminatedByAspsp, consent.ByBank, consent.CauseRefused)
			f.Incident = true
		}), toneStop, "Stopped on 18 February 14:05: withdrawn at the bank, usually by the customer in the online bank.", "Ask whether the customer withdrew it"},
		"rotation lost": {lived(func(f *file) { f.ended(consent.TerminatedByAspsp, consent.ByBank, consent.CauseLost) }), toneStop,
			"Lost on 18 February 14:05: the bank’s answer to a refresh never reached us, and the bank refused the token that we still had. Most likely nobody withdrew anything.", "If the customer says that they withdrew it, that fits too. Send the link"},
		"answer to a refresh that did not hold": {lived(func(f *file) { f.ended(consent.TerminatedByAspsp, consent.ByBank, consent.CauseWrongPerson) }), toneStop,
			"Stopped on 18 February 14:05: the bank’s answer to a refresh named somebody else, or could not be used, so it was ended to be safe. Nobody withdrew anything.", "not the customer’s"},
		"stopped by the customer": {lived(func(f *file) {
			f.ended(consent.RevokedByPsu, consent.ByCustomer, consent.CauseStopped)
			f.Consent.BankTold = token.RevocationConfirmed
		}), toneStop, "Stopped on 18 February 14:05: the customer stopped it on our page. The bank has confirmed.", "starts anew in Fika Pay"},
		"stopped by the app": {lived(func(f *file) {
			f.ended(consent.TerminatedByTpp, consent.ByApp, consent.CauseStopped)
			f.Consent.TellingBank = true
		}), toneStop, "Stopped on 18 February 14:05: Fika Pay ended it. The bank is being told.", "It stays ended"},
		"stopped without a grant": {lived(func(f *file) { f.ended(consent.TerminatedByTpp, consent.ByApp, consent.CauseStopped) }), toneStop,
			"Stopped on 18 February 14:05: Fika Pay ended it. There was nothing to tell the bank.", "It stays ended"},
		"stopped by staff": {lived(func(f *file) {
			f.ended(consent.TerminatedByTpp, consent.ByStaff, "suspected-fraud")
			f.Timeline = append(f.Timeline, consent.Entry{At: f.Consent.EndedAt, Actor: consent.ByStaff, Event: "staff_stop", Staff: "audur", Reason: "suspected-fraud", Detail: "act 7"})
			f.Consent.BankTold = token.RevocationFailed
		}), toneStop, "Stopped on 18 February 14:05: our staff (audur) ended it: Fraud is suspected. The bank never confirmed: the customer can withdraw it there too.", "It stays ended"},
		"stopped, bank takes no notice": {lived(func(f *file) {
			f.ended(consent.TerminatedByTpp, consent.ByStaff, consent.CauseStopped)
			f.Consent.BankTold = token.RevocationUnsupported
		}), toneStop, "Stopped on 18 February 14:05: our staff ended it. The bank takes no such notice: the customer can withdraw it there too.", "It stays ended"},
		"asked for": {asked(nil), toneWait, "Asked for on 3 December 2025 13:50; the customer has not gone to the bank yet.", "Copy a link for the customer: the way"},
		"went to the bank": {asked(func(f *file) { f.add("2026-02-20 11:00", consent.ByCustomer, "authorizing", "") }), toneWait,
			"Not granted yet: the customer went to the bank on 20 February 11:00 and did not come back.", "try again"},
		"bank down at the return": {asked(func(f *file) { f.add("2026-02-20 11:00", consent.ByBank, "failed", string(consent.EndBankDown)) }), toneWait,
			"Not granted: Landsbankinn did not answer on 20 February 11:00, when the customer came back from there.", "once the bank answers"},
		"bank's answer did not hold": {asked(func(f *file) { f.add("2026-02-20 11:00", consent.ByBank, "failed", string(consent.EndFailed)) }), toneStop,
			"Not granted: on 20 February 11:00 the answer of Landsbankinn did not hold.", "tell the operators"},
		"awaiting confirmation": {asked(func(f *file) {
			f.Consent.AuthorizedAt, f.Consent.ConfirmUntil = at("2026-02-20 11:55"), at("2026-02-20 12:05")
		}), toneWait,
			"Granted on 20 February 11:55 and not in use yet: Fika Pay has until 12:05 to confirm the customer.", "go back to Fika Pay"},
		"never confirmed": {asked(func(f *file) {
			f.Consent.AuthorizedAt, f.Consent.ConfirmUntil = at("2026-02-20 11:00"), at("2026-02-20 11:10")
		}), toneStop,
			"Not in use: granted on 20 February 11:00, and Fika Pay did not confirm the customer in time.", "try again"},
		"cancelled": {rejected(consent.CauseCancelled), toneStop, "Not granted: the customer said no at the bank on 20 February 11:00.", "if that was a mistake"},
		"wrong person": {rejected(consent.CauseWrongPerson), toneStop,
			"Refused on 20 February 11:00: somebody else than the customer of Fika Pay signed in at the bank.", "as themselves"},
		"no identity": {rejected(consent.CauseNoIdentity), toneStop, "Refused on 20 February 11:00: Landsbankinn did not say who signed in.", "try again"},
		"company":     {rejected(consent.CauseCompany), toneStop, "Refused on 20 February 11:00: a company signed in, and Landsbankinn serves individuals only here.", "as a person"},
		"left out": {asked(func(f *file) {
			f.Consent.Status = consent.PartiallyAuthorised
			f.add("2026-02-20 11:00", consent.ByCustomer, "partiallyAuthorised", consent.CauseLeftOut)
		}), toneStop, "Not in use: on 20 February 11:00 the customer left out a permission that is required.", "every permission must stay ticked"},
	} {
		got := stateOf(tt.file)
		if got.Says != tt.says || got.Tone != tt.tone || !strings.Contains(got.Do, tt.do) {
			t.Errorf("%s:\n got %s: %s\n     %s\nwant %s: %s\n     …%s…", name, got.Tone, got.Says, got.Do, tt.tone, tt.says, tt.do)
		}
	}
}

// asked is a consent that nobody has granted.
func asked(change func(*file)) file {
	f := lived(nil)
	f.Consent = consent.Consent{Status: consent.Received, CreatedAt: f.Consent.CreatedAt}
	if change != nil {
		change(&f)
	}
	return f
}

func rejected(code string) file {
	return asked(func(f *file) {
		f.Consent.Status, f.Consent.Cause = consent.Rejected, consent.Cause{Actor: consent.ByCustomer, Code: code}
		f.add("2026-02-20 11:00", consent.ByCustomer, "rejected", code)
	})
}

func TestDatesAreTheBanks(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("Stockholm in winter", 3600)
	f := lived(func(f *file) { f.Zone, f.Consent.EndsAt = zone, at("2026-03-02 23:30") })
	if got := stateOf(f).Says; !strings.Contains(got, "Ends on 3 March") {
		t.Errorf("state = %s", got)
	}
}

func TestStory(t *testing.T) {
	t.Parallel()
	f := lived(nil)
	for _, tt := range []struct {
		entry     consent.Entry
		who, text string
		bad       bool
	}{
		{consent.Entry{Actor: consent.ByApp, Event: "requested"}, "Fika Pay", "asked for the access", false},
		{consent.Entry{Actor: consent.ByBank, Event: "ended", Detail: "refused"}, "Landsbankinn", "ended the access: the bank no longer accepts it", true},
		{consent.Entry{Actor: consent.ByStaff, Event: "staff_see", Staff: "audur", Reason: "customer-called", Detail: "act 3"}, "Staff: audur", "looked at this: Customer called", false},
		{consent.Entry{Actor: consent.ByStaff, Event: "staff_see", Staff: "audur", Detail: "act 3"}, "Staff: audur", "looked at this", false},
		{consent.Entry{Actor: consent.ByStaff, Event: "terminatedByTpp", Detail: "customer-asked"}, "Staff", "ended the access: The customer asked for it", true},
		{consent.Entry{Actor: consent.BySystem, Event: "message_undelivered", Detail: "mail warning-1 2: no such mailbox"}, "consentd", "Mail about the end within a day not delivered to the customer: no such mailbox", true},
		{consent.Entry{Actor: consent.BySystem, Event: "message_sent", Detail: "webhook renewed 2"}, "consentd", "Event about the renewal delivered to the app", false},
		{consent.Entry{Actor: consent.BySystem, Event: "message_sent", Detail: "mail warning-14 1: joint"}, "consentd",
			"Mail about the end in 14 days delivered to the customer, in one with another access", false},
		{consent.Entry{Actor: consent.BySystem, Event: "message_silenced", Detail: "mail warning-14 1: spoken_for"}, "consentd",
			"Mail about the end in 14 days left out: the mail about another access told it", false},
		{consent.Entry{Actor: consent.BySystem, Event: "message_silenced", Detail: "mail warning-14 1: reminders_off"}, "consentd",
			"Mail about the end in 14 days left out: the customer turned reminders off", false},
		{consent.Entry{Actor: consent.BySystem, Event: "message_silenced", Detail: "mail warning-14 1"}, "consentd", "Mail about the end in 14 days left out: no longer so", false},
		{consent.Entry{Actor: consent.BySystem, Event: "message_sent", Detail: "mail needed 2"}, "consentd", "Mail about a payment that is planned for after the end delivered to the customer", false},
		{consent.Entry{Actor: consent.BySystem, Event: "message_sent", Detail: "webhook recovered-1766750400000 2"}, "consentd", "Event about the access that works again delivered to the app", false},
		{consent.Entry{Actor: consent.ByBank, Event: "ended", Detail: consent.CauseWrongPerson}, "Landsbankinn",
			"Ended to be safe: the bank’s answer to a refresh named somebody else, or could not be used", true},
		{consent.Entry{Actor: consent.BySystem, Event: "bank_told", Detail: "failed"}, "consentd", "The bank did not confirm that the access is over", true},
		{consent.Entry{Actor: consent.BySystem, Event: "something_new", Detail: "x"}, "consentd", "something new x", false},
	} {
		if got := f.tell(tt.entry); got.Who != tt.who || got.Text != tt.text || got.Bad != tt.bad {
			t.Errorf("%s %s = %+v", tt.entry.Event, tt.entry.Detail, got)
		}
	}
}

func TestNextSteps(t *testing.T) {
	t.Parallel()
	warn := []int{30, 14, 7, 3, 1}
	got := strings.Join(lived(nil).next(warn), "\n")
	if !strings.HasPrefix(got, "On 24 February 14:00: a warning, 7 days before the end.\nOn 28 February") || !strings.Contains(got, "1 day before the end.\nAt the end, on 3 March 14:00") || strings.Contains(got, "14 days") {
		t.Errorf("next:\n%s", got)
	}
	stopped := lived(func(f *file) { f.ended(consent.TerminatedByTpp, consent.ByApp, consent.CauseStopped) })
	if got := stopped.next(warn); len(got) != 1 || !strings.HasPrefix(got[0], "Nothing") {
		t.Errorf("nothing to tell the bank, next = %q", got)
	}
	stopped.Consent.TellingBank = true
	if got := stopped.next(warn); len(got) != 1 || !strings.HasPrefix(got[0], "The bank is told") {
		t.Errorf("bank to be told, next = %q", got)
	}
	if got := asked(nil).next(warn); len(got) != 1 || !strings.HasPrefix(got[0], "Nothing") {
		t.Errorf("next = %q", got)
	}
}

func TestWhyUndelivered(t *testing.T) {
	t.Parallel()
	for why, want := range map[string]string{
		"undeliverable: email: recipient: server answered 552 5.2.2": "the mailbox is full",
		"undeliverable: email: content: server answered 554":         "the server refused it with 554",
		"undeliverable: email: recipient: server answered 550 5.9.9": "the server refused it with 550 5.9.9",
		"email: connect: timeout":                                    "email: connect: timeout",
		"nobody to reach":                                            "no address is known",
	} {
		if got := plainly(why); got != want {
			t.Errorf("plainly(%q) = %q, want %q", why, got, want)
		}
	}
}
