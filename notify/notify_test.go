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

func event(kind consent.Kind) consent.Event {
	return consent.Event{Kind: kind, Key: "k", Email: "anna@example.is",
		Consent: consent.Consent{EndsAt: time.Date(2027, 3, 3, 12, 0, 0, 0, time.UTC)},
		App:     consent.App{Name: "Fika Pay"}, Bank: consent.Bank{Name: "Landsbankinn", OnlineBank: true}}
}

func TestNotifySaysWhoWhereAndUntilWhen(t *testing.T) {
	for _, kind := range []consent.Kind{consent.Granted, consent.Renewed} {
		var c channel
		if err := notify.New(&c).Notify(t.Context(), event(kind)); err != nil {
			t.Fatal(err)
		}
		if len(c.sent) != 1 || c.sent[0].To.Reveal() != "anna@example.is" || c.sent[0].Key != "k" {
			t.Fatalf("sent %+v", c.sent)
		}
		for _, want := range []string{"Fika Pay", "Landsbankinn", "3 March 2027"} {
			if !strings.Contains(c.sent[0].Subject, want) || !strings.Contains(c.sent[0].Text, want) {
				t.Errorf("%s: %q is missing in %q, %q", kind, want, c.sent[0].Subject, c.sent[0].Text)
			}
		}
	}
}

func TestNotifyOneBrokenChannelDoesNotSilenceAnother(t *testing.T) {
	broken, working := &channel{err: errors.New("broken")}, &channel{}
	err := notify.New(broken, working).Notify(t.Context(), event(consent.Granted))
	if !errors.Is(err, broken.err) || len(working.sent) != 1 {
		t.Errorf("error = %v, sent %d", err, len(working.sent))
	}
}

func TestNotifyWithoutAddressSendsNothing(t *testing.T) {
	var c channel
	e := event(consent.Granted)
	e.Email = ""
	if err := notify.New(&c).Notify(t.Context(), e); err != nil || len(c.sent) != 0 {
		t.Errorf("error = %v, sent %d", err, len(c.sent))
	}
}
