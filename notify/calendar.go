package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/consentd/consentd/consent"
)

// calendar is the last day of an access as an entry for a calendar (RFC
// 5545), for a message about a consent that is valid; nil for others. The
// entry of a later term replaces that of an earlier one. There is no link in
// it: calendars are shared, and a mail's link is its reader's alone.
//
// Once the access was stopped the entry is cancelled: nothing can be renewed
// any more. After a refusal it can, and a bank's refusal may be taken back.
func (w *writer) calendar() []byte {
	c := w.e.Consent
	switch {
	case w.cancels():
		return w.entry("CANCEL", c.Term+1, "STATUS:CANCELLED")
	case c.StatusAt(w.e.At) != consent.Valid || len(w.e.Ending) > 1:
		return nil
	}
	title := calendarText(w.text("mail.calendar.title", w.e.App.Name, w.e.Bank.Name))
	return w.entry("PUBLISH", c.Term,
		"DESCRIPTION:"+calendarText(w.text("mail.calendar.text", w.e.App.Name, w.e.Bank.Name)),
		"TRANSP:TRANSPARENT", "CLASS:PRIVATE",
		"BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P7D", "DESCRIPTION:"+title, "END:VALARM")
}

// cancels reports whether a message takes the entry out of calendars, that of
// a consent which had one.
func (w *writer) cancels() bool {
	return w.e.Notice.Word() == consent.ToldStopped && w.e.Consent.Term > 0
}

// entry is the whole calendar. Its sequence is what later ones must be above,
// or calendars pass them over.
func (w *writer) entry(method string, sequence int64, more ...string) []byte {
	c := w.e.Consent
	last := w.e.Bank.Clock.LastDay(c.EndsAt)
	id := sha256.Sum256([]byte("consentd/calendar\x00" + string(c.ID)))
	var b strings.Builder
	for _, line := range slices.Concat([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//consentd//consentd//EN", "METHOD:" + method,
		"BEGIN:VEVENT", "UID:" + hex.EncodeToString(id[:16]) + "@consentd",
		fmt.Sprintf("SEQUENCE:%d", sequence),
		"DTSTAMP:" + w.e.At.UTC().Format("20060102T150405Z"),
		"DTSTART;VALUE=DATE:" + last.Format("20060102"),
		"DTEND;VALUE=DATE:" + last.AddDate(0, 0, 1).Format("20060102"),
		"SUMMARY:" + calendarText(w.text("mail.calendar.title", w.e.App.Name, w.e.Bank.Name)),
	}, more, []string{"END:VEVENT", "END:VCALENDAR"}) {
		fold(&b, line)
	}
	return []byte(b.String())
}

// calendarText escapes a text (RFC 5545 section 3.3.11).
func calendarText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`).Replace(s)
}

// mostOctets is how long a line may be before it goes on in the next (RFC
// 5545 section 3.1).
const mostOctets = 75

// fold writes a line, in several where it is long, and never through a
// letter.
func fold(b *strings.Builder, line string) {
	width := 0
	for _, r := range line {
		if width+utf8.RuneLen(r) > mostOctets {
			b.WriteString("\r\n ")
			width = 1
		}
		b.WriteRune(r)
		width += utf8.RuneLen(r)
	}
	b.WriteString("\r\n")
}
