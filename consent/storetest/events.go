package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
)

func (f *fixture) log(t *testing.T, app, id string, at time.Time) {
	t.Helper()
	must(t, f.LogEvent(t.Context(), app, consent.LoggedEvent{ID: id, Payload: []byte(`{"id":"` + id + `"}`)}, at))
}

// logged reads a page and the ids in it.
func (f *fixture) logged(t *testing.T, app, after string, limit int) (ids []string, next string) {
	t.Helper()
	page, err := f.Events(t.Context(), app, after, limit)
	must(t, err)
	ids = []string{}
	for _, e := range page.Events {
		ids = append(ids, e.ID)
		if string(e.Payload) != `{"id":"`+e.ID+`"}` {
			t.Errorf("payload of %s = %s", e.ID, e.Payload)
		}
	}
	return ids, page.Next
}

func eventsInOrder(t *testing.T, f *fixture) {
	none, start := f.logged(t, app, "", 10)
	if len(none) != 0 || start == "" {
		t.Errorf("of nothing: %v, %q", none, start)
	}
	for i, at := range []time.Duration{time.Hour, time.Hour, 0, 2 * time.Hour} { // also from a clock that is behind
		f.log(t, app, fmt.Sprint("evt_", i), f.now.Add(at))
		f.log(t, app, fmt.Sprint("evt_", i), f.now.Add(at+time.Minute)) // again
	}
	f.log(t, "another", "evt_9", f.now)
	for _, after := range []string{"", start} {
		first, next := f.logged(t, app, after, 3)
		rest, end := f.logged(t, app, next, 3)
		again, same := f.logged(t, app, end, 3)
		if diff := cmp.Diff([]string{"evt_0", "evt_1", "evt_2", "evt_3"}, append(first, rest...)); diff != "" || len(first) != 3 {
			t.Error(diff)
		}
		if len(again) != 0 || same != end {
			t.Errorf("after the end: %v, %q, want nothing and %q", again, same, end)
		}
	}
}

func eventsAreDropped(t *testing.T, f *fixture) {
	_, start := f.logged(t, app, "", 1)
	for i := range 250 {
		f.log(t, app, fmt.Sprint("evt_", i), f.now)
	}
	_, early := f.logged(t, app, "", 1)
	_, late := f.logged(t, app, "", 250)
	f.log(t, app, "evt_new", f.now.Add(consent.EventsKept+time.Second))
	for _, gone := range []string{start, early} {
		_, err := f.Events(t.Context(), app, gone, 10)
		wantErr(t, err, consent.ErrEventsGone)
	}
	if got, _ := f.logged(t, app, late, 10); len(got) != 1 || got[0] != "evt_new" {
		t.Errorf("after the last of the old ones: %v, want the new one: nothing between was dropped", got)
	}
	if got, _ := f.logged(t, app, "", 1); len(got) != 1 || got[0] == "evt_0" {
		t.Errorf("the oldest that is kept: %v", got)
	}
}

func eventsOfAnotherLife(t *testing.T, f *fixture) {
	f.log(t, app, "evt_1", f.now.Add(time.Hour))
	_, ahead := f.logged(t, app, "", 1)
	f.log(t, "restored", "evt_1", f.now)
	for _, name := range []string{"restored", "emptied"} {
		_, err := f.Events(t.Context(), name, ahead, 10)
		wantErr(t, err, consent.ErrEventsGone)
	}
}
