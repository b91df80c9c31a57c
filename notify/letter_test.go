package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

func in(lang string, e consent.Event) consent.Event {
	e.Consent.Language = lang
	for i := range e.Ending {
		e.Ending[i].Consent.Language = lang
	}
	return e
}

func TestMailInTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	for lang, day := range map[string]string{"en": "3 March 2027", "is": "3. mars 2027", "sv": "3 mars 2027"} {
		seen := make(map[string]string)
		for _, what := range []string{consent.ToldConnected, consent.ToldRenewed, consent.ToldExpired, consent.ToldWarning + "-7"} {
			m := send(t, in(lang, event(what)))
			if m.Language != lang || !strings.Contains(m.HTML, `<html lang="`+lang+`">`) {
				t.Errorf("%s: %s is in %q", lang, what, m.Language)
			}
			if !strings.Contains(m.Subject, day) || !strings.Contains(m.Text, day) {
				t.Errorf("%s: %s does not say %s: %q\n%s", lang, what, day, m.Subject, m.Text)
			}
			if other := seen[m.Subject]; other != "" {
				t.Errorf("%s: %s and %s have the same subject", lang, what, other)
			}
			seen[m.Subject] = what
		}
		if en := send(t, event(consent.ToldStopped)); lang != "en" && send(t, in(lang, event(consent.ToldStopped))).Text == en.Text {
			t.Errorf("%s reads like English", lang)
		}
	}
}

func TestMailSaysTheSameInTextAndHTML(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "is", "sv"} {
		m := send(t, in(lang, event(consent.ToldWarning+"-7")))
		page := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#39;", "'", "&#43;", "+").Replace(m.HTML)
		for line := range strings.SplitSeq(strings.TrimSpace(m.Text), "\n") {
			if line = strings.TrimSuffix(line, ":"); line != "" && !strings.Contains(page, line) {
				t.Errorf("%s: %q is not in the page", lang, line)
			}
		}
	}
}

func TestOnlyRemindersCanBeUnsubscribed(t *testing.T) {
	t.Parallel()
	for _, want := range []bool{true, false} {
		e := event(consent.ToldWarning + "-7")
		e.Optional = want
		m := send(t, e)
		const address = "https://consent.test/m/secret-link/reminders"
		if (m.Unsubscribe == address) != want || strings.Contains(m.Text, address) != want || strings.Contains(m.HTML, address) != want {
			t.Errorf("optional %t: unsubscribe %q", want, m.Unsubscribe)
		}
	}
}

// TestWarningCountsDaysOfTheCalendar, not hours: it may be sent in the
// morning of the last day.
func TestWarningCountsDaysOfTheCalendar(t *testing.T) {
	t.Parallel()
	said := map[string][3]string{
		"en": {"ends today, on 3 March 2027", "ends tomorrow, on 3 March 2027", "ends in 2 days, on 3 March 2027"},
		"is": {"út í dag, 3. mars 2027", "út á morgun, 3. mars 2027", "út eftir 2 daga, 3. mars 2027"},
		"sv": {"i dag, den 3 mars 2027", "i morgon, den 3 mars 2027", "om 2 dagar, den 3 mars 2027"},
	}
	for lang, want := range said {
		e := in(lang, event(consent.ToldWarning+"-1"))
		e.Bank.Clock.Zone = time.FixedZone("Europe/Stockholm", 3600)
		e.Ending[0].Bank = e.Bank
		e.Consent.EndsAt = time.Date(2027, 3, 3, 20, 50, 0, 0, time.UTC)
		for days, at := range []time.Time{e.Consent.EndsAt.Add(-14 * time.Hour), time.Date(2027, 3, 2, 20, 51, 0, 0, time.UTC),
			time.Date(2027, 3, 1, 6, 0, 0, 0, time.UTC)} {
			e.At = at
			if m := send(t, e); !strings.Contains(m.Subject, want[days]) || !strings.Contains(m.Text, want[days]) {
				t.Errorf("%s, %s: %q\n%s", lang, at, m.Subject, m.Text)
			}
		}
		e.Consent.EndsAt = time.Date(2027, 3, 3, 23, 0, 0, 0, time.UTC) // the bank's midnight
		e.At = e.Consent.EndsAt.Add(-time.Hour)
		if m := send(t, e); !strings.Contains(m.Subject, want[0]) {
			t.Errorf("%s, an hour before midnight: %q", lang, m.Subject)
		}
	}
}

// TestLinkAfterTheEnd: nobody is told to renew what is over, or of a last day
// that never came.
func TestLinkAfterTheEnd(t *testing.T) {
	t.Parallel()
	for lang, want := range map[string][4]string{
		"en": {"connect again", "3 March 2027", "1 February 2027", "Connect again:"},
		"is": {"tengja aftur", "3. mars 2027", "1. febrúar 2027", "Tengja aftur:"},
		"sv": {"ansluta igen", "3 mars 2027", "1 februari 2027", "Anslut igen:"},
	} {
		lapsed := in(lang, event(consent.ToldLink+"-17"))
		lapsed.At = lapsed.Consent.EndsAt.Add(17 * 24 * time.Hour)
		refused := in(lang, event(consent.ToldLink+"-17"))
		refused.Consent.Status = consent.TerminatedByAspsp
		for i, e := range []consent.Event{lapsed, refused} {
			m := send(t, e)
			if !strings.Contains(m.Subject, want[0]) || !strings.Contains(m.Subject, want[1+i]) || !strings.Contains(m.Text, want[3]) {
				t.Errorf("%s: %q\n%s", lang, m.Subject, m.Text)
			}
		}
	}
}

// TestWhoNeverPaidIsNotToldOfPayments that no longer work.
func TestWhoNeverPaidIsNotToldOfPayments(t *testing.T) {
	t.Parallel()
	for _, what := range []string{consent.ToldExpired, consent.ToldStopped, consent.ToldRefused, consent.ToldConnected} {
		e := event(what)
		e.Consent.Granted = []string{"openid", "AIS:1"}
		if m := send(t, e); strings.Contains(strings.ToLower(m.Text+string(m.Calendar)), "payment") {
			t.Errorf("%s: of payments\n%s\n%s", what, m.Text, m.Calendar)
		}
		e.Consent.Granted = []string{"openid", "PIS:1"}
		pays := strings.Contains(send(t, e).Text, "Payments through Fika <Pay> no longer work.")
		if over := what == consent.ToldExpired || what == consent.ToldStopped; pays != over {
			t.Errorf("%s: that payments no longer work = %t", what, pays)
		}
	}
}

func TestCalendarHasTheLastDay(t *testing.T) {
	t.Parallel()
	e := event(consent.ToldConnected)
	e.Bank.Clock.Zone = time.FixedZone("Europe/Stockholm", 3600)
	e.Consent.EndsAt = time.Date(2027, 3, 3, 23, 0, 0, 0, time.UTC) // midnight: the third is the last day
	e.Consent.Term = 2
	calendar := string(send(t, e).Calendar)
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\n", "DTSTART;VALUE=DATE:20270303\r\n", "DTEND;VALUE=DATE:20270304\r\n", "SEQUENCE:2\r\n",
		"SUMMARY:The access of Fika <Pay> at Landsbankinn ends today\r\n", "END:VCALENDAR\r\n",
	} {
		if !strings.Contains(calendar, want) {
			t.Errorf("%q is missing in\n%s", want, calendar)
		}
	}
	if strings.Contains(calendar, "secret-link") || strings.Contains(calendar, "cns_") {
		t.Error("a link, or an id, is in the calendar")
	}
	for line := range strings.SplitSeq(calendar, "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d octets: %q", len(line), line)
		}
	}
	first, renewed := event(consent.ToldConnected), event(consent.ToldRenewed)
	if uid(send(t, first).Calendar) != uid(send(t, renewed).Calendar) {
		t.Error("a renewal has an entry of its own beside the old one")
	}
}

func uid(calendar []byte) string {
	_, rest, _ := strings.Cut(string(calendar), "UID:")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

func TestCalendarOfNamesWithCommas(t *testing.T) {
	t.Parallel()
	e := event(consent.ToldConnected)
	e.App.Name = "Fika; Pay, \\ Ltd.\r\nATTENDEE:mallory"
	calendar := strings.ReplaceAll(string(send(t, e).Calendar), "\r\n ", "")
	if !strings.Contains(calendar, `Fika\; Pay\, \\ Ltd.  ATTENDEE:mallory`) || strings.Contains(calendar, "\nATTENDEE") {
		t.Errorf("calendar\n%s", calendar)
	}
}

func TestNoCalendarForWhatIsOver(t *testing.T) {
	t.Parallel()
	e := event(consent.ToldRefused)
	e.Consent.Status, e.Consent.Term = consent.TerminatedByAspsp, 2
	if m := send(t, e); m.Calendar != nil || m.Cancels {
		t.Errorf("calendar\n%s", m.Calendar)
	}
	e = event(consent.ToldStopped) // before anything was granted
	e.Consent.Status = consent.TerminatedByTpp
	if m := send(t, e); m.Calendar != nil || m.Cancels {
		t.Errorf("calendar\n%s", m.Calendar)
	}
}

func TestStoppedAccessLeavesTheCalendar(t *testing.T) {
	t.Parallel()
	stopped, last := event(consent.ToldStopped), event(consent.ToldRenewed)
	stopped.Consent.Term, last.Consent.Term = 2, 2
	stopped.Consent.Status = consent.RevokedByPsu
	m := send(t, stopped)
	for _, want := range []string{"METHOD:CANCEL\r\n", "STATUS:CANCELLED\r\n", "SEQUENCE:3\r\n", "DTSTART;VALUE=DATE:20270303\r\n"} {
		if !m.Cancels || !strings.Contains(string(m.Calendar), want) {
			t.Errorf("%q is missing in\n%s", want, m.Calendar)
		}
	}
	if uid(m.Calendar) != uid(send(t, last).Calendar) || strings.Contains(string(m.Calendar), "VALARM") {
		t.Errorf("another entry, or one that rings:\n%s", m.Calendar)
	}
}
