package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/notify"
)

// book is a log that keeps what it is given.
type book struct {
	app    string
	at     time.Time
	events []consent.LoggedEvent
	err    error
}

func (b *book) LogEvent(_ context.Context, app string, e consent.LoggedEvent, at time.Time) error {
	b.app, b.at, b.events = app, at, append(b.events, e)
	return b.err
}

func TestLogSaysWhatTheWebhookSays(t *testing.T) {
	for _, what := range []string{consent.ToldConnected, consent.ToldWarning + "-7", consent.ToldStopped, consent.ToldRejected} {
		hooks, app := hooked(t)
		e, b := hookEvent(what), &book{}
		if err := errors.Join(hooks.Notify(t.Context(), e), notify.NewLog(b).Notify(t.Context(), e)); err != nil {
			t.Fatal(err)
		}
		var hook, logged map[string]any
		if err := errors.Join(json.Unmarshal([]byte(app.bodies[0]), &hook), json.Unmarshal(b.events[0].Payload, &logged)); err != nil {
			t.Fatal(err)
		}
		if logged["id"] != app.ids[0] || b.events[0].ID != app.ids[0] || b.app != "shop" || !b.at.Equal(e.At) {
			t.Errorf("logged %s of %s at %s, id %v; the webhook's is %s", b.events[0].ID, b.app, b.at, logged["id"], app.ids[0])
		}
		delete(logged, "id")
		if diff := cmp.Diff(hook, logged); diff != "" {
			t.Errorf("%s: the log differs from the webhook (-webhook +log):\n%s", what, diff)
		}
	}
}

func TestLogThatDoesNotAnswerIsTriedAgain(t *testing.T) {
	err := notify.NewLog(&book{err: errors.New("down")}).Notify(t.Context(), hookEvent(consent.ToldConnected))
	if err == nil || errors.Is(err, consent.ErrUndeliverable) {
		t.Errorf("Notify = %v, want a transient error", err)
	}
}
