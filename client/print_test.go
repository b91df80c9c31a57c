package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
)

// printed is v in every way that programs print things.
func printed(v any) []string {
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		out = append(out, fmt.Sprintf(verb, v))
	}
	var text, object bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&object, nil)).Info("x", "v", v)
	raw, _ := json.Marshal(v) // what refuses to be written holds nothing
	return append(out, text.String(), object.String(), string(raw))
}
