package redisstore_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// TestLogOfAnAppThatIsNoMoreGoes: nobody drops the events of an app that was
// taken out of the configuration.
func TestLogOfAnAppThatIsNoMoreGoes(t *testing.T) {
	m, client := redistest.Embedded(t)
	s, err := redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := s.LogEvent(t.Context(), "former", consent.LoggedEvent{ID: "evt_1", Payload: []byte("{}")}, now); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"{e:former}:events", "{e:former}:ids"} {
		if left := m.TTL(key) - consent.EventsKept; left.Abs() > time.Minute {
			t.Errorf("%s goes after %s", key, m.TTL(key))
		}
	}
	m.FastForward(consent.EventsKept + time.Minute)
	if m.Exists("{e:former}:events") || m.Exists("{e:former}:ids") {
		t.Error("the log is still there")
	}
}

// TestALogFromBeforeItsNewestWasKept: a log that was written by an earlier
// version has no entry of its newest.
func TestALogFromBeforeItsNewestWasKept(t *testing.T) {
	m, client := redistest.Embedded(t)
	s, err := redisstore.New(redisstore.Config{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := s.LogEvent(t.Context(), "shop", consent.LoggedEvent{ID: "evt_1", Payload: []byte("{}")}, now); err != nil {
		t.Fatal(err)
	}
	m.Del("{e:shop}:last")
	page, err := s.Events(t.Context(), "shop", "", 10)
	if err != nil || len(page.Events) != 1 {
		t.Fatalf("Events = %+v, %v", page, err)
	}
	if err := s.DropEvents(t.Context(), "shop", now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if page, err = s.Events(t.Context(), "shop", page.Next, 10); err != nil || len(page.Events) != 0 {
		t.Errorf("after everything: %+v, %v", page, err)
	}
}
