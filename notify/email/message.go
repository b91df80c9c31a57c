package email

import (
	"bytes"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/token"
)

// languageTag is what Content-Language may hold of a message's language.
var languageTag = regexp.MustCompile(`^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$`)

// recipient reads a customer's address. A name in it is dropped: it was never
// asked for.
func recipient(to token.Secret) (*mail.Address, error) {
	a, err := parseAddress(to.Reveal())
	if err != nil {
		return nil, fmt.Errorf("email: the customer's address is not an e-mail address: %w", notify.ErrRefused)
	}
	return &mail.Address{Address: a.Address}, nil
}

// compose writes a whole mail, before a server is asked to take it: half a
// text must never follow DATA.
func (c *Channel) compose(m notify.Message, to *mail.Address) ([]byte, error) {
	if m.Key == "" { // all such mails would pass for copies of one
		return nil, fmt.Errorf("email: message without a key: %w", notify.ErrRefused)
	}
	at := m.At
	if at.IsZero() {
		at = c.config.Now()
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(c.from)
	msg.ToMailAddress(to)
	msg.Subject(oneLine(m.Subject))
	msg.SetDateWithValue(at.UTC())
	msg.SetMessageIDWithValue(c.messageID(m.Key))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if languageTag.MatchString(m.Language) {
		msg.SetGenHeader(gomail.HeaderContentLang, m.Language)
	}
	if m.Unsubscribe != "" {
		msg.SetGenHeader("List-Unsubscribe", "<"+m.Unsubscribe+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	if err := setBody(msg, m); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if _, err := msg.WriteTo(&text); err != nil {
		return nil, fmt.Errorf("email: write message: %w", err)
	}
	return text.Bytes(), nil
}

// setBody writes what the mail says, in text and as a page, and attaches the
// calendar's entry.
func setBody(msg *gomail.Msg, m notify.Message) error {
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	if len(m.Calendar) == 0 {
		return nil
	}
	method := "PUBLISH"
	if m.Cancels {
		method = "CANCEL"
	}
	err := msg.AttachReader("consentd.ics", bytes.NewReader(m.Calendar),
		gomail.WithFileContentType(gomail.ContentType("text/calendar; charset=utf-8; method="+method)))
	if err != nil {
		return fmt.Errorf("email: attach calendar: %w", err)
	}
	return nil
}

// oneLine keeps a bank's or an app's name from bringing its own lines into
// the subject.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}
