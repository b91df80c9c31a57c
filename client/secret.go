package client

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is text that must not reach a log, an error or a page of somebody
// else's: a token, a key, a national id, a link that acts for a customer. fmt,
// slog and encoding/json print it as "[redacted]"; Reveal gives its text.
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string   { return redacted }
func (Secret) GoString() string { return redacted }

// Format keeps every fmt verb from printing the text, %x and %d among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
