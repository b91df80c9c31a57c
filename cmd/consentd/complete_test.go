package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/consentd/consentd/token"
)

// forget takes keysets out of a key file, as an earlier version made it.
func forget(t *testing.T, path string, purposes ...string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	var all map[string]json.RawMessage
	must(t, json.Unmarshal(raw, &all))
	for _, p := range purposes {
		delete(all, p)
	}
	raw, err = json.Marshal(all)
	must(t, err)
	must(t, os.WriteFile(path, raw, 0o600))
}

func TestAKeyFileOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	s := reachable(t)
	s.replica()
	id := s.grant()
	first := readRing(t, s.keys)
	forget(t, s.keys, "audit")

	cure := "consentd keys complete " + s.keys
	s.look("", "serve").says(t, exitFailure, "cannot start", "no audit keyset", cure)
	consentd(t, nil, "", "keys", "status", s.keys).says(t, exitFailure, "no audit keyset", cure)
	consentd(t, nil, "", "keys", "add", s.keys).says(t, exitFailure, cure)

	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(s.keys, link))
	consentd(t, nil, "", "keys", "complete", link).says(t, exitOK, "Added a key for audit.", "every replica")
	now := readRing(t, s.keys)
	for _, p := range purposes {
		same := slices.Equal(now.KeyIDs(p), first.KeyIDs(p))
		if same == (p == "audit") {
			t.Errorf("%s keys are %v, were %v", p, now.KeyIDs(p), first.KeyIDs(p))
		}
	}
	if info, err := os.Stat(s.keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(s.keys), ".keys-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s.look("", "consent", "show", string(id)).says(t, exitOK)
	s.look("", "audit", "verify").says(t, exitOK)
}

func TestACompleteKeyFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	consentd(t, nil, "", "keys", "init", path).says(t, exitOK)
	before, err := os.Stat(path)
	must(t, err)
	consentd(t, nil, "", "keys", "complete", path).says(t, exitOK, "left as it is")
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file was replaced: %v", err)
	}
}

func TestADamagedKeyFileIsNotMended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	consentd(t, nil, "", "keys", "init", path).says(t, exitOK)
	forget(t, path, string(token.PurposeGrant))
	before, err := os.ReadFile(path)
	must(t, err)
	consentd(t, nil, "", "keys", "complete", path).says(t, exitFailure, "no grant keyset", "damaged")
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("a damaged file was changed: %v", err)
	}
}
