package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/token"
)

// look runs a command on the site and fails on anything that must not show.
func (s *site) look(stdin string, args ...string) outcome {
	s.t.Helper()
	got := consentd(s.t, nil, stdin, append(args, "--config", s.config)...)
	for _, canary := range []string{customer, gudrunID, secret, address, s.key.Reveal()} {
		if strings.Contains(got.out+got.talk, canary) {
			s.t.Errorf("%v shows a secret or personal data", args)
		}
	}
	return got
}

func (s *site) token(id consent.ID) reply {
	return s.call("POST", s.url()+"/v1/consents/"+string(id)+"/token", nil)
}

// reachable lets commands, which have no transport of the test's, talk to the
// sandbox bank.
func reachable(t *testing.T) *site {
	t.Helper()
	s := newSite(t, redistest.Start(t))
	text, err := os.ReadFile(s.config)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: s.bank, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	at := "http://" + l.Addr().String()
	endpoints := strings.NewReplacer("{at}", at).Replace("endpoints: {authorization: '" + issuer + "/as/authorization.oauth2', token: '{at}/as/token.oauth2', jwks: '{at}/pf/JWKS', revocation: '{at}/as/revoke_token.oauth2'}")
	must(t, os.WriteFile(s.config, []byte(strings.Replace(string(text), "client_id: consentd", "client_id: consentd, "+endpoints, 1)), 0o600))
	return s
}

func TestConsentRevoke(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	id := s.grant()
	got := s.look("", "consent", "revoke", string(id), "--reason", "fraud-report")
	got.says(t, exitOK, string(id)+" is terminatedByTpp, by staff: fraud-report")
	if r := s.token(id); r.status != http.StatusGone {
		t.Errorf("token after revoke = %d %v", r.status, r.json)
	}
	s.look("", "consent", "revoke", string(id), "--reason", "again").says(t, exitOK, "by staff: fraud-report")
	shown := s.look("", "consent", "show", string(id))
	for _, want := range []string{"staff", "fraud-report"} {
		if !strings.Contains(shown.out, want) {
			t.Errorf("the history lacks %q:\n%s", want, shown.out)
		}
	}
	if !strings.Contains(shown.out, "confirmed") {
		t.Errorf("the bank was not told when the command returned:\n%s", shown.out)
	}
}

func TestConsentErase(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	id := s.grant()
	erase := []string{"consent", "erase", "--app", "shop", "--customer-stdin"}
	got := s.look(customer+"\n", erase...)
	got.says(t, exitFailure, "nothing was erased", "--yes")
	if !strings.Contains(got.out, string(id)) {
		t.Errorf("what would go is not shown:\n%s", got.out)
	}
	if r := s.token(id); r.status != http.StatusOK {
		t.Errorf("token after a look = %d", r.status)
	}
	done := s.look(customer+"\n", append(erase, "--yes", "-o", "json")...)
	done.says(t, exitOK)
	var proof erasureView
	must(t, json.Unmarshal([]byte(done.out), &proof))
	if proof.Consents != 1 || proof.Reference == "" || proof.App != "shop" {
		t.Errorf("proof = %+v", proof)
	}
	s.look("", "consent", "show", string(id)).says(t, exitFailure, "not found")
	s.look(customer+"\n", append(erase, "--yes")...).says(t, exitFailure, "no such customer")
}

func TestPurgeShowsWhatWouldGo(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	id := s.grant()
	s.look("", "purge").says(t, exitOK, "Purging happens by itself")
	if got := s.look("", "purge", "--dry-run", "-o", "json"); got.out != "[]\n" {
		t.Errorf("within a month: %s", got.out)
	}
	got := s.look("", "purge", "--dry-run", "--within", "20000h")
	got.says(t, exitOK)
	if !strings.Contains(got.out, string(id)) || !strings.Contains(got.out, "retention of 730 days is over") {
		t.Errorf("within years:\n%s", got.out)
	}
	s.look("", "purge", "--dry-run", "--within=-1h").says(t, exitFailure, "--within")
}

func TestMessagesThatWereGivenUp(t *testing.T) {
	t.Parallel()
	l := newLiving(t)
	text, err := os.ReadFile(l.config)
	must(t, err)
	_, port, err := net.SplitHostPort(l.post.addr)
	must(t, err)
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	must(t, os.WriteFile(broken, []byte(strings.Replace(string(text), "port: "+port, "port: 1", 1)), 0o600))

	good := l.config
	l.config = broken
	r := l.run(func(h http.Handler) http.Handler { return h })
	failed, waits := l.log.line("message undelivered"), l.log.line("message not delivered yet")
	id := string(l.grant())
	select {
	case <-waits:
	case <-time.After(20 * time.Second):
		t.Fatalf("nobody tries to deliver:\n%s", l.log)
	}
	l.ahead.Add(int64(5 * 24 * time.Hour)) // longer than is tried
	select {
	case <-failed:
	case <-time.After(20 * time.Second):
		t.Fatalf("nobody gives up:\n%s", l.log)
	}
	for got := (outcome{}); !strings.Contains(got.out, id); {
		got = l.look("", "messages", "undelivered")
		got.says(t, exitOK)
	}
	r.stop()
	must(t, <-r.ended)

	l.config = good
	l.look("", "messages", "resend", aConsent).says(t, exitFailure, "no such message")
	l.look("", "messages", "resend", id).says(t, exitOK, "Due again: 1.")
	l.look("", "messages", "resend", "--all").says(t, exitFailure, "no such message")
	if got := l.look("", "messages", "undelivered", "-o", "json"); got.out != "[]\n" {
		t.Errorf("still given up: %s", got.out)
	}
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	id := s.grant()
	first := readRing(t, s.keys)
	consentd(t, nil, "", "keys", "promote", s.keys).says(t, exitFailure, "keys add")
	consentd(t, nil, "", "keys", "add", s.keys).says(t, exitOK, "Restart every replica", "keys promote")
	consentd(t, nil, "", "keys", "add", s.keys).says(t, exitFailure, "added and not promoted")
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(s.keys, link))
	consentd(t, nil, "", "keys", "promote", link).says(t, exitOK, "Restart every replica")

	now := readRing(t, s.keys)
	for _, p := range purposes {
		ids := now.KeyIDs(p)
		if want := 2; p == "index" && len(ids) != 1 || p != "index" && (len(ids) != want || ids[1] != first.KeyIDs(p)[0]) {
			t.Errorf("%s keys are %v, were %v", p, ids, first.KeyIDs(p))
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if info, err := os.Stat(s.keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(s.keys), ".keys-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s.look("", "consent", "revoke", string(id), "--reason", "rotated").says(t, exitOK)
	if got := s.look("", "consent", "show", string(id)); !strings.Contains(got.out, "confirmed") {
		t.Errorf("the grant of the first key did not open:\n%s", got.out)
	}
}

func readRing(t *testing.T, path string) *token.Keyring {
	t.Helper()
	k, _, err := readKeys(path)
	must(t, err)
	return k
}
