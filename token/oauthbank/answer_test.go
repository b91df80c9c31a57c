package oauthbank_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

func TestAnswerExpiresIn(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`600`:        10 * time.Minute,
		`"3600"`:     time.Hour,
		`" 3600 "`:   time.Hour,
		`3600.5`:     time.Hour + 500*time.Millisecond,
		`"3600.5"`:   time.Hour + 500*time.Millisecond,
		`1e3`:        1000 * time.Second,
		`0`:          300 * time.Second,
		`"0"`:        300 * time.Second,
		`-1`:         300 * time.Second,
		`""`:         300 * time.Second,
		`null`:       300 * time.Second,
		`true`:       300 * time.Second,
		`"soon"`:     300 * time.Second,
		`"NaN"`:      300 * time.Second,
		`"Infinity"`: 300 * time.Second,
		`1e300`:      300 * time.Second,
		`{"s":5}`:    300 * time.Second,
		`[600]`:      300 * time.Second,
		`9999999999`: 366 * 24 * time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			op := newOP()
			op.answer = func(a map[string]any) { a["expires_in"] = json.RawMessage(text) }
			g, err := refresh(t, op.bank(t))
			if got := g.AccessExpiry.Sub(g.IssuedAt); err != nil || got != want {
				t.Errorf("expires_in %s: lifetime = %s, %v, want %s", text, got, err, want)
			}
		})
	}
}

func TestAnswerDefaultLifetimeIsConfigured(t *testing.T) {
	op := newOP()
	op.answer = func(a map[string]any) { delete(a, "expires_in") }
	g, err := refresh(t, op.bank(t, func(c *oauthbank.Config) { c.DefaultAccessTTL = time.Minute }))
	if got := g.AccessExpiry.Sub(g.IssuedAt); err != nil || got != time.Minute {
		t.Errorf("lifetime = %s, %v, want a minute", got, err)
	}
}

func TestAnswerCountsFromBeforeTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := newOP()
		b := op.bank(t)
		start := time.Now().UTC()
		inner := op.tokens()
		op.on("/token", slowly(8*time.Second, inner))
		g, err := refresh(t, b)
		if err != nil || !g.IssuedAt.Equal(start) || !g.AccessExpiry.Equal(start.Add(10*time.Minute)) {
			t.Errorf("issued %s, expires %s, %v; want counted from %s", g.IssuedAt, g.AccessExpiry, err, start)
		}
	})
}

func TestAnswerTokenType(t *testing.T) {
	for _, c := range []struct {
		value  any
		accept string
		ok     bool
	}{
		{"Bearer", "", true}, {"bearer", "", true}, {"BEARER", "", true},
		{"mac", "", false}, {"N_A", "", false}, {nil, "", false}, {"", "", false}, {"Bearer ", "", false}, {7, "", false},
		{"DPoP", "", false}, {"pop", "PoP", true},
	} {
		op := newOP()
		member("token_type", c.value)(op)
		g, err := refresh(t, op.bank(t, func(conf *oauthbank.Config) { conf.AcceptTokenType = c.accept }))
		if c.ok {
			if err != nil || g.TokenType != c.value {
				t.Errorf("token_type %v: %v, %v, want it as spelled", c.value, g.TokenType, err)
			}
			continue
		}
		wantDropped(t, op, err, "bad_token_type")
	}
}

// wantDropped checks what becomes of tokens that cannot be used: on a refresh
// (err) they are no proof against the grant and are left alone, on a login
// they are revoked.
func wantDropped(t *testing.T, op *misbehavingOP, err error, code string) {
	t.Helper()
	wantFault(t, err, token.ErrOutcomeUnknown, code)
	if n := len(op.seen("/revoke")); n != 0 {
		t.Errorf("%d revocations on a refresh, want none", n)
	}
	_, _, err = redeem(t, op.bank(t))
	wantFault(t, err, token.ErrAnswerRejected, code)
	if n := len(op.seen("/revoke")); n != 1 {
		t.Errorf("%d revocations on a login, want 1", n)
	}
}

func TestAnswerTokensMustBePrintable(t *testing.T) {
	for _, c := range []struct {
		name, value, code string
	}{
		{"access_token", "a\r\nX-Evil: 1", "bad_access_token"},
		{"access_token", "a b", "bad_access_token"},
		{"access_token", "tökén", "bad_access_token"},
		{"access_token", "a\x7f", "bad_access_token"},
		{"access_token", "a\x00", "bad_access_token"},
		{"access_token", "-._~+/|:==", ""},
		{"refresh_token", "r\r\n", "bad_refresh_token"},
		{"refresh_token", "r\x1b", "bad_refresh_token"},
		{"refresh_token", "rö", "bad_refresh_token"},
		{"refresh_token", "r with spaces", ""},
	} {
		op := newOP()
		member(c.name, c.value)(op)
		_, err := refresh(t, op.bank(t))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s %q: %v", c.name, c.value, err)
			}
			continue
		}
		wantDropped(t, op, err, c.code)
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		op := newOP()
		member(name, 12345)(op)
		_, err := refresh(t, op.bank(t))
		wantDropped(t, op, err, "bad_"+name)
	}
}

func TestAnswerDuplicateMembers(t *testing.T) {
	const rest = `,"token_type":"Bearer"}`
	for body, code := range map[string]string{
		`{"access_token":"a","access_token":"a"` + rest:                                      "",
		`{"access_token":"a","access_token":"b"` + rest:                                      "bad_access_token",
		`{"access_token":"a","refresh_token":"r","refresh_token":"s"` + rest:                 "bad_refresh_token",
		`{"access_token":"a","refresh_token":"r","refresh_token":null` + rest:                "bad_refresh_token",
		`{"access_token":"a","note":1,"note":2` + rest:                                       "",
		`{"access_token":"a","Access_Token":"b"` + rest:                                      "",
		`{"access_token":"a","token_type":"mac"` + rest:                                      "bad_token_type",
		"\xef\xbb\xbf" + `{"access_token":"a"` + rest + "\n<!-- served by proxy 7 -->":       "",
		`{"access_token":"a","expires_in":600,"expires_in":700,"scope":"a","scope":7` + rest: "",
	} {
		op := newOP()
		op.reply("/token", 200, "application/json", body)
		g, err := refresh(t, op.bank(t))
		if code != "" {
			wantDropped(t, op, err, code)
		} else if err != nil || reveal(g.Access) != "a" {
			t.Errorf("%s: %v, want accepted", body, err)
		}
	}
}

func TestAnswerScopes(t *testing.T) {
	asked := []string{"openid", "payments"}
	for _, c := range []struct {
		name  string
		value any
		want  []string
	}{
		{"missing means as asked", nil, asked},
		{"empty means as asked", "", asked},
		{"unreadable means as asked", 7, asked},
		{"fewer", "payments", []string{"payments"}},
		{"more is not offered", "openid payments accounts", asked},
		{"other ones only", "accounts", []string{}},
		{"repeated", "payments  payments", []string{"payments"}},
		{"as a list", []string{"payments", "openid"}, []string{"payments", "openid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			op := newOP()
			member("scope", c.value)(op)
			g, err := refresh(t, op.bank(t))
			if diff := cmp.Diff(c.want, g.Scopes); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAnswerGrantEnd(t *testing.T) {
	end := time.Date(2027, 2, 19, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value any
		want  time.Time
	}{
		{end.Unix(), end},
		{json.RawMessage(`"1803038400"`), end},
		{"2027-02-19T13:00:00+01:00", end},
		{7776000, time.Time{}},         // 90 days in seconds: no date
		{end.UnixMilli(), time.Time{}}, // milliseconds
		{"2027-02-19", time.Time{}},    // a day in whose time zone?
		{"soon", time.Time{}},
		{nil, time.Time{}},
		{true, time.Time{}},
	} {
		op := newOP()
		member("grant_expires", c.value)(op)
		g, err := refresh(t, op.bank(t, func(c *oauthbank.Config) { c.GrantEndField = "grant_expires" }))
		if err != nil || !g.End.Equal(c.want) {
			t.Errorf("end %v = %s, %v, want %s", c.value, g.End, err, c.want)
		}
	}
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, []byte(`{"access_token":"a","refresh_token":"r","token_type":"Bearer","expires_in":"3600","scope":"payments"}`))
	f.Add(200, []byte(`{"access_token":"a\r\nb","token_type":"Bearer","expires_in":-1e308}`))
	f.Add(200, []byte(`{"access_token":"a","access_token":"b","token_type":"bearer","id_token":"a.e30.c"}`))
	f.Add(400, []byte(`{"error":"invalid_grant","error_description":"secret"}`))
	f.Add(200, []byte("\xef\xbb\xbf{}"))
	for _, c := range outcomes {
		if len(c.body) < 1000 {
			f.Add(c.status, []byte(c.body))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		op := newOP()
		op.reply("/token", status, "application/json", string(body))
		b := op.bank(t, func(c *oauthbank.Config) { c.Log = nil; c.GrantEndField = "end" })
		before := time.Now()
		g, err := refresh(t, b)
		if err != nil {
			if status/100 == 5 && strings.Contains(err.Error(), token.ErrRefused.Error()) {
				t.Errorf("a 5xx ended a grant: %v", err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
			return
		}
		for _, secret := range []token.Secret{g.Access, g.Refresh} {
			if strings.ContainsFunc(reveal(secret), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("accepted %q", reveal(secret))
			}
		}
		if status != 200 || g.Access == "" || !strings.EqualFold(g.TokenType, "Bearer") {
			t.Errorf("accepted status %d, type %q", status, g.TokenType)
		}
		if ttl := g.AccessExpiry.Sub(before); ttl <= 0 || ttl > 367*24*time.Hour {
			t.Errorf("lifetime %s", ttl)
		}
	})
}

func FuzzIDToken(f *testing.F) {
	op := newOP()
	f.Add(op.idToken("access-1"))
	f.Add("e30.e30.")
	f.Add("....")
	f.Fuzz(func(t *testing.T, raw string) {
		op := newOP()
		body := must(json.Marshal(map[string]string{"access_token": "a", "token_type": "Bearer", "id_token": raw}))
		op.reply("/token", 200, "application/json", string(body))
		b := op.bank(t, func(c *oauthbank.Config) {
			c.Log = nil
			c.Now = func() time.Time { return time.Unix(1, 0) } // everything real is in the future
		})
		if _, _, err := redeem(t, b); err == nil {
			t.Error("accepted")
		}
		if _, err := refresh(t, b); err == nil && raw != "" && strings.Count(raw, ".") != 2 {
			t.Error("accepted on refresh")
		}
	})
}
