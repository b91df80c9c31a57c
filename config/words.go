package config

import (
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// KeyHash is the SHA-256 of an API key.
type KeyHash [32]byte

var errKeyHash = errors.New("not 64 hex digits")

// UnmarshalText reads 64 hex digits. Its error does not repeat them: what
// stands in the place of a hash is likely the key itself.
func (h *KeyHash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(h) {
		return errKeyHash
	}
	copy(h[:], b)
	return nil
}

// MarshalText writes 64 hex digits.
func (h KeyHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

func (h KeyHash) String() string { return hex.EncodeToString(h[:]) }

// Colour is written as six hex digits, with or without the number sign: in
// YAML that begins a comment, unless it stands in quotes.
type Colour string

var errColour = errors.New("not six hex digits")

// UnmarshalText reads it, and puts a number sign before it.
func (c *Colour) UnmarshalText(text []byte) error {
	digits := strings.TrimPrefix(string(text), "#")
	if b, err := hex.DecodeString(digits); err != nil || len(b) != 3 {
		return errColour
	}
	*c = Colour("#" + strings.ToLower(digits))
	return nil
}

// MarshalText writes the digits alone.
func (c Colour) MarshalText() ([]byte, error) {
	return []byte(strings.TrimPrefix(string(c), "#")), nil
}

// Rotation says what a bank does with a refresh token that was replaced.
type Rotation struct {
	Kind  RotationKind
	Grace time.Duration // how long the old one is still accepted; only with RotationGrace
}

// RotationKind is the word before the colon in a [Rotation].
type RotationKind string

// The kinds of rotation.
const (
	RotationNone   RotationKind = "none"   // it goes on working
	RotationGrace  RotationKind = "grace"  // it goes on working for a while
	RotationStrict RotationKind = "strict" // using it ends the grant
)

var errRotation = errors.New("not none, strict or grace: and a duration")

// UnmarshalText reads "none", "strict" or "grace:30s".
func (r *Rotation) UnmarshalText(text []byte) error {
	word, rest, found := strings.Cut(string(text), ":")
	kind := RotationKind(word)
	switch {
	case !found && (kind == RotationNone || kind == RotationStrict):
		*r = Rotation{Kind: kind}
		return nil
	case found && kind == RotationGrace:
		d, err := time.ParseDuration(rest)
		if err != nil || d <= 0 {
			return errRotation
		}
		*r = Rotation{Kind: kind, Grace: d}
		return nil
	}
	return errRotation
}

// MarshalText writes what UnmarshalText reads.
func (r Rotation) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Rotation) String() string {
	if r.Kind == RotationGrace {
		return string(r.Kind) + ":" + durationText(r.Grace)
	}
	return string(r.Kind)
}

// days returns the length of n days of 24 hours.
func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
