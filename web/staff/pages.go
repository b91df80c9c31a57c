package staff

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web/design"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed staff.css
var staffStyle []byte

// pages are the templates, and the files they refer to.
type pages struct {
	byName map[string]*template.Template
	files  map[string]design.File
}

// shell is what every page has.
type shell struct {
	Page      any
	Name      string
	Staff     consent.Staff
	Told      string // said once
	RequestID string
	May       func(act string) bool
}

var pageNames = []string{"sign-in", "refusal", "find", "reason", "consent", "stop", "link", "overview", "desk", "audit"}

func newPages(s *server) (*pages, error) {
	p := &pages{byName: make(map[string]*template.Template), files: files()}
	funcs := template.FuncMap{
		"file":   func(name string) string { return design.Address(p.files, name) },
		"bank":   s.bankName,
		"app":    s.appName,
		"day":    func(t time.Time) string { return t.UTC().Format("2 Jan 2006") },
		"moment": func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04") },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"status": func(c consent.Consent) string { return statusWord(c.StatusAt(s.desk.Now())) },
		"word":   statusWord,
		"ends":   endOf,
		"left":   func(c consent.Consent) int { return c.DaysLeft(s.desk.Now()) },
		"titled": func(title, head string, t table) any { return titledTable{Title: title, Head: head, Table: t} },
		"lines": func(all []undelivered, a, action, label string, may func(string) bool) any {
			return undeliveredList{Lines: all, Allowed: may(a), Action: action, Label: label}
		},
	}
	for _, name := range pageNames {
		t, err := template.New("layout.html").Funcs(funcs).ParseFS(templateFiles, "templates/layout.html", "templates/charts.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("staff: templates: %w", err)
		}
		p.byName[name] = t
	}
	return p, nil
}

// endOf is when a consent ended early, or else when its time is over.
func endOf(c consent.Consent) time.Time {
	if !c.EndedAt.IsZero() {
		return c.EndedAt
	}
	return c.EndsAt
}

// statusWord is a status as people say it.
func statusWord(status consent.Status) string {
	if word, ok := map[consent.Status]string{
		consent.Received: "waiting", consent.Valid: "works", consent.Rejected: "refused", consent.PartiallyAuthorised: "left out",
		consent.Expired: "ended", consent.RevokedByPsu: "stopped by the customer", consent.TerminatedByTpp: "stopped by app or staff",
		consent.TerminatedByAspsp: "stopped by the bank",
	}[status]; ok {
		return word
	}
	return string(status)
}

func (s *server) bankName(id string) string {
	if b, ok := s.desk.Bank(id); ok {
		return b.Name
	}
	return id
}

func (s *server) appName(id string) string {
	if a, ok := s.desk.App(id); ok {
		return a.Name
	}
	return id
}

func (p *pages) render(name string, view shell) ([]byte, error) {
	var b bytes.Buffer
	if err := p.byName[name].Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// show renders a page in full or not at all, after the session is kept.
func (s *server) show(c *call, status int, name string, page any) error {
	told := c.session.Told
	c.session.Told = ""
	role := Role(c.session.Staff.Role)
	body, err := s.pages.render(name, shell{Page: page, Name: name, Staff: c.session.Staff, Told: told, RequestID: c.requestID, May: func(a string) bool { return role.may(act(a)) }})
	if err != nil {
		return err
	}
	if err := s.keep(c); err != nil {
		return err
	}
	return c.Blob(status, "text/html; charset=utf-8", body)
}

// fail answers with a page for what went wrong.
func (s *server) fail(c *call, err error) {
	if c.Response().Committed {
		return
	}
	status, page := s.explain(c, err)
	if late, ok := errors.AsType[tooMany](err); ok {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int((late.wait+time.Second-1)/time.Second)))
	}
	if shown := s.show(c, status, "refusal", page); shown != nil {
		s.log.ErrorContext(c.Request().Context(), "staff page cannot be shown", slog.Any("error", shown))
		_ = c.String(http.StatusServiceUnavailable, "consentd cannot answer now. Try again.\n") // the browser has gone
	}
}

func (s *server) explain(c *call, err error) (int, refusal) {
	if status, page := refusalFor(err); status != 0 {
		return status, page
	}
	invalid, isInvalid := errors.AsType[*consent.Invalid](err)
	httpError, isHTTP := errors.AsType[*echo.HTTPError](err)
	_, isTooMany := errors.AsType[tooMany](err)
	switch {
	case isInvalid:
		return http.StatusUnprocessableEntity, refusal{Title: "That cannot be", Text: sentences(invalid)}
	case isTooMany:
		return http.StatusTooManyRequests, refusal{Title: "Too many sign-ins at once", Text: "Too many sign-ins came from your network. Wait a minute, then sign in again.", Again: true}
	case errors.Is(err, errForbidden):
		return http.StatusForbidden, refusal{Title: "Not for your role", Text: "Your role does not do this. Somebody else in your company does."}
	case errors.Is(err, errForeignForm):
		return http.StatusForbidden, refusal{Title: "That form is not ours", Text: "It did not come from a page of this console, and nothing was done."}
	case errors.Is(err, errForeignHost):
		return http.StatusMisdirectedRequest, refusal{Title: "Not here", Text: "The console answers to its own address only."}
	case errors.Is(err, consent.ErrNotFound), isHTTP && httpError.Code == http.StatusNotFound:
		return http.StatusNotFound, refusal{Title: "Not found", Text: "There is nothing under this address, or no longer."}
	case isHTTP && httpError.Code < http.StatusInternalServerError:
		return httpError.Code, refusal{Title: "That cannot be", Text: "The console does not understand this request."}
	case errors.Is(err, consent.ErrRevoked):
		return http.StatusConflict, refusal{Title: "It stays ended", Text: "This access was stopped on purpose. The customer starts anew in the payment service."}
	case errors.Is(err, consent.ErrNoAddress):
		return http.StatusConflict, refusal{Title: "No mail address", Text: "No mail address of this customer is known here, or no mail server is set. Copy the link instead."}
	case errors.Is(err, consent.ErrLinkGone):
		return http.StatusConflict, refusal{Title: "A mail leads nowhere", Text: "The page behind a mail is there from the first grant until a month after the end. Copy a link instead."}
	case errors.Is(err, token.ErrStoreUnavailable):
		return http.StatusServiceUnavailable, refusal{Title: "The store does not answer", Text: "consentd cannot reach its data at the moment. Nothing is lost. Whether the last act was done, the timeline will say.", Reload: true}
	}
	s.log.ErrorContext(c.Request().Context(), "staff request failed", slog.String("request_id", c.requestID), slog.Any("error", err))
	return http.StatusInternalServerError, refusal{Title: "Something is wrong here", Text: "This is our fault. Tell the operators the reference below."}
}

func sentences(invalid *consent.Invalid) string {
	text := ""
	for _, f := range invalid.Fields {
		text += f.Pointer[1:] + " " + f.Detail + ". "
	}
	return text
}
