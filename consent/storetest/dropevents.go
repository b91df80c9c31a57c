package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

// dropOfTheIdle: who has read everything has missed nothing, and who has not
// is told so.
func dropOfTheIdle(t *testing.T, f *fixture) {
	must(t, f.DropEvents(t.Context(), "quiet", f.now)) // of nothing
	_, start := f.logged(t, app, "", 10)
	f.log(t, app, "evt_1", f.now)
	f.log(t, app, "evt_2", f.now.Add(time.Second))
	_, early := f.logged(t, app, "", 1)
	_, late := f.logged(t, app, "", 10)
	for range 2 { // the second time is a lost reply's
		must(t, f.DropEvents(t.Context(), app, f.now.Add(time.Minute)))
	}
	left, fresh := f.logged(t, app, "", 10)
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	for _, all := range []string{late, fresh} {
		if got, same := f.logged(t, app, all, 10); len(got) != 0 || same != all {
			t.Errorf("after everything: %v, %q, want nothing and %q", got, same, all)
		}
	}
	for _, gone := range []string{start, early} {
		_, err := f.Events(t.Context(), app, gone, 10)
		wantErr(t, err, consent.ErrEventsGone)
	}

	f.log(t, app, "evt_3", f.now) // by a clock that is behind
	for _, all := range []string{late, fresh, ""} {
		if got, _ := f.logged(t, app, all, 10); !slices.Equal(got, []string{"evt_3"}) {
			t.Errorf("after everything: %v", got)
		}
	}
	for _, gone := range []string{start, early} {
		_, err := f.Events(t.Context(), app, gone, 10)
		wantErr(t, err, consent.ErrEventsGone)
	}
}

func dropOfSome(t *testing.T, f *fixture) {
	f.log(t, app, "evt_1", f.now)
	_, first := f.logged(t, app, "", 1)
	f.log(t, app, "evt_2", f.now.Add(time.Hour))
	f.log(t, app, "evt_3", f.now.Add(2*time.Hour))
	f.log(t, "another", "evt_1", f.now)
	must(t, f.DropEvents(t.Context(), app, f.now.Add(time.Hour)))
	if got, _ := f.logged(t, app, first, 10); !slices.Equal(got, []string{"evt_2", "evt_3"}) {
		t.Errorf("after what was dropped: %v", got)
	}
	must(t, f.DropEvents(t.Context(), app, f.now.Add(time.Hour+time.Millisecond)))
	_, err := f.Events(t.Context(), app, first, 10)
	wantErr(t, err, consent.ErrEventsGone)
	if got, _ := f.logged(t, app, "", 10); !slices.Equal(got, []string{"evt_3"}) {
		t.Errorf("kept: %v", got)
	}
	if got, _ := f.logged(t, "another", "", 10); !slices.Equal(got, []string{"evt_1"}) {
		t.Errorf("of another app: %v", got)
	}
	f.log(t, app, "evt_1", f.now.Add(3*time.Hour)) // as good as new: nobody knows it any more
	if got, _ := f.logged(t, app, "", 10); !slices.Equal(got, []string{"evt_3", "evt_1"}) {
		t.Errorf("kept: %v", got)
	}
}
