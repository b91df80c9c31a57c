package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// mostBody is how many bytes a request of an app may have.
const mostBody = 64 << 10

// What can be wrong with a body before its members are looked at.
var (
	errTooLarge  = errors.New("web: body too large")
	errMediaType = errors.New("web: not application/json")
	errMalformed = errors.New("web: malformed JSON")
)

// syntaxError says where JSON breaks off, and nothing of what stands there.
type syntaxError struct{ line, column int }

func (e *syntaxError) Error() string {
	return fmt.Sprintf("the JSON breaks at line %d, column %d", e.line, e.column)
}
func (e *syntaxError) Unwrap() error { return errMalformed }

// members are the names that a JSON object may have, and where their values
// go: *string, *token.Secret, *[]string, *int64, *time.Time, or members. null
// counts as absent.
type members map[string]any

// read reads the request's body into m, strictly: a member that is unknown,
// there twice or of another type is an *[consent.Invalid] which lists them
// all. An empty body is no error where it may be.
func (c *call) read(m members, mayBeEmpty bool) error {
	r := c.Request()
	if r.ContentLength > mostBody {
		return errTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, mostBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return errTooLarge
		}
		return errMalformed
	}
	if len(body) == 0 && mayBeEmpty {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errMediaType
	}
	if err := checkSyntax(body); err != nil {
		return err
	}
	var wrong consent.Invalid
	m.fill(&wrong, "", body)
	if len(wrong.Fields) > 0 {
		return &wrong
	}
	return nil
}

func checkSyntax(body []byte) error {
	if !utf8.Valid(body) {
		return errMalformed
	}
	var raw json.RawMessage
	err := json.Unmarshal(body, &raw)
	if err == nil {
		return nil
	}
	at := int64(len(body))
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = min(e.Offset, at)
	}
	before := body[:at]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return &syntaxError{line: line, column: max(column, 1)}
}

// fill takes apart an object that is known to be well formed. Its mistakes go
// to wrong, at JSON pointers below at.
func (m members) fill(wrong *consent.Invalid, at string, object []byte) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		note(wrong, at, "must be a JSON object")
		return
	}
	seen := make(map[string]bool, len(m))
	for d.More() {
		name, _ := d.Token()
		text, _ := name.(string)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			note(wrong, at, "must be a JSON object")
			return
		}
		where := at + "/" + escapePointer(text)
		target, known := m[text]
		switch {
		case !known:
			note(wrong, where, "is not a member that this call knows")
		case seen[text]:
			note(wrong, where, "is there twice")
		case !bytes.Equal(value, []byte("null")):
			m.put(wrong, where, value, target)
		}
		seen[text] = true
	}
}

func (m members) put(wrong *consent.Invalid, where string, value json.RawMessage, target any) {
	var err error
	switch target := target.(type) {
	case members:
		target.fill(wrong, where, value)
		return
	case *string:
		if json.Unmarshal(value, target) != nil {
			err = errors.New("must be a string")
		}
	case *token.Secret:
		var text string
		if json.Unmarshal(value, &text) != nil {
			err = errors.New("must be a string")
		}
		*target = token.Secret(text)
	case *[]string:
		if json.Unmarshal(value, target) != nil {
			err = errors.New("must be a list of strings")
		}
	case *int64:
		if json.Unmarshal(value, target) != nil {
			err = errors.New("must be a whole number")
		}
	case *time.Time:
		if json.Unmarshal(value, target) != nil {
			err = errors.New("must be a time such as 2027-03-03T12:00:00Z (RFC 3339)")
		}
	default:
		err = fmt.Errorf("cannot be read into a %T", target)
	}
	if err != nil {
		note(wrong, where, err.Error())
	}
}

func note(wrong *consent.Invalid, pointer, detail string) {
	wrong.Fields = append(wrong.Fields, consent.Field{Pointer: pointer, Detail: detail})
}

// longestName is how much of an unknown member's name is repeated.
const longestName = 64

// escapePointer writes a member's name as part of a JSON pointer (RFC 6901).
func escapePointer(name string) string {
	if len(name) > longestName {
		name = strings.ToValidUTF8(name[:longestName], "") + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
