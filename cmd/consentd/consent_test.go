package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestConsentCommands(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	s.replica()
	id := string(s.grant())
	token := s.call("POST", s.url()+"/v1/consents/"+id+"/token", nil)
	if token.status != http.StatusOK {
		t.Fatalf("token = %d %v", token.status, token.json)
	}
	look := func(stdin string, args ...string) outcome {
		t.Helper()
		got := consentd(t, nil, stdin, append(args, "--config", s.config)...)
		for _, canary := range []string{customer, gudrunID, secret, token.str("access_token"), s.key.Reveal()} {
			if strings.Contains(got.out+got.talk, canary) {
				t.Errorf("%v shows a secret or personal data", args)
			}
		}
		return got
	}

	shown := look("", "consent", "show", id)
	shown.says(t, exitOK)
	for _, want := range []string{id, "valid", "90 days left", "openid profile customer payments", "requested", "granted", "last used"} {
		if !strings.Contains(shown.out, want) {
			t.Errorf("consent show lacks %q:\n%s", want, shown.out)
		}
	}
	var history historyView
	must(t, json.Unmarshal([]byte(look("", "consent", "show", id, "-o", "json").out), &history))
	if string(history.ID) != id || history.Status != "valid" || len(history.Timeline) < 3 || len(history.Uses) != 1 || history.LastUsedAt.IsZero() {
		t.Errorf("consent show -o json = %+v", history)
	}

	for name, found := range map[string]outcome{
		"by customer":    look(customer+"\n", "consent", "find", "--app", "shop", "--customer-stdin"),
		"by national id": look("040180-9999", "consent", "find", "--national-id-stdin", "--country", "IS"),
	} {
		found.wantsTable(t, "CONSENT", id)
		if strings.Count(found.out, "\n") != 2 {
			t.Errorf("%s: found\n%s", name, found.out)
		}
	}
	if got := look("somebody else\n", "consent", "find", "--app", "shop", "--customer-stdin", "-o", "json"); got.out != "[]\n" {
		t.Errorf("nothing found = %q, want []", got.out)
	}
}

func TestConsentCommandsRefuse(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	for name, test := range map[string]struct {
		stdin string
		args  []string
		says  string
	}{
		"no id at all":   {args: []string{"show", "7"}, says: "looks like cns_"},
		"unknown id":     {args: []string{"show", aConsent}, says: "not found"},
		"unknown app":    {stdin: "x", args: []string{"find", "--app", "shpo", "--customer-stdin"}, says: `no app "shpo"`},
		"empty stdin":    {stdin: "\n", args: []string{"find", "--app", "shop", "--customer-stdin"}, says: "standard input is empty"},
		"no national id": {stdin: "abc", args: []string{"find", "--national-id-stdin", "--country", "IS"}, says: "digits only"},
	} {
		got := consentd(t, nil, test.stdin, append([]string{"consent", "--config", s.config}, test.args...)...)
		got.says(t, exitFailure, test.says)
		if got.out != "" {
			t.Errorf("%s: prints %q", name, got.out)
		}
	}
	s.redis.Kill()
	consentd(t, nil, "", "consent", "show", aConsent, "--config", s.config).says(t, exitFailure, "store unavailable")
}
