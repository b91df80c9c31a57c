package staff

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
)

// line is a line of the timeline in words.
type line struct {
	At        time.Time
	Who, Text string
	Bad       bool
	RequestID string
}

// message is what a line of the timeline says of a message.
type message struct {
	channel, event string
	term           int64
	outcome        consent.DeliveryOutcome
	why            string
	at             time.Time
}

// messageIn reads "mail warning-14 1: why" of a line about a message.
func messageIn(e consent.Entry) (message, bool) {
	outcome, ok := strings.CutPrefix(e.Event, "message_")
	what, why, _ := strings.Cut(e.Detail, ": ")
	parts := strings.Fields(what)
	if !ok || len(parts) != 3 {
		return message{}, false
	}
	term, err := strconv.ParseInt(parts[2], 10, 64)
	return message{channel: parts[0], event: parts[1], term: term, outcome: consent.DeliveryOutcome(outcome), why: plainly(why), at: e.At}, err == nil
}

// replies are what mail servers say about a mailbox (RFC 3463).
var replies = map[string]string{"5.1.1": "there is no such mailbox", "5.1.10": "there is no such mailbox", "5.1.2": "there is no such mail domain",
	"5.2.1": "the mailbox is closed", "5.2.2": "the mailbox is full"}

var answered = regexp.MustCompile(`server answered (\d{3})(?: (\d\.\d+\.\d+))?$`)

// plainly says why a message was not delivered. What is new here stays as it
// stands.
func plainly(why string) string {
	why = strings.TrimPrefix(why, consent.ErrUndeliverable.Error()+": ")
	if why == "nobody to reach" {
		return "no address is known"
	}
	reply := answered.FindStringSubmatch(why)
	switch {
	case reply == nil:
		return why
	case replies[reply[2]] != "":
		return replies[reply[2]]
	}
	return "the server refused it with " + strings.TrimSpace(reply[1]+" "+reply[2])
}

// about says what a message is about.
func (m message) about() string {
	word, days, _ := strings.Cut(m.event, "-")
	switch word {
	case consent.ToldWarning:
		if days == "1" {
			return "the end within a day"
		}
		return "the end in " + days + " days"
	case consent.ToldLink:
		return "how to renew, sent by staff"
	}
	if text, ok := map[string]string{
		consent.ToldConnected: "the new access", consent.ToldRenewed: "the renewal", consent.ToldExpired: "the end",
		consent.ToldNeeded: "a payment that is planned for after the end", consent.ToldRecovered: "the access that works again",
		consent.ToldStopped: "the access being stopped", consent.ToldRefused: "the end by the bank", consent.ToldRejected: "nothing being granted",
	}[word]; ok {
		return text
	}
	return word
}

func (m message) words() string {
	kind, to := "Mail", "the customer"
	if m.channel == consent.ChannelWebhook {
		kind, to = "Event", "the app"
	}
	switch m.outcome {
	case consent.DeliverySent:
		text := fmt.Sprintf("%s about %s delivered to %s", kind, m.about(), to)
		if m.why == consent.DetailJoint {
			text += ", in one with another access"
		}
		return text
	case consent.DeliverySilenced:
		return fmt.Sprintf("%s about %s left out: %s", kind, m.about(), leftOut(m.why))
	}
	return fmt.Sprintf("%s about %s not delivered to %s: %s", kind, m.about(), to, m.why)
}

// leftOut says why a message was not sent after all.
func leftOut(why string) string {
	switch why {
	case consent.DetailReminders:
		return "the customer turned reminders off"
	case consent.DetailSpokenFor:
		return "the mail about another access told it"
	}
	return "no longer so"
}

// events are lines that read the same whatever their detail.
var events = map[string]string{
	"requested":                  "asked for the access",
	"authorizing":                "went to the bank",
	"granted":                    "gave the permission at the bank",
	"renewed":                    "renewed the permission at the bank",
	"confirmed":                  "confirmed the customer",
	string(consent.RevokedByPsu): "ended the access",
	"expired":                    "The time was over; the tokens are deleted",
	"partiallyAuthorised":        "left out a permission that is required",
	"restored":                   "The bank’s refusal is not believed; everything is as it was",
	"reported":                   "reported that the bank refuses the token",
	"given_back":                 "What the bank had given was given back",
	"staff_see":                  "looked at this",
	"staff_list":                 "saw this in a list of the customer’s",
	"staff_stop":                 "decided to end the access",
	"staff_renewal":              "copied a renewal link",
	"staff_send":                 "sent the customer a renewal link",
	"staff_resend":               "had a message sent again",
}

// trouble is what refusals and ends are due to.
var trouble = map[string]string{
	consent.CauseCancelled:      "the customer said no at the bank",
	consent.CauseWrongPerson:    "somebody else signed in at the bank",
	consent.CauseNoIdentity:     "the bank did not say who signed in",
	consent.CauseCompany:        "a company signed in",
	consent.CauseLeftOut:        "a permission was left out",
	consent.CauseRefused:        "the bank no longer accepts it",
	consent.CauseLost:           "the answer to a refresh was lost, and the bank refused the old token",
	consent.CauseStopped:        "as wished",
	string(consent.EndBankDown): "the bank did not answer",
	string(consent.EndFailed):   "the bank’s answer did not hold",
	"temporarily_unavailable":   "the bank is temporarily unavailable",
	"server_error":              "the bank failed",
	"unconfirmed":               "the app did not confirm the customer in time",
	"confirmed":                 "The bank has confirmed that the access is over",
	"unsupported":               "The bank takes no notice that an access is over",
}

// badAnswer is the one way in which an access that works is ended over a
// person: a refresh whose answer names another one, or cannot be used.
const badAnswer = "the bank’s answer to a refresh named somebody else, or could not be used"

func because(detail string) string {
	if text, ok := trouble[detail]; ok {
		return text
	}
	return detail
}

// tell puts a line into words. A line of a kind that is new here is shown as
// it stands.
func (f file) tell(e consent.Entry) line {
	l := line{At: e.At, Who: f.who(e), Text: events[e.Event], RequestID: e.RequestID}
	if m, ok := messageIn(e); ok {
		l.Text, l.Bad = m.words(), m.outcome == consent.DeliveryFailed
		return l
	}
	switch e.Event {
	case string(consent.TerminatedByTpp):
		l.Text, l.Bad = "ended the access", true
		if e.Detail != consent.CauseStopped {
			l.Text += ": " + reasonLabel(e.Detail)
		}
	case "ended":
		l.Text, l.Bad = "ended the access: "+because(e.Detail), true
		if e.Detail == consent.CauseWrongPerson {
			l.Text = "Ended to be safe: " + badAnswer
		}
	case "rejected", "refused":
		l.Text, l.Bad = "Refused: "+because(e.Detail), true
	case "failed":
		l.Text, l.Bad = "Came to nothing: "+because(e.Detail), true
	case "given_up":
		l.Text, l.Bad = "Given up: "+because(e.Detail), true
	case "bank_told":
		l.Text, l.Bad = because(e.Detail), e.Detail == "failed"
		if l.Bad {
			l.Text = "The bank did not confirm that the access is over"
		}
	case "expired", "partiallyAuthorised", string(consent.RevokedByPsu):
		l.Bad = true
	}
	if why := reasonOf(e); why != "" {
		l.Text += ": " + why
	}
	if l.Text == "" {
		l.Text = strings.TrimSpace(strings.ReplaceAll(e.Event, "_", " ") + " " + e.Detail)
	}
	return l
}

// reasonOf is why staff did something, where that is a code. What they said in
// their own words is in the audit.
func reasonOf(e consent.Entry) string {
	if !strings.HasPrefix(e.Event, "staff_") {
		return ""
	}
	return reasonLabel(e.Reason)
}

func (f file) who(e consent.Entry) string {
	switch e.Actor {
	case consent.ByApp:
		return f.App
	case consent.ByBank:
		return f.Bank
	case consent.ByCustomer:
		return "Customer"
	case consent.ByStaff:
		if e.Staff != "" {
			return "Staff: " + e.Staff
		}
		return "Staff"
	}
	return "consentd"
}

// story is the whole timeline, newest first.
func (f file) story() []line {
	lines := make([]line, 0, len(f.Timeline))
	for i := len(f.Timeline) - 1; i >= 0; i-- {
		lines = append(lines, f.tell(f.Timeline[i]))
	}
	return lines
}

// next says what happens by itself, and when.
func (f file) next(warnDays []int) []string {
	c := f.Consent
	switch c.StatusAt(f.Now) {
	case consent.TerminatedByAspsp:
		if f.held() {
			return []string{"Within minutes: everything is as it was again, because the bank is not believed."}
		}
	case consent.Valid:
		steps := []string{"At the end, on " + f.moment(c.EndsAt) + ": no token is handed out any more, the tokens are deleted, and the customer is told."}
		for i := len(warnDays) - 1; i >= 0; i-- {
			if at := c.EndsAt.Add(-time.Duration(warnDays[i]) * day); at.After(f.Now) {
				steps = append([]string{fmt.Sprintf("On %s: a warning, %s before the end.", f.moment(at), plural(warnDays[i], "day"))}, steps...)
			}
		}
		if f.Failing {
			steps = append([]string{"When an app asks for a token, the bank is tried again."}, steps...)
		}
		return steps
	case consent.RevokedByPsu, consent.TerminatedByTpp:
		if c.TellingBank {
			return []string{"The bank is told until it confirms, for a week."}
		}
	case consent.Received:
		if c.AwaitsConfirmation(f.Now) {
			return []string{"At " + f.clock(c.ConfirmUntil) + ": what the bank gave is given back, unless " + f.App + " has confirmed."}
		}
	}
	return []string{"Nothing. The record is kept for its time, to explain what happened."}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
