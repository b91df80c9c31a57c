package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/design"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates in one language, and the files they refer to.
type pages struct {
	texts      texts
	byName     map[string]*template.Template
	files      map[string]design.File
	askVersion string // names the wording that a customer agreed to
}

// shell is what every page has.
type shell struct {
	Page      any
	Name      string
	RequestID string // set on pages that somebody may want to call about
}

func newPages(x texts) (*pages, error) {
	p := &pages{texts: x, byName: make(map[string]*template.Template), files: design.Files()}
	for _, name := range []string{"ask", "result", "manage", "stop", "error", "home", "problems", "problem"} {
		t, err := template.New("layout.html").Funcs(p.funcs()).ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("web: templates: %w", err)
		}
		p.byName[name] = t
	}
	ask, err := fs.ReadFile(templateFiles, "templates/ask.html")
	if err != nil {
		return nil, fmt.Errorf("web: templates: %w", err)
	}
	p.askVersion = x.lang + "-" + design.Version(append(ask, x.wording("ask.", "scope.")...))
	return p, nil
}

func (p *pages) funcs() template.FuncMap {
	return template.FuncMap{
		"t":    p.texts.text,
		"lang": func() string { return p.texts.lang },
		"file": func(name string) string { return design.Address(p.files, name) },
	}
}

// render writes a page in full or not at all.
func (p *pages) render(name string, view shell) ([]byte, error) {
	var b bytes.Buffer
	if err := p.byName[name].Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

func (s *server) show(c *call, name string, page any) error {
	return s.showWith(c, http.StatusOK, name, page)
}

func (s *server) showWith(c *call, status int, name string, page any) error {
	body, err := s.pages.render(name, shell{Page: page, Name: name, RequestID: c.requestID})
	if err != nil {
		return err
	}
	return c.Blob(status, "text/html; charset=utf-8", body)
}

// errorView is a page that says what went wrong and what to do next.
type errorView struct {
	Code   string
	Reload bool // loading the same address again is the next step
	App    string
	ToApp  string // address of the app to start again in, where there is one only
}

func (s *server) errorPage(c *call, a answer) error {
	view := errorView{Code: a.code, Reload: a.retry > 0 || a.code == "no-cookie" || a.code == internalError}
	if startsAgain[a.code] && len(s.c.Apps) == 1 {
		view.App, view.ToApp = s.c.Apps[0].App.Name, home(s.c.Apps[0].App)
	}
	if !s.pages.texts.has("error." + view.Code + ".title") {
		view.Code = internalError
	}
	if a.retry > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(wholeSeconds(a.retry)))
	}
	return s.showWith(c, a.status, "error", view)
}

// startsAgain are the answers after which a customer has to go back to the
// app. What is left of a link that is too old does not say which app that is,
// so it can be offered only where there is no choice.
var startsAgain = map[string]bool{"link-gone": true, "mail-link-gone": true, "trip-gone": true}

// home is the front page of an app: that of its first return URL.
func home(a consent.App) string {
	for _, id := range slices.Sorted(maps.Keys(a.ReturnURLs)) {
		if u, err := url.Parse(a.ReturnURLs[id]); err == nil && isWeb(u) {
			return u.Scheme + "://" + u.Host + "/"
		}
	}
	return ""
}

// front says what this address is, to whoever strays here.
func (s *server) front(c *call) error { return s.show(c, "home", nil) }

func robots(c *call) error { return c.String(http.StatusOK, "User-agent: *\nDisallow: /\n") }

// static serves the pages' own files.
func (s *server) static(c *call) error {
	f, ok := s.pages.files[c.Param("name")]
	if !ok {
		return consent.ErrNotFound
	}
	keep := "no-cache"
	if c.QueryParam("v") == f.Version {
		keep = "public, max-age=31536000, immutable"
	}
	c.Response().Header().Set("Cache-Control", keep)
	return c.Blob(http.StatusOK, f.Type, f.Content)
}

// problemList and problemPage are the API's problems for people: what the
// type member of a problem refers to.
func (s *server) problemList(c *call) error {
	var problems []problemView
	for _, a := range answers {
		if a.title != "" {
			problems = append(problems, viewProblem(a))
		}
	}
	return s.show(c, "problems", problems)
}

func (s *server) problemPage(c *call) error {
	a := answerFor(c.Param("code"))
	if a.title == "" {
		return consent.ErrNotFound
	}
	return s.show(c, "problem", viewProblem(a))
}

type problemView struct {
	Code, Title, Detail, Todo string
	Status                    int
	StatusText                string
}

func viewProblem(a answer) problemView {
	return problemView{Code: a.code, Title: a.title, Detail: a.detail, Todo: a.todo,
		Status: a.status, StatusText: strings.ToLower(http.StatusText(a.status))}
}
