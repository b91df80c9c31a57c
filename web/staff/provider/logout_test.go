package provider_test

import (
	"errors"
	"testing"
	"time"

	"github.com/consentd/consentd/web/staff/provider"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func TestLoggedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, test := range []struct{ kind, subject, session string }{
		{"logout+jwt", "audur", "s-1"}, {"application/logout+jwt", "audur", ""}, {"JWT", "", "s-1"},
	} {
		raw, err := w.company.LogoutToken(test.kind, test.subject, test.session, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.provider.LoggedOut(t.Context(), raw)
		if err != nil || got.Subject != test.subject || got.Session != test.session || got.ID == "" || !got.Expires.Equal(w.now.Add(2*time.Minute)) {
			t.Errorf("%v: %+v, %v", test, got, err)
		}
	}
}

// TestForgedLogouts has each check of section 2.6.
func TestForgedLogouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	at := func(d time.Duration) int64 { return w.now.Add(d).Unix() }
	for name, change := range map[string]map[string]any{
		"another issuer":       {"iss": issuer + "/"},
		"another audience":     {"aud": "other"},
		"a second audience":    {"aud": []string{"console", "other"}},
		"no events":            {"events": nil},
		"another event":        {"events": map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}},
		"an event that is not": {"events": map[string]any{logoutEvent: nil}},
		"an event of text":     {"events": map[string]any{logoutEvent: "yes"}},
		"a nonce":              {"nonce": "n"},
		"no id":                {"jti": nil},
		"nobody":               {"sub": nil, "sid": nil},
		"an odd subject":       {"sub": "session s-1"},
		"an odd session":       {"sid": "a\nb"},
		"no time":              {"iat": nil},
		"from yesterday":       {"iat": at(-24 * time.Hour)},
		"from the future":      {"iat": at(2 * time.Minute)},
		"over":                 {"exp": at(-2 * time.Minute)},
		"for ever":             {"exp": at(24 * time.Hour)},
		"without an end":       {"exp": nil},
	} {
		raw, err := w.company.LogoutToken("logout+jwt", "audur", "s-1", change)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.provider.LoggedOut(t.Context(), raw); !errors.Is(err, provider.ErrRefused) {
			t.Errorf("%s: %+v, %v, want it refused", name, got, err)
		}
	}
	raw, err := w.company.LogoutToken("at+jwt", "audur", "s-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	forged := raw[:len(raw)-8] + "AAAAAAAA"
	for name, raw := range map[string]string{"of another kind": raw, "nothing": "", "no token": "x.y.z", "another signature": forged} {
		if _, err := w.provider.LoggedOut(t.Context(), raw); !errors.Is(err, provider.ErrRefused) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
	good, err := w.company.LogoutToken("logout+jwt", "audur", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	away := newWorld(t, nil)
	away.line.cut = true
	if _, err := away.provider.LoggedOut(t.Context(), good); !errors.Is(err, provider.ErrUnavailable) {
		t.Errorf("with the provider away: %v, want unavailable, so that it is told again", err)
	}
}

// TestIDTokensAreNoLogouts: and no logout is a sign-in.
func TestIDTokensAreNoLogouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	raw, err := w.company.LogoutToken("JWT", "audur", "s-1", map[string]any{"events": nil, "nonce": "n", "auth_time": w.now.Unix()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.provider.LoggedOut(t.Context(), raw); !errors.Is(err, provider.ErrRefused) {
		t.Errorf("an ID token signs out: %v", err)
	}
}
