package storetest

import (
	"testing"
	"time"
)

// reserveOnce: the first box under a key stands, for each app.
func reserveOnce(t *testing.T, f *fixture) {
	reserve := func(app, box string) (string, bool) {
		t.Helper()
		stands, made, err := f.Reserve(t.Context(), app, "key", []byte(box), f.now.Add(time.Hour))
		must(t, err)
		return string(stands), made
	}
	if stands, made := reserve(app, "first\x00"); stands != "first\x00" || made {
		t.Errorf("first: %q, %t", stands, made)
	}
	if stands, made := reserve(app, "second"); stands != "first\x00" || made {
		t.Errorf("second: %q, %t", stands, made)
	}
	for range 2 {
		must(t, f.Made(t.Context(), app, "key"))
		if stands, made := reserve(app, "third"); stands != "first\x00" || !made {
			t.Errorf("after Made: %q, %t", stands, made)
		}
	}
	if stands, made := reserve("another", "theirs"); stands != "theirs" || made {
		t.Errorf("another app: %q, %t", stands, made)
	}
}

func madeOfNothing(t *testing.T, f *fixture) {
	must(t, f.Made(t.Context(), app, "key"))
	stands, made, err := f.Reserve(t.Context(), app, "key", []byte("box"), f.now.Add(time.Hour))
	if err != nil || string(stands) != "box" || made {
		t.Errorf("reserve = %q, %t, %v", stands, made, err)
	}
}
