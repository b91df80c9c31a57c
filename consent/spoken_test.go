package consent_test

import (
	"testing"

	"github.com/consentd/consentd/consent"
)

func TestSpoken(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{"": "is", "sv-0123456789ab": "sv", "en-1": "en", "text-1": "is", "xx-1": "is", "sv": "sv", "-": "is"} {
		c := consent.Consent{Language: "is", TextVersion: version}
		if got := c.Spoken(); got != want {
			t.Errorf("agreed on %q: spoken to in %q, want %q", version, got, want)
		}
	}
}
