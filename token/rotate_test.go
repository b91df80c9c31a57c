package token_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/consentd/consentd/token"
)

var sealing = []token.Purpose{token.PurposeGrant, token.PurposePerson, token.PurposeFlow}

// reread is the keyring after a trip through its file.
func reread(t *testing.T, k *token.Keyring) *token.Keyring {
	t.Helper()
	var file bytes.Buffer
	if err := k.Write(&file); err != nil {
		t.Fatal(err)
	}
	out, err := token.ReadKeyring(&file)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rotated(t *testing.T, change func() (*token.Keyring, error)) *token.Keyring {
	t.Helper()
	k, err := change()
	if err != nil {
		t.Fatal(err)
	}
	return reread(t, k)
}

func seal(t *testing.T, k *token.Keyring, p token.Purpose) []byte {
	t.Helper()
	box, err := k.Seal(p, []byte("plain"), "place")
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestRotationLosesNothingAtAnyStep(t *testing.T) {
	first, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	added := rotated(t, first.Add)
	promoted := rotated(t, added.Promote)
	again := rotated(t, rotated(t, promoted.Add).Promote)

	// Each step is a restart of one replica after another, so that neighbours
	// run side by side and must open what the other one sealed.
	steps := []*token.Keyring{first, added, promoted}
	for i, writer := range steps {
		for j, reader := range steps {
			if i == 2 && j == 0 {
				continue // two steps at once: what the runbook forbids
			}
			for _, p := range sealing {
				if plain, err := reader.Open(p, seal(t, writer, p), "place"); err != nil || string(plain) != "plain" {
					t.Errorf("%s sealed at step %d does not open at step %d: %v", p, i, j, err)
				}
			}
		}
	}
	for _, p := range sealing {
		if _, err := again.Open(p, seal(t, first, p), "place"); err != nil {
			t.Errorf("%s of the first key does not open after two rotations: %v", p, err)
		}
		if _, err := first.Open(p, seal(t, promoted, p), "place"); !errors.Is(err, token.ErrSealBroken) {
			t.Errorf("%s is still sealed with the first key: %v", p, err)
		}
		if n := len(again.KeyIDs(p)); n != 3 || added.KeyIDs(p)[0] != first.KeyIDs(p)[0] || promoted.KeyIDs(p)[0] != added.KeyIDs(p)[1] {
			t.Errorf("%s: %d keys, primaries %v %v %v", p, n, first.KeyIDs(p), added.KeyIDs(p), promoted.KeyIDs(p))
		}
	}
}

func TestRotationKeepsTheIndex(t *testing.T) {
	first, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	promoted := rotated(t, rotated(t, first.Add).Promote)
	want, err := first.Index("customer-1")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := promoted.Index("customer-1"); err != nil || !bytes.Equal(got, want) || len(promoted.KeyIDs("index")) != 1 {
		t.Errorf("the index moved: %x, %v", got, err)
	}
}

func TestRotationKeepsTheChain(t *testing.T) {
	first, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	code, err := first.Authenticate("1", "body")
	if err != nil {
		t.Fatal(err)
	}
	promoted := rotated(t, rotated(t, first.Add).Promote)
	if err := promoted.Verify(code, "1", "body"); err != nil {
		t.Errorf("a code of the first key is refused after a rotation: %v", err)
	}
	later, err := promoted.Authenticate("1", "body")
	if err != nil || bytes.Equal(later, code) {
		t.Errorf("the promoted key does not authenticate: %v", err)
	}
	if err := first.Verify(later, "1", "body"); !errors.Is(err, token.ErrSealBroken) {
		t.Errorf("a code of a key that is not known = %v", err)
	}
	for _, fields := range [][]string{{"1", "bodx"}, {"1b", "ody"}, {"1"}, {"1", "body", ""}} {
		if err := promoted.Verify(code, fields...); !errors.Is(err, token.ErrSealBroken) {
			t.Errorf("the code fits %q: %v", fields, err)
		}
	}
}

func TestRotationOneStepAtATime(t *testing.T) {
	first, err := token.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Promote(); !errors.Is(err, token.ErrNothingToPromote) {
		t.Errorf("Promote = %v, want nothing to promote", err)
	}
	added := rotated(t, first.Add)
	if _, err := added.Add(); !errors.Is(err, token.ErrNotPromoted) {
		t.Errorf("Add = %v, want not promoted", err)
	}
	if len(first.KeyIDs(token.PurposeGrant)) != 1 {
		t.Error("adding changed the keyring that it was asked of")
	}
}
