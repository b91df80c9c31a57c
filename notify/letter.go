package notify

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/wording"
)

// letter is a message in plain sentences, from which its text and its page
// are made.
type letter struct {
	Lang    string
	Subject string
	Lines   []string
	Rows    []row  // the consents that it speaks of, where there are several
	Button  string // of the link to the page where one renews and stops
	Link    string
	Foot    string

	Unsubscribe     string // where reminders are turned off; empty: not of this kind
	UnsubscribeText string
}

type row struct{ Name, Until, Link string }

//go:embed mail.html
var mailHTML embed.FS

var mailPage = template.Must(template.ParseFS(mailHTML, "mail.html"))

// write words an event in the customer's language. The subject carries the
// date, so that a mail found later still says when.
func (m *Mail) write(e consent.Event) (Message, error) {
	w := writer{x: wording.In(e.Consent.Spoken()), publicURL: m.publicURL, e: e}
	l := w.letter()
	calendar := w.calendar()
	if w.err != nil {
		return Message{}, fmt.Errorf("word message: %w", w.err)
	}
	var page bytes.Buffer
	if err := mailPage.Execute(&page, l); err != nil {
		return Message{}, fmt.Errorf("word message: %w", err)
	}
	return Message{Key: e.Key, To: e.Email, Language: l.Lang, At: e.At, Subject: l.Subject, Text: l.text(),
		HTML: page.String(), Unsubscribe: l.Unsubscribe, Calendar: calendar, Cancels: w.cancels()}, nil
}

func (l letter) text() string {
	var b strings.Builder
	for _, line := range l.Lines {
		fmt.Fprintf(&b, "%s\n\n", line)
	}
	for _, r := range l.Rows {
		fmt.Fprintf(&b, "%s, %s:\n%s\n\n", r.Name, r.Until, r.Link)
	}
	if l.Button != "" {
		fmt.Fprintf(&b, "%s:\n%s\n\n", l.Button, l.Link)
	}
	fmt.Fprintf(&b, "%s\n", l.Foot)
	if l.Unsubscribe != "" {
		fmt.Fprintf(&b, "\n%s:\n%s\n", l.UnsubscribeText, l.Unsubscribe)
	}
	return b.String()
}

// writer words one event and keeps the first text that was missing.
type writer struct {
	x         wording.Texts
	publicURL string
	e         consent.Event
	err       error
}

func (w *writer) text(key string, args ...any) string { return w.kept(w.x.Text(key, args...)) }

func (w *writer) count(key string, n int, args ...any) string {
	return w.kept(w.x.Count(key, n, args...))
}

func (w *writer) kept(text string, err error) string {
	if w.err == nil {
		w.err = err
	}
	return text
}

func (w *writer) letter() letter {
	app, bank := w.e.App.Name, w.e.Bank.Name
	l := letter{Lang: w.x.Lang(), Link: w.link(w.e.Manage.Reveal()), Foot: w.text("mail.foot", app, bank)}
	what := w.e.Notice.Word()
	if what == consent.ToldRecovered {
		what = consent.ToldConnected
	}
	switch what {
	case consent.ToldConnected, consent.ToldRenewed, consent.ToldExpired, consent.ToldStopped, consent.ToldRefused, consent.ToldLink:
		w.happened(&l, what)
	case consent.ToldNeeded:
		w.needed(&l)
	default:
		w.warn(&l)
	}
	return l
}

// linkAgain is a link that staff sent after the end: one connects again then.
const linkAgain = consent.ToldLink + ".again"

// happened words what has happened: a subject, sentences, and a button where
// there is something to do.
func (w *writer) happened(l *letter, what string) {
	app, bank, day := w.e.App.Name, w.e.Bank.Name, w.lastDay(w.e.Consent, w.e.Bank)
	status := w.e.Consent.StatusAt(w.e.At)
	if what == consent.ToldStopped || what == consent.ToldRefused || status == consent.TerminatedByAspsp {
		day = w.x.Day(w.e.Consent.EndedAt, w.e.Bank.Clock.Zone)
	}
	if what == consent.ToldLink && status != consent.Valid {
		what = linkAgain
	}
	over := "manage.over." + w.e.Consent.Use()
	sentences := map[string][]string{
		consent.ToldConnected: {"mail.connected.text", "mail.connected.until"},
		consent.ToldRenewed:   {"mail.renewed.text"},
		consent.ToldExpired:   {"mail.expired.text", over, "mail.expired.again"},
		consent.ToldStopped:   {"mail.stopped.text." + string(w.e.Consent.Cause.Actor.Known()), over},
		consent.ToldRefused:   {"mail.refused.text", "mail.refused.again"},
		consent.ToldLink:      {"mail.link.text", "mail.link.how"},
		linkAgain:             {"mail.link.again.text", "mail.link.how"},
	}
	buttons := map[string]string{
		consent.ToldConnected: "mail.button.manage", consent.ToldRenewed: "mail.button.manage",
		consent.ToldExpired: "manage.connect", consent.ToldRefused: "manage.connect",
		consent.ToldLink: "manage.renew", linkAgain: "manage.connect",
	}
	l.Subject = w.text("mail."+what+".subject", app, bank, day)
	for _, key := range sentences[what] {
		l.Lines = append(l.Lines, w.text(key, app, bank, day))
	}
	if key := buttons[what]; key != "" {
		l.Button = w.text(key)
	}
}

// needed words that a payment is planned for after the end.
func (w *writer) needed(l *letter) {
	app, bank, until := w.e.App.Name, w.e.Bank.Name, w.lastDay(w.e.Consent, w.e.Bank)
	planned := w.x.Day(w.e.Consent.NeededUntil, w.e.Bank.Clock.Zone)
	l.Subject = w.text("mail.needed.subject", app, bank, until)
	l.Lines = []string{w.text("mail.needed.text", app, bank, until, planned), w.text("manage.renew.why")}
	l.Button = w.text("manage.renew")
}

// warn words a warning, of one consent or of several that end together.
func (w *writer) warn(l *letter) {
	app, until := w.e.App.Name, w.lastDay(w.e.Consent, w.e.Bank)
	if w.e.Optional {
		l.Unsubscribe, l.UnsubscribeText = l.Link+"/reminders", w.text("mail.unsubscribe", app)
	}
	if n := len(w.e.Ending); n > 1 {
		l.Subject = w.count("mail.several.subject", n, app, until)
		l.Lines = []string{w.count("mail.several.text", n, app)}
		for _, c := range w.e.Ending {
			l.Rows = append(l.Rows, row{Name: w.text("mail.several.row", c.Bank.Name),
				Until: w.text("mail.several.until", w.lastDay(c.Consent, c.Bank)), Link: w.link(c.Manage.Reveal())})
		}
		return
	}
	l.Subject = w.endsIn("subject", app, until)
	l.Lines = []string{w.endsIn("text", app, until), w.text("manage.renew.why")}
	l.Button = w.text("manage.renew")
}

// endsIn counts days as calendars do, because the date stands beside them: a
// mail that waited for the morning may come on the last one.
func (w *writer) endsIn(part, app, until string) string {
	switch days := w.e.Bank.Clock.DaysUntil(w.e.Consent.EndsAt, w.e.At); days {
	case 0:
		return w.text("mail.warning.today."+part, app, w.e.Bank.Name, until)
	case 1:
		return w.text("mail.warning.tomorrow."+part, app, w.e.Bank.Name, until)
	default:
		return w.count("mail.warning."+part, days, app, w.e.Bank.Name, until)
	}
}

func (w *writer) link(manage string) string { return w.publicURL + "/m/" + manage }

func (w *writer) lastDay(c consent.Consent, bank consent.Bank) string {
	return w.x.Day(bank.Clock.LastDay(c.EndsAt), bank.Clock.Zone)
}
