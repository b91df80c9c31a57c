package client_test

import (
	"os"
	"strings"
	"testing"
)

// unindented is a text without what differs between a page and a program.
func unindented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// TestTheGuideIsTrue finds the Go of docs/integrating.md in the examples,
// which run.
func TestTheGuideIsTrue(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/integrating.md")
	must(t, err)
	examples, err := os.ReadFile("example_test.go")
	must(t, err)
	blocks := strings.Split(string(guide), "```go\n")[1:]
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(unindented(string(examples)), unindented(code)) {
			t.Errorf("no example has these lines of docs/integrating.md:\n%s", code)
		}
	}
	if len(blocks) < 6 {
		t.Errorf("%d blocks of Go in docs/integrating.md; is the pattern still right?", len(blocks))
	}
}

// TestTheGuideNamesRealPlaces: sections of the reference that the guide sends
// its reader to.
func TestTheGuideNamesRealPlaces(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/integrating.md")
	must(t, err)
	reference, err := os.ReadFile("../docs/api.md")
	must(t, err)
	anchors := make(map[string]bool)
	for line := range strings.Lines(string(reference)) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			anchors[strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title)), " ", "-")] = true
		}
	}
	links := strings.Split(string(guide), "(api.md#")[1:]
	for _, link := range links {
		if anchor, _, _ := strings.Cut(link, ")"); !anchors[anchor] {
			t.Errorf("docs/api.md has no section %q", anchor)
		}
	}
	if len(links) < 5 {
		t.Errorf("%d links in docs/integrating.md; is the pattern still right?", len(links))
	}
}
