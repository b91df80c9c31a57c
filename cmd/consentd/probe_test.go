package main

import "testing"

func TestConsentProbe(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	s.grant()
	got := s.look("", "consent", "probe", "sandbox")
	got.says(t, exitOK)
	if want := "1 consents are due to be asked about\n"; got.out != want {
		t.Errorf("out = %q, want %q", got.out, want)
	}
	s.look("", "consent", "probe", "nowhere").says(t, exitFailure, "nowhere is no bank")
}
