package web

import (
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"

	"github.com/consentd/consentd/consent"
)

// readForm reads a body of form parameters, each of which may be there once
// (RFC 6749 section 3.2); those that may repeat are RFC 8693's.
func readForm(c *call) (url.Values, error) {
	r := c.Request()
	var wrong consent.Invalid
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		note(&wrong, "Content-Type", "must be application/x-www-form-urlencoded")
		return nil, &wrong
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, mostBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, errTooLarge
	}
	form, malformed := url.ParseQuery(string(body))
	if err != nil || malformed != nil {
		note(&wrong, "", "cannot be read as form parameters")
		return nil, &wrong
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if len(form[name]) > 1 && name != "resource" && name != "audience" {
			note(&wrong, escapePointer(name), "is there twice")
		}
	}
	if len(wrong.Fields) > 0 {
		return nil, &wrong
	}
	return form, nil
}

// formCaller is who sent a form: known by exactly one of the ways that OAuth
// has for it (RFC 6749 section 2.3), and by the id that stands beside it.
func (s *server) formCaller(c *call, form url.Values) (caller, error) {
	header := len(c.Request().Header.Values("Authorization")) > 0
	secret, assertion := form.Get("client_secret"), form.Get("client_assertion")
	ways := 0
	for _, given := range []bool{header, secret != "", assertion != ""} {
		if given {
			ways++
		}
	}
	if ways > 1 {
		var wrong consent.Invalid
		note(&wrong, "client_id", "is proved in more than one way; keep one")
		return caller{}, &wrong
	}
	id := form.Get("client_id")
	who, named, err := caller{}, id, errUnauthorized
	switch {
	case secret != "" && id != "":
		who, err = s.byKey(secret)
	case assertion != "" && form.Get("client_assertion_type") == typeJWTAssertion:
		who, err = s.workload(c.Request().Context(), assertion)
	case secret == "" && assertion == "":
		who, named, err = s.basic(c)
	}
	if err != nil {
		return caller{}, err
	}
	if id != "" && id != who.App.ID || named != "" && named != who.App.ID {
		return caller{}, errUnauthorized
	}
	return who, nil
}

// basic is who sent an Authorization header with a name and a key, or with
// what the rest of the API takes.
func (s *server) basic(c *call) (who caller, id string, err error) {
	name, secret, ok := c.Request().BasicAuth()
	if !ok {
		who, err = s.caller(c)
		return who, "", err
	}
	id, badID := url.QueryUnescape(name) // both are encoded (RFC 6749 section 2.3.1)
	key, badKey := url.QueryUnescape(secret)
	if badID != nil || badKey != nil || id == "" || len(c.Request().Header.Values("Authorization")) != 1 {
		return caller{}, "", errUnauthorized
	}
	who, err = s.byKey(key)
	return who, id, err
}
