package web

import (
	"errors"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
)

func TestRoutesWithoutAnOperationAreRefused(t *testing.T) {
	t.Parallel()
	named := []apiRoute{{method: "GET", path: "/v1/a", operation: OpRead}, {method: "GET", path: "/v1/c"}}
	routes := []*echo.Route{{Method: "GET", Path: "/v1/a"}, {Method: "GET", Path: "/c/:link"}}
	if err := checkRoutes(routes, named); err != nil {
		t.Errorf("checkRoutes = %v", err)
	}
	for _, r := range []*echo.Route{{Method: "POST", Path: "/v1/a"}, {Method: "GET", Path: "/v1/b"}, {Method: "GET", Path: "/v1/c"}} {
		if checkRoutes(append(routes, r), named) == nil {
			t.Errorf("%s %s is served without an operation", r.Method, r.Path)
		}
	}
}

func TestLimitsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	if _, err := newClients([]AppKeys{{App: consent.App{ID: "a"}, Operations: []Operation{"fly"}}}); err == nil {
		t.Error("an operation that does not exist is accepted")
	}
	if !errors.Is(&limitError{}, errRateLimited) {
		t.Error("a limit's error has no answer")
	}
}

// TestDescriptionsFitOAuth: RFC 6749 section 5.2 allows few characters there.
func TestDescriptionsFitOAuth(t *testing.T) {
	t.Parallel()
	for _, a := range answers {
		for _, r := range a.detail {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				t.Errorf("the detail of %s holds %q", a.code, r)
			}
		}
	}
}
