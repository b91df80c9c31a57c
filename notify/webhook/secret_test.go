package webhook_test

import (
	"errors"
	"strings"
	"testing"

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
