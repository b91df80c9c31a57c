package email_test

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/notify/email"
	"github.com/consentd/consentd/token"
)

const (
	sender = "Samþykki <no-reply@consent.example.is>"
	key    = "consent-4711/7/3"
)

var at = time.Date(2027, 3, 3, 12, 0, 0, 0, time.FixedZone("", 3600))

func message() notify.Message {
	return notify.Message{
		Key: key, To: "gudrun@example.is", Language: "is", At: at,
		Subject: "Aðgangur Fika Pay að Landsbankanum rennur út 3. mars 2027, eftir þrjá daga, ef þú endurnýjar hann ekki",
		Text:    "Sæl Guðrún Ævarsdóttir,\n\n.\n..tveir punktar\n" + strings.Repeat("þæö ", 60) + "\nbless",
		HTML:    "<!doctype html><p>Sæl Guðrún Ævarsdóttir, það er =20 ýmislegt.</p>",
	}
}

func mustNew(t *testing.T, c email.Config) *email.Channel {
	t.Helper()
	channel, err := email.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

// read is a mail as the customer's program shows it.
type read struct {
	subject string
	header  mail.Header
	parts   map[string]string
}

func reading(t *testing.T, text string) read {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r := read{subject, m.Header, map[string]string{}}
	if !strings.HasPrefix(kind, "multipart/") {
		r.parts[m.Header.Get("Content-Type")] = all(t, quotedprintable.NewReader(m.Body))
		return r
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextPart()
		if err == io.EOF {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		r.parts[p.Header.Get("Content-Type")] = all(t, p)
	}
}

func all(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

func TestSendDeliversTextAndHTMLIntact(t *testing.T) {
	for _, mode := range []string{email.StartTLS, email.ImplicitTLS, email.NoTLS} {
		t.Run(mode, func(t *testing.T) {
			var in inbox
			m := message()
			if err := mustNew(t, in.serve(t, mode)).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			text := in.only(t)
			if in.from != "no-reply@consent.example.is" || in.to != "gudrun@example.is" || in.utf8 {
				t.Errorf("envelope = %q, %q, utf8 %t", in.from, in.to, in.utf8)
			}
			r := reading(t, text)
			want := map[string]string{"text/plain; charset=UTF-8": m.Text, "text/html; charset=UTF-8": m.HTML}
			if diff := cmp.Diff(want, r.parts); diff != "" {
				t.Errorf("parts differ (-want +got):\n%s", diff)
			}
			if r.subject != m.Subject {
				t.Errorf("subject = %q", r.subject)
			}
			if strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
				t.Error("the mail is not ASCII")
			}
		})
	}
}

func TestSendSetsTheHeaders(t *testing.T) {
	var in inbox
	if err := mustNew(t, in.serve(t, email.StartTLS)).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	h := reading(t, in.only(t)).header
	for name, want := range map[string]string{
		"Date": "Wed, 03 Mar 2027 11:00:00 +0000", "Content-Language": "is", "Auto-Submitted": "auto-generated",
		"Mime-Version": "1.0", "To": "<gudrun@example.is>", "User-Agent": "", "X-Mailer": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	from, err := mail.ParseAddress(h.Get("From"))
	if err != nil || from.Name != "Samþykki" || from.Address != "no-reply@consent.example.is" {
		t.Errorf("From = %v, %v", from, err)
	}
	if !strings.HasPrefix(h.Get("Content-Type"), "multipart/alternative;") {
		t.Errorf("Content-Type = %q", h.Get("Content-Type"))
	}
}

func TestMessageIDIsTheKeysAndHidesIt(t *testing.T) {
	id := func(key string) string {
		var in inbox
		m := message()
		m.Key = key
		if err := mustNew(t, in.serve(t, email.NoTLS)).Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		text := in.only(t)
		if strings.Contains(text, key) {
			t.Errorf("the mail shows its key:\n%s", text)
		}
		return reading(t, text).header.Get("Message-Id")
	}
	first, again, other := id(key), id(key), id(key+"1")
	if first != again || first == other {
		t.Errorf("Message-ID = %q, %q and for another key %q", first, again, other)
	}
	if !strings.HasPrefix(first, "<") || !strings.HasSuffix(first, "@consent.example.is>") {
		t.Errorf("Message-ID = %q", first)
	}
}

func TestSendTextOnlyAtTheChannelsTime(t *testing.T) {
	var in inbox
	c := in.serve(t, email.NoTLS)
	c.Now = func() time.Time { return at }
	if err := mustNew(t, c).Send(t.Context(), notify.Message{Key: "k", To: "a@b.is", Subject: "Halló", Text: "Þú\n"}); err != nil {
		t.Fatal(err)
	}
	r := reading(t, in.only(t))
	if diff := cmp.Diff(map[string]string{"text/plain; charset=UTF-8": "Þú\n"}, r.parts); diff != "" {
		t.Errorf("parts differ (-want +got):\n%s", diff)
	}
	if got := r.header.Get("Date"); got != "Wed, 03 Mar 2027 11:00:00 +0000" {
		t.Errorf("Date = %q", got)
	}
	if _, ok := r.header["Content-Language"]; ok {
		t.Error("an unknown language is stated")
	}
}

func TestSendKeepsForeignTextOutOfTheHeaders(t *testing.T) {
	var in inbox
	m := message()
	m.Subject = "Fika\r\nBcc: all@example.is\r\n\r\nBuy\x00now\u0085\u2028!"
	m.Language = "is\r\nX-Evil: 1"
	m.Key = "k>\r\nX-Evil: 1"
	m.Text, m.HTML = "\r\n.\r\nMAIL FROM:<x@y>\rlone\nend", ""
	if err := mustNew(t, in.serve(t, email.NoTLS)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	r := reading(t, in.only(t))
	for _, name := range []string{"Bcc", "X-Evil", "Content-Language"} {
		if got, ok := r.header[name]; ok {
			t.Errorf("%s = %q", name, got)
		}
	}
	if r.subject != "Fika Bcc: all@example.is Buy now !" {
		t.Errorf("subject = %q", r.subject)
	}
	if got := r.parts["text/plain; charset=UTF-8"]; !strings.HasPrefix(got, "\n.\nMAIL FROM:<x@y>") {
		t.Errorf("text = %q", got)
	}
}

func TestSendWritesToUnusualAddresses(t *testing.T) {
	for to, want := range map[string]string{
		"Guðrún <a@b.is>": "a@b.is",
		"a@þjóð.is":       "a@xn--j-pgai6b.is",
		"þór@b.is":        "þór@b.is",
	} {
		var in inbox
		m := message()
		m.To = token.Secret(to)
		if err := mustNew(t, in.serve(t, email.NoTLS)).Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", to, err)
			continue
		}
		if in.to != want || in.utf8 != strings.HasPrefix(want, "þ") {
			t.Errorf("%s: sent to %q (utf8 %t), want %q", to, in.to, in.utf8, want)
		}
		if got := reading(t, in.only(t)).header.Get("To"); got != "<"+want+">" {
			t.Errorf("%s: To = %q", to, got)
		}
	}
}

func TestSendRefusesWhatIsNoMail(t *testing.T) {
	var in inbox
	c := mustNew(t, in.serve(t, email.NoTLS))
	for _, to := range []token.Secret{"", "hidden", "hidden@", "@b.is", "hidden@b.is\r\nRCPT TO:<x@y.is>", "hidden@b.is, b@c.is", "hidden@b.is>\r\nDATA", "hidden@b..is"} {
		m := message()
		m.To = to
		err := c.Send(t.Context(), m)
		if !errors.Is(err, notify.ErrRefused) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("Send to %q = %v, want ErrRefused without the address", to.Reveal(), err)
		}
	}
	m := message()
	m.Key = ""
	if err := c.Send(t.Context(), m); !errors.Is(err, notify.ErrRefused) {
		t.Errorf("Send without a key = %v", err)
	}
	if in.from != "" {
		t.Error("the server was asked")
	}
}

func TestSendLetsCustomersUnsubscribeByOneClick(t *testing.T) {
	var in inbox
	m := message()
	m.Unsubscribe = "https://consent.test/m/link/reminders"
	if err := mustNew(t, in.serve(t, email.StartTLS)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h := reading(t, in.only(t)).header
	if h.Get("List-Unsubscribe") != "<"+m.Unsubscribe+">" || h.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("headers %v", h)
	}
}

func TestSendAttachesTheCalendar(t *testing.T) {
	sendsCalendar(t, false, "PUBLISH")
	sendsCalendar(t, true, "CANCEL")
}

func sendsCalendar(t *testing.T, cancels bool, method string) {
	t.Helper()
	var in inbox
	m := message()
	m.Cancels = cancels
	m.Calendar = []byte("BEGIN:VCALENDAR\r\nSUMMARY:Aðgangur\r\nEND:VCALENDAR\r\n")
	if err := mustNew(t, in.serve(t, email.StartTLS)).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(reading(t, in.only(t)).header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("Content-Type = %q, %v", kind, err)
	}
	_, body, _ := strings.Cut(in.only(t), "\r\n\r\n")
	parts := multipart.NewReader(strings.NewReader(body), params["boundary"])
	if _, err := parts.NextPart(); err != nil { // the text and the page
		t.Fatal(err)
	}
	p, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
	if err != nil || string(content) != string(m.Calendar) || p.FileName() != "consentd.ics" ||
		!strings.HasPrefix(p.Header.Get("Content-Type"), "text/calendar; charset=utf-8; method="+method) {
		t.Errorf("%v: %q, %v", p.Header, content, err)
	}
}
