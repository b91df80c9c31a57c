package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/consentd/consentd/token"
)

// without is a key file that lacks some keysets, and what is left in it.
func without(t *testing.T, k *token.Keyring, purposes ...string) (io.Reader, map[string]json.RawMessage) {
	t.Helper()
	var file bytes.Buffer
	if err := k.Write(&file); err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(file.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	for _, p := range purposes {
		if all[p] == nil {
			t.Fatalf("a new key file has no %s keyset", p)
		}
		delete(all, p)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(text), all
}

func TestAnOlderKeyFileIsCompleted(t *testing.T) {
	old, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	file, _ := without(t, old, "audit")
	_, err = token.ReadKeyring(file)
	missing, ok := errors.AsType[*token.MissingKeysetsError](err)
	if !ok || !missing.Completable() || !slices.Equal(missing.Purposes, []token.Purpose{"audit"}) {
		t.Fatalf("ReadKeyring = %v", err)
	}

	file, kept := without(t, old, "audit")
	k, added, err := token.CompleteKeyring(file)
	if err != nil || !slices.Equal(added, []token.Purpose{"audit"}) {
		t.Fatalf("CompleteKeyring = %v, %v", added, err)
	}
	_, now := without(t, k)
	for p, keyset := range kept {
		if !slices.Equal(compact(t, keyset), compact(t, now[p])) {
			t.Errorf("the %s keyset was touched", p)
		}
	}
	code, err := reread(t, k).Authenticate("1")
	if err != nil || k.Verify(code, "1") != nil {
		t.Errorf("the new key does not authenticate: %v", err)
	}
	if err := old.Verify(code, "1"); !errors.Is(err, token.ErrSealBroken) {
		t.Errorf("the new key is one that was there: %v", err)
	}
}

func compact(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestACompleteKeyFileStaysAsItIs(t *testing.T) {
	old, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	file, kept := without(t, old)
	k, added, err := token.CompleteKeyring(file)
	if err != nil || len(added) != 0 {
		t.Fatalf("CompleteKeyring = %v, %v", added, err)
	}
	if _, now := without(t, k); len(now) != len(kept) || !slices.Equal(compact(t, now["audit"]), compact(t, kept["audit"])) {
		t.Error("a complete file was changed")
	}
}

// A keyset that every key file was made with can only have been lost: a fresh
// one in its place would hide that its grants no longer open.
func TestADamagedKeyFileIsNotCompleted(t *testing.T) {
	old, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"grant", "person", "flow", "index"} {
		file, _ := without(t, old, p, "audit")
		_, _, err := token.CompleteKeyring(file)
		missing, ok := errors.AsType[*token.MissingKeysetsError](err)
		if !ok || missing.Completable() || !strings.Contains(err.Error(), p) || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("without %s: %v", p, err)
		}
	}
	_, all := without(t, old)
	for p := range all {
		file, _ := without(t, old, p)
		if _, _, err := token.CompleteKeyring(file); err != nil && !slices.Contains([]string{"grant", "person", "flow", "index"}, p) {
			t.Errorf("%s came later, and no file gets its key: %v", p, err)
		}
	}
}
