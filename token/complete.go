package token

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// MissingKeysetsError tells that a key file has no keys for some purposes.
type MissingKeysetsError struct{ Purposes []Purpose }

func (e *MissingKeysetsError) Error() string {
	if e.Completable() {
		return fmt.Sprintf("token: the key file has no %s keyset", joined(e.Purposes))
	}
	return fmt.Sprintf("token: the key file has no %s keyset, which every key file was made with: it is damaged", joined(e.Purposes))
}

// Completable reports whether a file that was made by an earlier version can
// lack them. Without the others it is damaged, and a new key in an old one's
// place would only hide that.
func (e *MissingKeysetsError) Completable() bool {
	return !slices.ContainsFunc(e.Purposes, func(p Purpose) bool { return !slices.Contains(addedLater, p) })
}

// addedLater are the purposes that the first key files had no keys for. A new
// purpose belongs here, or files that are in use could not get its key.
var addedLater = []Purpose{auditPurpose}

func joined(purposes []Purpose) string {
	words := make([]string, 0, len(purposes))
	for _, p := range purposes {
		words = append(words, string(p))
	}
	return strings.Join(words, ", ")
}

// missingOf are the purposes without keys, in the order of their names.
func missingOf(handles map[Purpose]*keyset.Handle) []Purpose {
	var absent []Purpose
	for p := range templates() {
		if handles[p] == nil {
			absent = append(absent, p)
		}
	}
	slices.Sort(absent)
	return absent
}

// CompleteKeyring reads a key file of an earlier version, and makes a key for
// each purpose that came later and has none yet; the others stay as they are.
// It says for which it made one. A file that lacks more than that is a
// [MissingKeysetsError].
func CompleteKeyring(r io.Reader) (*Keyring, []Purpose, error) {
	handles, err := readKeysets(r)
	if err != nil {
		return nil, nil, err
	}
	missing := &MissingKeysetsError{Purposes: missingOf(handles)}
	if !missing.Completable() {
		return nil, nil, missing
	}
	for _, p := range missing.Purposes {
		if handles[p], err = newKeyset(p); err != nil {
			return nil, nil, err
		}
	}
	k, err := keyringOf(handles)
	return k, missing.Purposes, err
}
