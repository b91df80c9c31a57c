package webhook_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/notify/webhook"
)

func TestNewSecretParses(t *testing.T) {
	a, b := webhook.NewSecret(), webhook.NewSecret()
	if a == b {
		t.Error("two secrets are the same")
	}
	if got, err := webhook.ParseSecret(" " + a.Reveal() + "\n"); err != nil || got != a {
		t.Errorf("ParseSecret of a new secret: %v", err)
	}
}

func TestParseSecretRefuses(t *testing.T) {
	long := "whsec_" + strings.Repeat("AAAA", 22) // 66 bytes
	for _, text := range []string{"", "whsec_", "whsec_AAAA", "whsec_" + strings.Repeat("AAAA", 7) + "AAA", long,
		first.Reveal()[len("whsec_"):], strings.ToUpper(first.Reveal()), "whsec_MDEyMzQ1Njc4OTAx\nMjM0NTY3ODkwMTIz", "whsec_!!!!"} {
		secret, err := webhook.ParseSecret(text)
		if !errors.Is(err, webhook.ErrSecret) || secret != "" {
			t.Errorf("ParseSecret of %d characters = %v", len(text), err)
		}
		if len(text) > 10 && err != nil && strings.Contains(err.Error(), text[6:]) {
			t.Error("the error shows the text")
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	for _, text := range []string{"", first.Reveal(), second.Reveal(), "whsec_AAAA"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := webhook.ParseSecret(text)
		if (err == nil) != strings.HasPrefix(secret.Reveal(), "whsec_") {
			t.Errorf("ParseSecret(%q) = %q, %v", text, secret.Reveal(), err)
		}
	})
}

func TestBackoffStaysWithinATenth(t *testing.T) {
	waits := webhook.Schedule()
	for attempt, wait := range waits {
		low, high := time.Duration(math.MaxInt64), time.Duration(0)
		for i := range 500 {
			id := strings.Repeat("x", i)
			got, again := webhook.Backoff(id, attempt+1)
			if repeat, _ := webhook.Backoff(id, attempt+1); !again || repeat != got {
				t.Fatalf("Backoff(%d) = %s, %t, then %s", attempt+1, got, again, repeat)
			}
			low, high = min(low, got), max(high, got)
		}
		if low < wait*9/10 || low > wait*92/100 || high > wait*11/10 || high < wait*108/100 {
			t.Errorf("Backoff(%d) is between %s and %s, want about %s ±10%%", attempt+1, low, high, wait)
		}
	}
}

func TestBackoffGivesUp(t *testing.T) {
	want := []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}
	waits := webhook.Schedule()
	if !slices.Equal(waits, want) {
		t.Errorf("Schedule = %v", waits)
	}
	waits[0] = 0 // the caller's own
	for attempt, want := range map[int]bool{-1: false, 0: false, 1: true, 9: true, 10: false} {
		if wait, again := webhook.Backoff(id, attempt); again != want || (wait > 0) != want {
			t.Errorf("Backoff(%d) = %s, %t, want %t", attempt, wait, again, want)
		}
	}
}
