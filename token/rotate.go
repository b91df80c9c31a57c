package token

import (
	"errors"
	"fmt"
	"maps"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Why a keyring's keys cannot be changed.
var (
	// ErrNotPromoted: the newest keys seal nothing yet.
	ErrNotPromoted = errors.New("token: the newest keys are not promoted yet")

	// ErrNothingToPromote: the newest keys seal already.
	ErrNothingToPromote = errors.New("token: the newest keys are the primary ones already")
)

// Keys are changed in two steps, because replicas read the key file at their
// start, one after another: a key must be known to all of them before the
// first one seals with it. The index has no second key: what it made of a
// customer's name would no longer be found.

// Add returns a keyring with one more key for each purpose but the index. It
// opens what is sealed with it, and seals with the old ones. Adding again
// before [Keyring.Promote] is [ErrNotPromoted].
func (k *Keyring) Add() (*Keyring, error) {
	return k.change(func(p Purpose, m *keyset.Manager, ids []uint32) error {
		if newest(k, p) != ids[0] {
			return ErrNotPromoted
		}
		_, err := m.Add(templates()[p])
		return err
	})
}

// Promote returns a keyring that seals with its newest keys, and still opens
// what older ones sealed. Where those seal already it is
// [ErrNothingToPromote].
func (k *Keyring) Promote() (*Keyring, error) {
	return k.change(func(p Purpose, m *keyset.Manager, ids []uint32) error {
		last := newest(k, p)
		if last == ids[0] {
			return ErrNothingToPromote
		}
		return m.SetPrimary(last)
	})
}

// change makes another keyring of this one, which stays as it is.
func (k *Keyring) change(edit func(p Purpose, m *keyset.Manager, ids []uint32) error) (*Keyring, error) {
	handles := maps.Clone(k.handles)
	for p := range templates() {
		if p == indexPurpose {
			continue
		}
		m := keyset.NewManagerFromHandle(k.handles[p])
		if err := edit(p, m, k.KeyIDs(p)); err != nil {
			return nil, fmt.Errorf("%s keyset: %w", p, err)
		}
		h, err := m.Handle()
		if err != nil {
			return nil, fmt.Errorf("%s keyset: %w", p, err)
		}
		handles[p] = h
	}
	return keyringOf(handles)
}

// newest is the id of the key that was added last: Tink appends.
func newest(k *Keyring, p Purpose) uint32 {
	keys := k.handles[p].KeysetInfo().GetKeyInfo()
	return keys[len(keys)-1].GetKeyId()
}
