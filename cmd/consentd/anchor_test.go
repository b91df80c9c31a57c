package main

import (
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// headLine is the line of a command that anchors the audit chain.
var headLine = regexp.MustCompile(`(?m)^time=\S+ level=INFO msg="act on record" seq=(\d+) hash=([0-9a-f]+) .*action=(\w+)`)

// heads are the entries that a command has named in its log.
func (o outcome) heads(t *testing.T) (heads, actions []string) {
	t.Helper()
	for _, m := range headLine.FindAllStringSubmatch(o.talk, -1) {
		heads, actions = append(heads, m[1]+":"+m[2]), append(actions, m[3])
	}
	return heads, actions
}

func TestCommandsAnchorTheAuditChain(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	id := string(s.grant())
	var all []string
	for _, test := range []struct {
		want  string
		stdin string
		args  []string
	}{
		{"see", "", []string{"consent", "show", id}},
		{"find list", customer, []string{"consent", "find", "--app", "shop", "--customer-stdin"}},
		{"stop", "", []string{"consent", "revoke", id, "--reason", "fraud"}},
		{"find erase", customer, []string{"consent", "erase", "--app", "shop", "--customer-stdin", "--yes"}},
		{"export", "", []string{"audit", "export"}},
	} {
		got := s.look(test.stdin, test.args...)
		heads, actions := got.heads(t)
		if strings.Join(actions, " ") != test.want {
			t.Errorf("%v logged %v, want %s:\n%s", test.args, actions, test.want, got.talk)
		}
		if strings.Count(got.talk, "level=INFO") != len(heads) {
			t.Errorf("%v said more than it has to:\n%s", test.args, got.talk)
		}
		all = append(all, heads...)
	}
	for _, head := range all {
		s.look("", "audit", "verify", "--head", head).says(t, exitOK)
	}
}

// A head that was put back behind its entries stops every act, shows, and is
// mended by deleting it: the newest entry is the head then.
func TestAuditHeadThatWasPutBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newSite(t, server)
	s.replica()
	id := string(s.grant())
	var heads []string
	for range 3 {
		got, _ := s.look("", "consent", "show", id).heads(t)
		heads = append(heads, got...)
	}
	seq, hash, _ := strings.Cut(heads[0], ":")
	must(t, server.Client(t).HSet(t.Context(), "{audit}:head", "seq", seq, "hash", hash).Err())

	s.look("", "consent", "revoke", id, "--reason", "fraud").says(t, exitFailure, "the audit chain is damaged")
	if got := s.call("GET", s.url()+"/v1/consents/"+id, nil); got.str("status") != "valid" {
		t.Errorf("an act without a record was done: %v", got.json)
	}
	s.look("", "audit", "verify", "--head", heads[2]).says(t, exitFailure, "entry 3 is not what the stored head says")

	must(t, server.Client(t).Del(t.Context(), "{audit}:head").Err())
	s.look("", "audit", "verify", "--head", heads[2]).says(t, exitOK)
	after, _ := s.look("", "consent", "show", id).heads(t)
	if len(after) != 1 || !strings.HasPrefix(after[0], "4:") {
		t.Errorf("the chain goes on with %v", after)
	}
	verified := s.look("", "audit", "verify", "--head", heads[2], "--head", after[0], "-o", "json")
	verified.says(t, exitOK)
	var report auditView
	must(t, json.Unmarshal([]byte(verified.out), &report))
	if report.Entries != 4 || report.Head != after[0] || report.Problem != nil {
		t.Errorf("report = %+v", report)
	}
}

func TestNoLevelIsTooHighForAnAct(t *testing.T) {
	t.Parallel()
	for _, form := range []config.LogFormat{config.LogJSON, config.LogText} {
		var out record
		log := newLog(&out, form, slog.LevelError).With(slog.String("who", "test"))
		log.Info("starting")
		log.Warn("slow")
		log.WithGroup("chain").Info(consent.LineOnRecord, slog.Int("seq", 1))
		if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, consent.LineOnRecord) || !strings.Contains(got, "test") {
			t.Errorf("%s: %s", form, got)
		}
		out = record{}
		log = newLog(&out, form, slog.LevelDebug)
		log.Debug("detail")
		if got := out.String(); !strings.Contains(got, "detail") {
			t.Errorf("%s at debug: %q", form, got)
		}
	}
}
