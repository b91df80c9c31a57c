package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// Rotation says what a refresh does to the refresh token. The zero value is
// [None].
type Rotation struct {
	rotates bool
	grace   time.Duration
}

// None keeps the refresh token; the answer to a refresh has none.
func None() Rotation { return Rotation{} }

// Grace gives a new refresh token at each refresh and honours the one before
// for d, so that a lost answer can be asked for again. Later use ends the
// whole grant.
func Grace(d time.Duration) Rotation { return Rotation{rotates: true, grace: d} }

// Strict gives a new refresh token at each refresh. Using an older one again
// ends the whole grant.
func Strict() Rotation { return Rotation{rotates: true} }

// ParseRotation reads "none", "strict" or "grace:30s".
func ParseRotation(s string) (Rotation, error) {
	switch s {
	case "none":
		return None(), nil
	case "strict":
		return Strict(), nil
	}
	if text, ok := strings.CutPrefix(s, "grace:"); ok {
		if d, err := time.ParseDuration(text); err == nil && d > 0 {
			return Grace(d), nil
		}
	}
	return Rotation{}, fmt.Errorf("sandbox: rotation %q is not none, strict or grace:<duration>", s)
}

// String writes r as [ParseRotation] reads it.
func (r Rotation) String() string {
	switch {
	case !r.rotates:
		return "none"
	case r.grace > 0:
		return "grace:" + r.grace.String()
	default:
		return "strict"
	}
}
