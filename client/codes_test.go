package client

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

// unmet are the codes that no call of this client can be answered with.
var unmet = map[string]string{
	"unsupported-grant-type": "of the token exchange, which this client does not use",
	"invalid-target":         "of the token exchange, which this client does not use",
	"unsupported-media-type": "this client sends JSON",
}

// TestEveryCodeHasItsError compares the errors with the table of docs/api.md,
// which is compared with the server's own.
func TestEveryCodeHasItsError(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| [45][0-9]{2} \\|").FindAllSubmatch(doc, -1) {
		listed[string(row[1])] = true
	}
	for code := range listed {
		if (byCode[code] == nil) == (unmet[code] == "") {
			t.Errorf("%s of docs/api.md stands for %v, and is not met because it is %q; want one of both", code, byCode[code], unmet[code])
		}
	}
	for code := range byCode {
		if !listed[code] {
			t.Errorf("%s has an error and is not in docs/api.md", code)
		}
	}
	if errs := slices.Collect(maps.Values(byCode)); len(errs) < 20 || len(listed) != len(errs)+len(unmet) {
		t.Errorf("%d codes, %d errors; is the pattern still right?", len(listed), len(errs))
	}
	seen := make(map[error]string)
	for code, err := range byCode {
		if seen[err] != "" {
			t.Errorf("%s and %s lead to one error", code, seen[err])
		}
		seen[err] = code
	}
}
