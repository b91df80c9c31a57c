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
	"unicode/utf8"

	"github.com/consentd/consentd/consent"
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

// read reads the request's body strictly: what the contract does not allow is
// an *[consent.Invalid] which lists all of it. An empty body is no error where
// the contract lets it be left out.
func (c *call) read(into any) error {
	bodies, err := jsonBodies()
	if err != nil {
		return err
	}
	known, ok := bodies[route{c.Request().Method, c.Path()}]
	if !ok {
		return fmt.Errorf("web: the contract has no body for %s %s", knownMethod(c.Request().Method), c.Path())
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if len(body) == 0 && !known.required {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errMediaType
	}
	if err := checkSyntax(body); err != nil {
		return err
	}
	var wrong consent.Invalid
	known.schema.check(&wrong, "", bytes.TrimSpace(body))
	if len(wrong.Fields) > 0 {
		return &wrong
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("web: the contract's types are not its schemas: %T", into) // err may hold a value
	}
	return nil
}

// body is the request's, as long as it is not too large.
func (c *call) body() ([]byte, error) {
	r := c.Request()
	if r.ContentLength > mostBody {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, mostBody))
	if err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, errTooLarge
		}
		return nil, errMalformed
	}
	return body, nil
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
