package web

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/consentd/consentd/consent"
)

// openAPI is the contract of the API: the source of the types in package
// contract and of what a request's body may be.
//
//go:embed openapi.yaml
var openAPI []byte

// schema is as much of OpenAPI's schema language as the contract's requests
// use. More of it is refused when the contract is read, so that nothing is
// promised there that is not checked here. It is ours because the errors are the
// API's own, with every mistake at once and no value repeated, which validators
// of the whole language do not give.
type schema struct {
	Ref         string `yaml:"$ref"`
	Type        string
	Description string
	Default     any // what we assume; said for the reader

	Properties map[string]*schema
	Closed     *bool `yaml:"additionalProperties"` // always false
	Required   []string
	Items      *schema

	Format    string
	Pattern   string
	MinLength int   `yaml:"minLength"`
	MaxLength int   `yaml:"maxLength"`
	Minimum   int64 // of integers, where there is a maximum
	Maximum   int64
	Enum      []any

	Unknown map[string]any `yaml:",inline"`

	pattern *regexp.Regexp
	one     []string // Enum, as text
}

// requestBody is what an operation takes.
type requestBody struct {
	required bool
	schema   *schema
}

// route is a method and an address as the router writes it.
type route struct{ method, path string }

// jsonBodies are those of the contract's operations that take JSON.
var jsonBodies = sync.OnceValues(func() (map[route]requestBody, error) { return readBodies(openAPI) })

// operation is what readBodies looks at in the contract.
type operation struct {
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	} `yaml:"requestBody"`
}

func readBodies(document []byte) (map[route]requestBody, error) {
	var d struct {
		Paths map[string]struct {
			Post *operation
		}
		Components struct{ Schemas map[string]*schema }
	}
	if err := yaml.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("web: contract: %w", err)
	}
	out := make(map[route]requestBody)
	for path, item := range d.Paths {
		if item.Post == nil || item.Post.RequestBody == nil {
			continue
		}
		body := item.Post.RequestBody
		s := body.Content["application/json"].Schema
		if s == nil {
			continue
		}
		s, err := s.resolve(d.Components.Schemas)
		if err != nil {
			return nil, fmt.Errorf("web: contract: POST %s: %w", path, err)
		}
		out[route{"POST", routerPath(path)}] = requestBody{required: body.Required, schema: s}
	}
	return out, nil
}

// routerPath writes a path of the contract as the router does.
func routerPath(path string) string {
	return strings.NewReplacer("{path}", "*", "{", ":", "}", "").Replace(path)
}

// resolve follows references, and makes sure that the schema is one that
// check understands.
func (s *schema) resolve(all map[string]*schema) (*schema, error) {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if all[name] == nil {
			return nil, fmt.Errorf("there is no schema %q", name)
		}
		return all[name].resolve(all)
	}
	if len(s.Unknown) > 0 || !slices.Contains([]string{"object", "array", "string", "integer"}, s.Type) {
		return nil, fmt.Errorf("a %q with %v is not understood", s.Type, s.Unknown)
	}
	if s.Type == "object" && (s.Closed == nil || *s.Closed) {
		return nil, errors.New("an object of a request must have additionalProperties: false")
	}
	var err error
	if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
		return nil, err
	}
	s.one = nil
	for _, v := range s.Enum {
		s.one = append(s.one, fmt.Sprint(v))
	}
	if s.Items != nil {
		if s.Items, err = s.Items.resolve(all); err != nil {
			return nil, err
		}
	}
	for name, property := range s.Properties {
		if s.Properties[name], err = property.resolve(all); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

// check compares a value that is known to be well formed with the schema. Its
// mistakes go to wrong, at JSON pointers below at, and repeat no value.
func (s *schema) check(wrong *consent.Invalid, at string, value []byte) {
	detail := ""
	switch s.Type {
	case "object":
		s.checkObject(wrong, at, value)
	case "array":
		s.checkList(wrong, at, value)
	case "string":
		detail = s.checkText(value)
	case "integer":
		detail = s.checkNumber(value)
	}
	if detail != "" {
		note(wrong, at, detail)
	}
}

// checkObject takes null for absent, and a member that is unknown or there
// twice for a mistake.
func (s *schema) checkObject(wrong *consent.Invalid, at string, object []byte) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		note(wrong, at, "must be a JSON object")
		return
	}
	seen, absent := make(map[string]bool, len(s.Properties)), slices.Clone(s.Required)
	for d.More() {
		token, _ := d.Token()
		name, _ := token.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			note(wrong, at, "must be a JSON object")
			return
		}
		where := at + "/" + escapePointer(name)
		property, known := s.Properties[name]
		switch {
		case !known:
			note(wrong, where, "is not a member that this call knows")
		case seen[name]:
			note(wrong, where, "is there twice")
		case !bytes.Equal(value, []byte("null")):
			property.check(wrong, where, value)
			absent = slices.DeleteFunc(absent, func(a string) bool { return a == name })
		}
		seen[name] = true
	}
	for _, name := range absent {
		note(wrong, at+"/"+name, "is required, and missing")
	}
}

func (s *schema) checkList(wrong *consent.Invalid, at string, value []byte) {
	var items []json.RawMessage
	if json.Unmarshal(value, &items) != nil {
		note(wrong, at, "must be a list")
		return
	}
	for i, item := range items {
		s.Items.check(wrong, at+"/"+strconv.Itoa(i), item)
	}
}

func (s *schema) checkText(value []byte) string {
	var text string
	if value[0] != '"' || json.Unmarshal(value, &text) != nil {
		return "must be a string"
	}
	n := utf8.RuneCountInString(text)
	switch {
	case s.Format == "date-time" && new(time.Time).UnmarshalJSON(value) != nil:
		return "must be a time such as 2027-03-03T12:00:00Z (RFC 3339)"
	case len(s.one) > 0 && !slices.Contains(s.one, text):
		return "must be one of: " + strings.Join(s.one, ", ")
	case n == 0 && s.MinLength > 0:
		return "must not be empty"
	case n < s.MinLength, s.MaxLength > 0 && n > s.MaxLength:
		return fmt.Sprintf("must have %d to %d characters", s.MinLength, s.MaxLength)
	case !s.pattern.MatchString(text):
		return "must have the form " + s.Pattern
	}
	return ""
}

func (s *schema) checkNumber(value []byte) string {
	n, err := strconv.ParseInt(string(value), 10, 64)
	switch {
	case err != nil:
		return "must be a whole number"
	case len(s.one) > 0 && !slices.Contains(s.one, strconv.FormatInt(n, 10)):
		return "must be one of: " + strings.Join(s.one, ", ")
	case s.Maximum > 0 && (n < s.Minimum || n > s.Maximum):
		return fmt.Sprintf("must be from %d to %d", s.Minimum, s.Maximum)
	}
	return ""
}
