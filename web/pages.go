package web

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/wording"
	"github.com/consentd/consentd/web/design"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates in each language, and the files they refer to.
type pages struct {
	name     string // of the service; empty for what the texts say
	editions map[string]*edition
	files    map[string]design.File
}

// edition is the pages in one language.
type edition struct {
	texts
	byName     map[string]*template.Template
	askVersion string // names the wording that a customer agreed to
}

// shell is what every page has.
type shell struct {
	Page      any
	Name      string
	Service   string
	Theme     string // file with the app's colours, where it has its own
	Languages []languageLink
	Reference string // id of the consent, which the support desk finds it by; else of the request
}

// forDevelopers are the pages that customers do not read, so that they are in
// one language.
var forDevelopers = []string{"problems", "problem"}

func newPages(name string, apps []AppKeys) (*pages, error) {
	p := &pages{name: name, editions: make(map[string]*edition), files: design.Files()}
	var errs []error
	for _, a := range apps {
		if a.Colour != "" {
			theme, err := design.Theme(a.Colour)
			if err != nil {
				errs = append(errs, fmt.Errorf("web: app %q: %w", a.App.ID, err))
			}
			p.files[themeOf(a.App.ID)] = theme
		}
	}
	for _, lang := range wording.Languages() {
		x, err := p.newEdition(texts{wording.In(lang)})
		p.editions[lang], errs = x, append(errs, err)
	}
	return p, errors.Join(errs...)
}

func (p *pages) newEdition(x texts) (*edition, error) {
	e := &edition{texts: x, byName: make(map[string]*template.Template)}
	for _, name := range append([]string{"ask", "result", "manage", "stop", "reminders", "error", "home", "access", "access-in", "access-link", "access-result"}, forDevelopers...) {
		t, err := template.New("layout.html").Funcs(p.funcs(x)).ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("web: templates: %w", err)
		}
		e.byName[name] = t
	}
	ask, err := fs.ReadFile(templateFiles, "templates/ask.html")
	if err != nil {
		return nil, fmt.Errorf("web: templates: %w", err)
	}
	e.askVersion = x.Lang() + "-" + design.Version(append(ask, x.Wording("ask.", "scope.", "national_id.")...))
	return e, nil
}

func (p *pages) funcs(x texts) template.FuncMap {
	return template.FuncMap{
		"t":    x.Text,
		"tn":   x.Count,
		"lang": x.Lang,
		"file": func(name string) string { return design.Address(p.files, name) },
	}
}

// speaks reports whether there is an edition in that language.
func (p *pages) speaks(lang string) bool { return p.editions[lang] != nil }

// in is the edition in a language that we speak.
func (p *pages) in(lang string) *edition { return p.editions[lang] }

// askedBy reports whether a page of ours shows the wording with that version.
func (p *pages) askedBy(version string) bool {
	for _, e := range p.editions {
		if e.askVersion == version {
			return true
		}
	}
	return false
}

// render writes a page in full or not at all.
func (e *edition) render(name string, view shell) ([]byte, error) {
	var b bytes.Buffer
	if err := e.byName[name].Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return b.Bytes(), nil
}

func (s *server) show(c *call, name string, page any) error {
	return s.showWith(c, http.StatusOK, name, page)
}

func (s *server) showWith(c *call, status int, name string, page any) error {
	e := s.edition(c)
	view := shell{Page: page, Name: name, Service: s.pages.name, Theme: s.pages.theme(c.visit), Reference: cmp.Or(string(c.consent), c.requestID)}
	if slices.Contains(forDevelopers, name) {
		e, view.Theme = s.pages.in(wording.Languages()[0]), ""
	} else {
		view.Languages = s.languages(c, e)
	}
	body, err := e.render(name, view)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Language", e.Lang())
	return c.Blob(status, "text/html; charset=utf-8", body)
}

// themeOf names the file with an app's colours.
func themeOf(app string) string { return "app-" + app + ".css" }

// theme is that name, where the app has colours of its own.
func (p *pages) theme(app string) string {
	if _, ok := p.files[themeOf(app)]; ok {
		return themeOf(app)
	}
	return ""
}

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
func (s *server) front(c *call) error { return s.show(c, "home", s.doorTo(c)) }

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
