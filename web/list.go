package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/contract"
)

// longestReference is how long an app's name for a customer may be; see
// [consent.Request].
const longestReference = 128

// defaultLimit is how many consents are on a page.
const defaultLimit = 50

// listConsents answers GET /v1/consents.
func (s *server) listConsents(c *call, app consent.App) error {
	var f consent.Filter
	var reference token.Secret
	var cursor string
	limit := int64(defaultLimit)
	err := c.readQuery(parameters{
		"customer_reference": &reference, "bank": &f.Bank, "status": (*string)(&f.Status),
		"ends_before": &f.EndsBefore, "changed_since": &f.ChangedSince, "limit": &limit, "cursor": &cursor,
	})
	if err != nil {
		return err
	}
	if len(reference) > longestReference || strings.ContainsFunc(reference.Reveal(), unicode.IsControl) {
		return &consent.Invalid{Fields: []consent.Field{{Pointer: "?customer_reference", Detail: "must be 1 to 128 printable characters"}}}
	}
	page, err := s.service.List(c.Request().Context(), app, reference, f, cursor, int(min(limit, consent.MostOnPage+1)))
	if err != nil {
		return inQuery(err)
	}
	view := contract.ConsentPage{Consents: []contract.Consent{}, NextCursor: page.Next}
	for _, found := range page.Consents {
		view.Consents = append(view.Consents, s.viewOf(found))
	}
	return c.writeJSON(http.StatusOK, view)
}

// parameters are the names that an address may have, and where their values
// go.
type parameters map[string]any

// readQuery reads the parameters of the address into m, as strictly as read
// reads a body: *string, *token.Secret, *int64 or *time.Time. What is there
// must not be empty.
func (c *call) readQuery(m parameters) error {
	values, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return &consent.Invalid{Fields: []consent.Field{{Pointer: "?", Detail: "is not a query of the form name=value&name=value"}}}
	}
	var wrong consent.Invalid
	for name, all := range values {
		where := "?" + escapePointer(name)
		target, known := m[name]
		switch {
		case !known:
			note(&wrong, where, "is not a parameter that this call knows")
		case len(all) > 1:
			note(&wrong, where, "is there twice")
		case all[0] == "":
			note(&wrong, where, "is empty; leave it out")
		default:
			putText(&wrong, where, all[0], target)
		}
	}
	if len(wrong.Fields) == 0 {
		return nil
	}
	slices.SortFunc(wrong.Fields, func(a, b consent.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return &wrong
}

func putText(wrong *consent.Invalid, where, text string, target any) {
	switch target := target.(type) {
	case *string:
		*target = text
	case *token.Secret:
		*target = token.Secret(text)
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != text {
			note(wrong, where, "must be a whole number")
		}
		*target = n
	case *time.Time:
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			note(wrong, where, "must be a time such as 2027-03-03T12:00:00Z (RFC 3339; a + is written %2B)")
		}
		*target = at.UTC()
	}
}

// inQuery says of the domain's fields that they are parameters.
func inQuery(err error) error {
	wrong, ok := errors.AsType[*consent.Invalid](err)
	if !ok {
		return err
	}
	out := &consent.Invalid{}
	for _, f := range wrong.Fields {
		note(out, "?"+strings.TrimPrefix(f.Pointer, "/"), f.Detail)
	}
	return out
}
