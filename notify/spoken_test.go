package notify_test

import (
	"testing"

	"github.com/consentd/consentd/consent"
)

func TestMailFollowsThePageThatWasAgreedTo(t *testing.T) {
	t.Parallel()
	e := in("is", event(consent.ToldConnected))
	e.Consent.TextVersion = "sv-0123456789ab"
	if m := send(t, e); m.Language != "sv" || m.Subject == send(t, in("is", event(consent.ToldConnected))).Subject {
		t.Errorf("the mail is in %q: %s", m.Language, m.Subject)
	}
}
