package notify_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

func TestHooksSayWhenAGrantWasGivenBack(t *testing.T) {
	hooks, app := hooked(t)
	e := hookEvent(consent.ToldRecovered + "-1796299200500")
	if err := hooks.Notify(t.Context(), e); err != nil || len(app.bodies) != 1 {
		t.Fatalf("Notify = %v, %d deliveries", err, len(app.bodies))
	}
	var got struct {
		Type      string
		Timestamp time.Time
	}
	if err := json.Unmarshal([]byte(app.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if want := time.UnixMilli(1796299200000).UTC(); got.Type != "consent.recovered" || !got.Timestamp.Equal(want) {
		t.Errorf("told %s of %s, want consent.recovered of %s", got.Type, got.Timestamp, want)
	}
}
