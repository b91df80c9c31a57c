// Package pages is how the demonstration looks: one frame and one stylesheet
// around the payment service's pages and the inbox. It decides nothing. No
// page needs a script.
package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed style.css icon.svg
var staticFiles embed.FS

// Pages renders pages. It is safe for concurrent use.
type Pages struct {
	byName map[string]*template.Template
	stage  func() Stage
	log    *slog.Logger
}

// Stage is what a visitor sees around each page, because this is a
// demonstration: what happened behind it, and what they may do to it.
type Stage struct {
	Now      time.Time
	Messages int
	Token    string // how the access-token clock stands, in words
	Lines    []Line
	Desk     string // address of the support desk
	Clock    []Act  // moves the clock
	Acts     []Act  // disturbs something
}

// Line is something that happened.
type Line struct {
	At   time.Time
	Who  string
	Text string
}

// Act is something that a visitor may do to the demonstration.
type Act struct{ ID, Label, Why string }

// Part is a piece of a text: plain, or an address to follow.
type Part struct{ Text, Link string }

var addresses = regexp.MustCompile(`https?://\S+`)

// partsOf takes the addresses out of a text, as mail programs do.
func partsOf(text string) (parts []Part) {
	done := 0
	for _, at := range addresses.FindAllStringIndex(text, -1) {
		link := text[at[0]:at[1]]
		parts = append(parts, Part{Text: text[done:at[0]]}, Part{Text: link, Link: link})
		done = at[1]
	}
	return append(parts, Part{Text: text[done:]})
}

// frame is what a page is rendered with.
type frame struct {
	Title  string
	Name   string
	Person string // who is signed in; empty: nobody
	View   any
	Stage  Stage
}

// New parses all pages.
func New(stage func() Stage, log *slog.Logger) (*Pages, error) {
	p := &Pages{byName: make(map[string]*template.Template), stage: stage, log: log}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" {
			continue
		}
		t, err := template.New("layout.html").Funcs(funcs()).ParseFS(templateFiles, "templates/layout.html", file)
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		p.byName[name] = t
	}
	return p, nil
}

func funcs() template.FuncMap {
	return template.FuncMap{
		"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"short": func(t time.Time) string { return t.UTC().Format("2 Jan 15:04:05") },
		"date":  func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"parts": partsOf,
		"first": func(name string) string { first, _, _ := strings.Cut(name, " "); return first },
	}
}

// Show renders a page in full or not at all. Its forms may lead to
// formTargets besides this site: browsers apply form-action to where a
// redirect leads as well.
func (p *Pages) Show(w http.ResponseWriter, status int, name, title string, view any, person string, formTargets ...string) {
	var b bytes.Buffer
	err := fmt.Errorf("there is no page %q", name)
	if t := p.byName[name]; t != nil {
		err = t.Execute(&b, frame{Title: title, Name: name, Person: person, View: view, Stage: p.stage()})
	}
	if err != nil {
		p.log.Error("page cannot be rendered", slog.String("page", name), slog.Any("error", err))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "+
		"frame-ancestors 'none'; form-action "+strings.Join(append([]string{"'self'"}, formTargets...), " "))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Referrer-Policy") == "" {
		h.Set("Referrer-Policy", "same-origin")
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser has gone: nothing to tell it
}

// Static serves the stylesheet and the icon.
func Static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache") // the next demonstration may look different
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	})
}
