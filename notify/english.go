package notify

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
)

// wording is a message in plain sentences, from which its text and its page
// are made.
type wording struct {
	Subject string
	Lines   []string
	Rows    []row  // the consents that it speaks of, where there are several
	Button  string // of the link to the page where one renews and stops
	Link    string
	Foot    string
}

type row struct{ Name, Until, Link string }

//go:embed mail.html
var mailHTML embed.FS

var mailPage = template.Must(template.ParseFS(mailHTML, "mail.html"))

// write words an event. The subject carries the date, so that a mail found
// later still says when.
func (m *Mail) write(e consent.Event) (Message, error) {
	w := m.words(e)
	var page bytes.Buffer
	if err := mailPage.Execute(&page, w); err != nil {
		return Message{}, fmt.Errorf("word message: %w", err)
	}
	return Message{Key: e.Key, To: e.Email, Language: "en", At: e.At, Subject: w.Subject, Text: w.text(), HTML: page.String()}, nil
}

func (w wording) text() string {
	var b strings.Builder
	for _, l := range w.Lines {
		fmt.Fprintf(&b, "%s\n\n", l)
	}
	for _, r := range w.Rows {
		fmt.Fprintf(&b, "%s, until %s:\n%s\n\n", r.Name, r.Until, r.Link)
	}
	if w.Button != "" {
		fmt.Fprintf(&b, "%s:\n%s\n\n", w.Button, w.Link)
	}
	fmt.Fprintf(&b, "%s\n", w.Foot)
	return b.String()
}

func (m *Mail) link(e consent.EndingConsent) string { return m.publicURL + "/m/" + e.Manage.Reveal() }

func (m *Mail) words(e consent.Event) wording {
	app, bank, until := e.App.Name, e.Bank.Name, lastDay(e.Consent.EndsAt, e.Bank)
	w := wording{
		Link: m.publicURL + "/m/" + e.Manage.Reveal(),
		Foot: fmt.Sprintf("You get this message because you let %s into your account at %s.", app, bank),
	}
	switch e.Notice.Word() {
	case consent.ToldConnected:
		w.Subject = fmt.Sprintf("%s is connected to %s until %s", app, bank, until)
		w.Lines = []string{fmt.Sprintf("You connected %s to %s.", app, bank),
			fmt.Sprintf("The access ends by itself on %s. You can stop it at any time.", until)}
		w.Button = "See or stop the access"
	case consent.ToldRenewed:
		w.Subject = fmt.Sprintf("Renewed: %s at %s until %s", app, bank, until)
		w.Lines = []string{fmt.Sprintf("You renewed the access of %s at %s. It now ends on %s.", app, bank, until)}
		w.Button = "See or stop the access"
	case consent.ToldExpired:
		w.Subject = fmt.Sprintf("%s's access at %s ended on %s", app, bank, until)
		w.Lines = []string{fmt.Sprintf("The access of %s at %s ended on %s.", app, bank, until),
			fmt.Sprintf("Payments through %s no longer work. To use it again, connect again.", app)}
		w.Button = "Connect again"
	case consent.ToldStopped:
		w.Subject = fmt.Sprintf("Stopped on %s: %s at %s", date(e.Consent.EndedAt, e.Bank), app, bank)
		w.Lines = []string{fmt.Sprintf("The access of %s at %s was stopped on %s, %s.", app, bank, date(e.Consent.EndedAt, e.Bank), stoppedBy(e)),
			fmt.Sprintf("Payments through %s no longer work.", app)}
	case consent.ToldRefused:
		w.Subject = fmt.Sprintf("%s no longer lets %s in, since %s", bank, app, date(e.Consent.EndedAt, e.Bank))
		w.Lines = []string{fmt.Sprintf("%s no longer accepts the access of %s. If you withdrew it there yourself, all is as it should be.", bank, app),
			fmt.Sprintf("Otherwise connect again: until then payments through %s do not work.", app)}
		w.Button = "Connect again"
	case consent.ToldLink:
		w.Subject = fmt.Sprintf("Your link to renew: %s at %s, until %s", app, bank, until)
		w.Lines = []string{fmt.Sprintf("Our support sends you this link: it leads to the page where you renew the access of %s at %s, or stop it.", app, bank),
			"Renewing takes a minute, and you sign in at your bank as always. We never ask for a password."}
		w.Button = "Renew access"
	default:
		m.warn(&w, e)
	}
	return w
}

// warn words a warning, of one consent or of several that end together.
func (m *Mail) warn(w *wording, e consent.Event) {
	app, until := e.App.Name, lastDay(e.Consent.EndsAt, e.Bank)
	left := days(e.Consent.DaysLeft(e.At))
	if len(e.Ending) > 1 {
		w.Subject = fmt.Sprintf("%s's access to %d of your banks ends soon, the first on %s", app, len(e.Ending), until)
		w.Lines = []string{fmt.Sprintf("The access of %s to your accounts ends at %d banks within a week. Renewing takes a minute for each, and nothing stops meanwhile.", app, len(e.Ending))}
		for _, c := range e.Ending {
			w.Rows = append(w.Rows, row{Name: "Renew at " + c.Bank.Name, Until: lastDay(c.Consent.EndsAt, c.Bank), Link: m.link(c)})
		}
		return
	}
	w.Subject = fmt.Sprintf("%s's access at %s ends in %s, on %s", app, e.Bank.Name, left, until)
	w.Lines = []string{fmt.Sprintf("The access of %s at %s ends in %s, on %s.", app, e.Bank.Name, left, until),
		"Renewing takes a minute. Nothing stops while you do it, and nothing changes if you change your mind."}
	w.Button = "Renew access"
}

func stoppedBy(e consent.Event) string {
	switch e.Consent.Cause.Actor {
	case consent.ByCustomer:
		return "by you"
	case consent.ByApp:
		return "by " + e.App.Name
	}
	return "by our support"
}

func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// lastDay is the day that has the last moment before the end, as the pages
// say it.
func lastDay(end time.Time, bank consent.Bank) string { return date(end.Add(-time.Nanosecond), bank) }

// date is a day of the bank's calendar.
func date(t time.Time, bank consent.Bank) string {
	if bank.Clock.Zone != nil {
		t = t.In(bank.Clock.Zone)
	}
	return t.Format("2 January 2006")
}
