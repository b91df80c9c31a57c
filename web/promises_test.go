package web_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

var updatePromises = flag.Bool("promises", false, "write what the contract promises now to testdata/promises.txt")

// TestTheContractKeepsItsPromises compares the contract with the list of what
// apps may rely on: a line that is gone breaks them, and so does a new "needs".
// Whoever means it writes the list anew, and the change shows every line:
//
//	go test ./web -run Promises -promises
//
// It knows of calls, members, types, words and codes; not of meaning.
func TestTheContractKeepsItsPromises(t *testing.T) {
	t.Parallel()
	const file = "testdata/promises.txt"
	now := promises(contractOf(t))
	if *updatePromises {
		if err := os.WriteFile(file, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	promised := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range promised {
		if !slices.Contains(now, line) {
			t.Errorf("promised, and gone: %s", line)
		}
	}
	for _, line := range now {
		if call, _, needs := strings.Cut(line, " needs "); !slices.Contains(promised, line) {
			breaks := needs && slices.ContainsFunc(promised, func(p string) bool { return strings.HasPrefix(p, call+" ") })
			t.Errorf("new, and not in %s (it breaks apps: %v): %s", file, breaks, line)
		}
	}
}

// promises are the lines of the list.
func promises(doc *openapi3.T) []string {
	var out []string
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			call := method + " " + path
			for _, p := range slices.Concat(item.Parameters, o.Parameters) {
				out = append(out, fmt.Sprintf("%s takes %s %s", call, p.Value.In, p.Value.Name))
				if p.Value.Required {
					out = append(out, fmt.Sprintf("%s needs %s %s", call, p.Value.In, p.Value.Name))
				}
				out = append(out, membersOf(call+" takes", call+" needs", "?"+p.Value.Name, p.Value.Schema.Value)...)
			}
			if o.RequestBody != nil {
				for _, media := range o.RequestBody.Value.Content {
					out = append(out, membersOf(call+" takes", call+" needs", "", media.Schema.Value)...)
				}
			}
			out = append(out, answersOf(call, o)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func answersOf(call string, o *openapi3.Operation) []string {
	var out []string
	for status, r := range o.Responses.Map() {
		says := call + " " + status
		for _, media := range r.Value.Content {
			for name, example := range media.Examples {
				if shown, ok := example.Value.Value.(map[string]any); ok && shown["code"] == name {
					out = append(out, says+" code "+name)
				}
			}
			if status < "3" {
				out = append(out, membersOf(says+" may say", says+" says", "", media.Schema.Value)...)
			}
		}
	}
	return out
}

// membersOf are a line for each member of a schema, and another for those that
// are always there.
func membersOf(may, must, at string, s *openapi3.Schema) []string {
	kind := "any"
	if len(s.Type.Slice()) > 0 {
		kind = strings.TrimSpace(s.Type.Slice()[0] + " " + s.Format)
	}
	out := []string{fmt.Sprintf("%s %s as %s", may, cmp.Or(at, "/"), kind)}
	for _, word := range s.Enum {
		out = append(out, fmt.Sprintf("%s %s %q", may, at, fmt.Sprint(word)))
	}
	if s.Items != nil {
		out = append(out, membersOf(may, must, at+"/0", s.Items.Value)...)
	}
	for name, p := range s.Properties {
		if slices.Contains(s.Required, name) {
			out = append(out, must+" "+at+"/"+name)
		}
		out = append(out, membersOf(may, must, at+"/"+name, p.Value)...)
	}
	return out
}
