package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
)

// client is an app as this package knows it: what it may do, and how much.
type client struct {
	AppKeys
	may    map[Operation]bool
	budget *budget
	calls  []callPattern

	calling room // for those of them that are open
}

func newClients(apps []AppKeys) ([]*client, error) {
	var all []*client
	var errs []error
	for _, a := range apps {
		c := &client{AppKeys: a, budget: newBudget(a.Limit), calling: room{most: int64(a.CallsAtOnce)}}
		var err error
		if c.may, err = may(a.Operations); err != nil {
			errs = append(errs, fmt.Errorf("web: app %q: %w", a.App.ID, err))
		}
		if err := a.Limit.Check(); err != nil {
			errs = append(errs, fmt.Errorf("app %q: %w", a.App.ID, err))
		}
		for _, text := range a.Calls {
			p, err := parseCallPattern(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("web: app %q: %w", a.App.ID, err))
			}
			c.calls = append(c.calls, p)
		}
		all = append(all, c)
	}
	return all, errors.Join(errs...)
}

func (c *client) caller(kind credentialKind, id string) caller {
	return caller{client: c, credential: credential{kind: kind, id: id}, use: &use{}}
}

// caller is who sent a request of the API, and how that is known.
type caller struct {
	*client
	credential credential
	use        *use
}

// credential is what an app was known by. Its id is public.
type credential struct {
	kind credentialKind
	id   string
}

func (c credential) String() string { return string(c.kind) + ":" + c.id }

type credentialKind string

const (
	apiKey        credentialKind = "api_key"
	byWorkload    credentialKind = "workload"
	byCertificate credentialKind = "certificate"
)

// errUnauthorized: nothing that we know an app by.
var errUnauthorized = errors.New("web: no valid credential")

// caller is who sent a request: by its Authorization header (RFC 6750 section
// 2.1), and without one by the certificate of the connection.
func (s *server) caller(c *call) (caller, error) {
	given := c.Request().Header.Values("Authorization")
	if len(given) == 0 {
		return s.certified.caller(c.Request().TLS)
	}
	if len(given) != 1 {
		return caller{}, errUnauthorized
	}
	scheme, bearer, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return caller{}, errUnauthorized
	}
	return s.bearer(c.Request().Context(), bearer)
}

// byKey is who has that API key.
func (s *server) byKey(text string) (caller, error) {
	if who, ok := s.keys.caller(text); ok {
		return who, nil
	}
	return caller{}, errUnauthorized
}

// bearer is whom a bearer token is of.
func (s *server) bearer(ctx context.Context, text string) (caller, error) {
	if isJWT(text) {
		return s.workload(ctx, text)
	}
	return s.byKey(text)
}

// appHandler answers a request of an app.
type appHandler func(c *call, app consent.App) error

// forApp is the only way to a route of the API: by an app that is known, has
// not called too often, and may do this.
func (s *server) forApp(h appHandler, ops ...Operation) echo.HandlerFunc {
	return on(func(c *call) error {
		who, err := s.caller(c)
		if err != nil {
			if errors.Is(err, errUnauthorized) {
				c.Response().Header().Set("WWW-Authenticate", `Bearer realm="consentd"`)
			}
			s.metrics.denied(answerTo(err).code)
			return err
		}
		if err := s.admit(c, who, c.Param("id"), ops...); err != nil {
			return err
		}
		return h(c, who.App)
	})
}

// admit lets a known caller do something, as often as it may.
func (s *server) admit(c *call, who caller, id string, ops ...Operation) error {
	c.caller = who
	s.used(who)
	if err := who.budget.take(s.service.Now(), c.Response().Header()); err != nil {
		s.metrics.denied(answerTo(err).code)
		return err
	}
	for _, op := range ops {
		if !who.may[op] {
			s.deny(c, op, id)
			return errOperation
		}
	}
	return nil
}

// deny puts on record that an app tried what it may not do: where it is about
// a consent of its own with that consent's hand-outs, and always in the log.
func (s *server) deny(c *call, op Operation, id string) {
	ctx := context.WithoutCancel(c.Request().Context())
	s.metrics.denied(answerTo(errOperation).code)
	s.log.WarnContext(ctx, "operation denied", slog.String("app", c.caller.App.ID), slog.String("operation", string(op)),
		slog.String("credential", c.caller.credential.String()), slog.String("request_id", c.requestID))
	about, err := consent.ParseID(id)
	if err != nil {
		return
	}
	if err := s.service.Denied(ctx, c.caller.App, about, c.requestID); err != nil && !errors.Is(err, consent.ErrNotFound) {
		s.log.WarnContext(ctx, "denied operation not on record", slog.String("request_id", c.requestID), slog.Any("error", err))
	}
}
