package notify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/notify"
)

// channel keeps what is sent, or fails.
type channel struct {
	sent []notify.Message
	err  error
}

func (c *channel) Send(_ context.Context, m notify.Message) error {
	if c.err != nil {
		return c.err
	}
	c.sent = append(c.sent, m)
	return nil
}

func event(what string) consent.Event {
	c := consent.Consent{ID: "cns_7f00000000000000000000000001", Status: consent.Valid,
		EndsAt: time.Date(2027, 3, 3, 12, 0, 0, 0, time.UTC), EndedAt: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
		Cause: consent.Cause{Actor: consent.ByCustomer}}
	bank := consent.Bank{Name: "Landsbankinn", OnlineBank: true}
	return consent.Event{Notice: consent.Notice{Event: what}, Key: "k", Email: "anna@example.is", Manage: "secret-link", Consent: c,
		At: time.Date(2027, 2, 24, 12, 0, 0, 0, time.UTC), App: consent.App{Name: "Fika <Pay>"}, Bank: bank,
		Ending: []consent.EndingConsent{{Consent: c, Bank: bank, Manage: "secret-link"}}}
}

func send(t *testing.T, e consent.Event) notify.Message {
	t.Helper()
	var c channel
	if err := notify.NewMail(&c, "https://consent.test").Notify(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if len(c.sent) != 1 {
		t.Fatalf("sent %d messages", len(c.sent))
	}
	return c.sent[0]
}

func TestMailSaysWhoWhereAndWhen(t *testing.T) {
	for _, test := range []struct{ event, date, button string }{
		{consent.ToldConnected, "3 March 2027", "See or stop"},
		{consent.ToldRecovered, "3 March 2027", "See or stop"},
		{consent.ToldRenewed, "3 March 2027", "See or stop"},
		{consent.ToldNeeded, "3 March 2027", "Renew access"},
		{consent.ToldExpired, "3 March 2027", "Connect again"},
		{consent.ToldStopped, "1 February 2027", ""},
		{consent.ToldRefused, "1 February 2027", "Connect again"},
		{consent.ToldLink + "-17", "3 March 2027", "Renew access"},
		{consent.ToldWarning + "-7", "3 March 2027", "Renew access"},
	} {
		t.Run(test.event, func(t *testing.T) {
			m := send(t, event(test.event))
			for _, want := range []string{"Fika <Pay>", "Landsbankinn", test.date} {
				if !strings.Contains(m.Subject, want) {
					t.Errorf("%q is missing in the subject %q", want, m.Subject)
				}
			}
			if !strings.Contains(m.Text, "Landsbankinn") || !strings.Contains(m.Text, test.button) || !strings.Contains(m.HTML, test.button) {
				t.Errorf("text %q\nHTML %q", m.Text, m.HTML)
			}
			if strings.Contains(m.HTML, "<Pay>") {
				t.Error("a name is markup in the page")
			}
			if link := "https://consent.test/m/secret-link"; (test.button != "") != (strings.Contains(m.Text, link) && strings.Contains(m.HTML, link)) {
				t.Error("button and plain link do not go together")
			}
			if m.To.Reveal() != "anna@example.is" || m.Key != "k" {
				t.Errorf("message %+v", m)
			}
		})
	}
}

func TestMailOneForConsentsThatEndTogether(t *testing.T) {
	e := event(consent.ToldWarning + "-7")
	other := e.Ending[0]
	other.Bank.Name, other.Manage = "Landshypotek", "other-link"
	e.Ending = append(e.Ending, other)
	m := send(t, e)
	for _, want := range []string{"Landsbankinn", "Landshypotek", "/m/secret-link", "/m/other-link"} {
		if !strings.Contains(m.Text, want) || !strings.Contains(m.HTML, want) {
			t.Errorf("%q is missing in %q", want, m.Text)
		}
	}
}

func TestMailReachesWhoHasAnAddress(t *testing.T) {
	m := notify.NewMail(&channel{}, "https://consent.test")
	without := event(consent.ToldConnected)
	without.Email = ""
	if m.Reaches(without) || m.Reaches(event(consent.ToldRejected)) || !m.Reaches(event(consent.ToldConnected)) {
		t.Error("Reaches is wrong")
	}
}

func TestMailRefusedForGoodIsUndeliverable(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{{notify.ErrRefused, true}, {errors.New("greylisted"), false}} {
		err := notify.NewMail(&channel{err: test.err}, "").Notify(t.Context(), event(consent.ToldConnected))
		if errors.Is(err, consent.ErrUndeliverable) != test.want || !errors.Is(err, test.err) {
			t.Errorf("error = %v", err)
		}
	}
}

func TestMailOfWhatIsPlannedSaysWhen(t *testing.T) {
	e := event(consent.ToldNeeded)
	e.Consent.NeededUntil = time.Date(2027, 4, 1, 12, 0, 0, 0, time.UTC)
	if m := send(t, e); !strings.Contains(m.Text, "planned for 1 April 2027") || !strings.Contains(m.Text, "works only until 3 March 2027") {
		t.Errorf("text = %q", m.Text)
	}
}
