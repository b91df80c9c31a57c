package web

import (
	"errors"
	"fmt"
	"slices"

	"github.com/labstack/echo/v4"
)

// Operation is a kind of call, by which an app may be limited.
type Operation string

// The operations.
const (
	OpCreate  Operation = "create"  // ask for a consent
	OpRead    Operation = "read"    // whatever changes nothing and holds no token
	OpToken   Operation = "token"   // get an access token
	OpRenew   Operation = "renew"   // make a page for the customer to renew; one to see what they granted needs read and revoke too
	OpRevoke  Operation = "revoke"  // stop a consent
	OpConfirm Operation = "confirm" // say that the customer is the app's own
	OpReport  Operation = "report"  // tell what the bank answered
	OpErase   Operation = "erase"   // forget a customer
	OpEgress  Operation = "egress"  // call the bank's API through us
)

// Operations are all of them. An app that says nothing may do all but the
// last.
var Operations = []Operation{OpCreate, OpRead, OpToken, OpRenew, OpRevoke, OpConfirm, OpReport, OpErase, OpEgress}

// errOperation: an app may not do this.
var errOperation = errors.New("web: operation not allowed")

// may tells what an app may do.
func may(named []Operation) (map[Operation]bool, error) {
	if named == nil {
		named = slices.DeleteFunc(slices.Clone(Operations), func(o Operation) bool { return o == OpEgress })
	}
	all := make(map[Operation]bool)
	var errs []error
	for _, o := range named {
		if !slices.Contains(Operations, o) {
			errs = append(errs, fmt.Errorf("there is no operation %q", o))
		}
		all[o] = true
	}
	return all, errors.Join(errs...)
}

// apiRoute is a call of the API. What may be called is decided by the route
// that the router matched, never by the address.
type apiRoute struct {
	method, path string
	operation    Operation
	also         []Operation // what an app must be allowed besides; not with own
	answer       appHandler

	// own is in place of answer, for a call that knows its callers in another
	// way: it admits them itself.
	own func(*call, Operation) error
}

func (s *server) handlerOf(r apiRoute) echo.HandlerFunc {
	if r.own != nil {
		return on(func(c *call) error { return r.own(c, r.operation) })
	}
	return s.forApp(r.answer, append([]Operation{r.operation}, r.also...)...)
}

// checkRoutes makes sure that nothing of the API can be reached without an
// operation that an app must be allowed.
func checkRoutes(all []*echo.Route, api []apiRoute) error {
	var errs []error
	for _, r := range all {
		if !isAPI(r.Path) {
			continue
		}
		named := slices.ContainsFunc(api, func(a apiRoute) bool {
			return a.method == r.Method && a.path == r.Path && slices.Contains(Operations, a.operation)
		})
		if !named {
			errs = append(errs, fmt.Errorf("web: %s %s names no operation", r.Method, r.Path))
		}
	}
	return errors.Join(errs...)
}
