package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestAuditCommands(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newSite(t, server)
	s.replica()
	id := string(s.grant())
	s.look("", "consent", "show", id, "--as", "audur", "--reason", "Customer called: why?").says(t, exitOK)
	s.look(customer+"\n", "consent", "find", "--app", "shop", "--customer-stdin").says(t, exitOK)
	s.look("", "consent", "show", id, "--reason", "two\nlines").says(t, exitFailure, "1 to 200 printable characters")

	exported := s.look("", "audit", "export", "--reason", "monthly-review")
	exported.says(t, exitOK)
	lines := strings.Split(strings.TrimSpace(exported.out), "\n")
	if len(lines) != 4 {
		t.Fatalf("exported\n%s", exported.out)
	}
	var acts [4]consent.ExportedAct
	for i, line := range lines {
		must(t, json.Unmarshal([]byte(line), &acts[i]))
	}
	if a := acts[0]; a.Seq != 1 || a.Staff != "audur" || a.Name == "" || a.Action != "see" || string(a.Consent) != id || a.Reason != "Customer called: why?" {
		t.Errorf("first act = %+v", a)
	}
	if acts[1].Action != "find" || acts[1].Detail != "customer of app shop" || acts[2].Action != "list" || string(acts[2].Consent) != id || acts[3].Action != "export" {
		t.Errorf("acts = %+v", acts)
	}
	if shown := s.look("", "consent", "show", id); !strings.Contains(shown.out, "act 1") || strings.Contains(shown.out, "called") {
		t.Errorf("the history is\n%s", shown.out)
	}

	head := "4:" + acts[3].Hash
	s.look("", "audit", "verify", "--head", head).says(t, exitOK, "")
	s.look("", "audit", "verify", "--head", "4:00").says(t, exitFailure, "entry 4 is not the one that the given head names")
	s.look("", "audit", "verify", "--head", "soon").says(t, exitFailure, "no head of the audit chain")
	must(t, server.Client(t).XDel(t.Context(), "{audit}:entries", "2-0").Err())
	got := s.look("", "audit", "verify", "-o", "json")
	got.says(t, exitFailure, "entry 2 was removed")
	var report auditView
	must(t, json.Unmarshal([]byte(got.out), &report))
	if report.Entries != 1 || report.Problem == nil || report.Problem.Seq != 2 {
		t.Errorf("report = %+v", report)
	}
	s.look("", "audit", "export").says(t, exitFailure, "entries are damaged")
	must(t, server.Client(t).XAdd(t.Context(), &redis.XAddArgs{Stream: "{audit}:entries", ID: "9-0", Values: []string{"body", "{}", "hash", "00"}}).Err())
	s.look("", "audit", "export", "--after", "2").says(t, exitFailure, "the audit chain is damaged")
}
