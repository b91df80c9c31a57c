package token

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that must never reach a log, an error, a page or a metric:
// a token, an authorization code, a verifier, a national id. Every way that
// fmt, slog and encoding/json know of printing it gives "[redacted]"; Reveal
// is the only way to its text, so that the places using it can be counted.
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// Equal compares in constant time (for texts of equal length).
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(other)) == 1
}

func (Secret) String() string   { return redacted }
func (Secret) GoString() string { return redacted }

// Format keeps every fmt verb from printing the text, %x and %d among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }
