package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// world is a demonstration on free ports, with somebody who listens at every
// door of it.
type world struct {
	*demo
	t   testing.TB
	ear *ear
	log *safeBuffer
}

func newWorld(t testing.TB, args ...string) *world {
	t.Helper()
	w := &world{t: t, ear: &ear{}, log: &safeBuffer{}}
	s, err := parse(append([]string{"-addr", "localhost:0"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s.around = w.ear.around
	s.environ = []string{"CONSENTD_REFRESH_BANK_DEADLINE=9s", "CONSENTD_REFRESH_LEASE=12s"}
	w.demo, err = start(s, slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime) // the test's own has ended
		defer cancel()
		if err := w.stop(ctx); err != nil {
			t.Errorf("stop = %v", err)
		}
	})
	return w
}

// settle waits until consentd has done in the background what it was to do.
func (w *world) settle() {
	w.t.Helper()
	if err := w.consentd.Service.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.consentd.Service.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// heard is one request and its answer, whole.
type heard struct {
	part, method, uri string
	request, answer   http.Header
	sent, got         string
	status            int
}

// ear hears everything that is said over HTTP.
type ear struct {
	mu    sync.Mutex
	all   []heard
	stand map[string]http.Handler // in place of a part
}

func (e *ear) around(part string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		x := heard{part: part, method: r.Method, uri: r.URL.RequestURI(), request: r.Header.Clone(), sent: string(sent)}
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		if other := e.standIn(part); other != nil {
			h = other
		}
		h.ServeHTTP(rec, r)
		x.answer, x.got, x.status = rec.Header().Clone(), rec.body.String(), rec.status
		e.mu.Lock()
		defer e.mu.Unlock()
		e.all = append(e.all, x)
	})
}

func (e *ear) standIn(part string) http.Handler {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stand[part]
}

// replace puts another handler in place of a part.
func (e *ear) replace(part string, h http.Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stand = map[string]http.Handler{part: h}
}

func (e *ear) everything() []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

type recorder struct {
	http.ResponseWriter
	body   bytes.Buffer
	status int
}

func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// person plays somebody with a browser: reads pages, presses buttons, follows
// links.
type person struct {
	w      *world
	client *http.Client
	at     *url.URL
	page   *html.Node
	status int
}

func (w *world) person() *person {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &person{w: w, client: &http.Client{Jar: jar, Timeout: time.Minute}}
}

func (p *person) open(address string) *person {
	p.w.t.Helper()
	req, err := http.NewRequestWithContext(p.w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.do(req)
	return p
}

func (p *person) do(req *http.Request) {
	p.w.t.Helper()
	res, err := p.client.Do(req)
	if err != nil {
		p.w.t.Fatal(err)
	}
	defer res.Body.Close()
	p.page, err = html.Parse(res.Body)
	if err != nil {
		p.w.t.Fatal(err)
	}
	p.at, p.status = res.Request.URL, res.StatusCode
}

// sees fails the test unless the page says all of it.
func (p *person) sees(words ...string) *person {
	p.w.t.Helper()
	text := textOf(find(p.page, "body"))
	for _, want := range words {
		if !strings.Contains(text, want) {
			p.w.t.Fatalf("%s does not say %q:\n%s\n%s", p.at.Path, want, text, p.w.log)
		}
	}
	return p
}

// lacks fails the test if the page says any of it.
func (p *person) lacks(words ...string) *person {
	p.w.t.Helper()
	text := textOf(find(p.page, "body"))
	for _, unwanted := range words {
		if strings.Contains(text, unwanted) {
			p.w.t.Fatalf("%s says %q:\n%s", p.at.Path, unwanted, text)
		}
	}
	return p
}

// follow opens the first link with that text.
func (p *person) follow(text string) *person {
	p.w.t.Helper()
	for a := range p.page.Descendants() {
		if a.Data == "a" && strings.Contains(textOf(a), text) {
			return p.open(p.resolve(attribute(a, "href")))
		}
	}
	p.w.t.Fatalf("%s has no link %q:\n%s", p.at.Path, text, textOf(p.page))
	return p
}

// press presses the first button with that text, after filling in the form
// around it: name and value by turns. A value of "-" unticks.
func (p *person) press(text string, fields ...string) *person {
	p.w.t.Helper()
	for button := range p.page.Descendants() {
		if button.Data != "button" || !strings.Contains(textOf(button), text) {
			continue
		}
		form := button
		for form.Data != "form" {
			form = form.Parent
		}
		values := filled(form)
		for i := 0; i < len(fields); i += 2 {
			values.Set(fields[i], fields[i+1])
			if fields[i+1] == "-" {
				values.Del(fields[i])
			}
		}
		if name := attribute(button, "name"); name != "" {
			values.Set(name, attribute(button, "value"))
		}
		p.submit(form, values)
		return p
	}
	p.w.t.Fatalf("%s has no button %q:\n%s", p.at.Path, text, textOf(p.page))
	return p
}

func (p *person) submit(form *html.Node, values url.Values) {
	p.w.t.Helper()
	if attribute(form, "method") != "post" {
		p.w.t.Fatalf("%s has a form that is not posted", p.at.Path)
	}
	req, err := http.NewRequestWithContext(p.w.t.Context(), http.MethodPost, p.resolve(attribute(form, "action")), strings.NewReader(values.Encode()))
	if err != nil {
		p.w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.at.Scheme+"://"+p.at.Host)
	p.do(req)
}

func (p *person) resolve(reference string) string {
	u, err := p.at.Parse(reference)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return u.String()
}

// filled is what a form would send as it stands.
func filled(form *html.Node) url.Values {
	values := make(url.Values)
	for input := range form.Descendants() {
		if input.Data != "input" {
			continue
		}
		kind := attribute(input, "type")
		if (kind == "checkbox" || kind == "radio") && !has(input, "checked") {
			continue
		}
		values.Add(attribute(input, "name"), attribute(input, "value"))
	}
	return values
}

func find(n *html.Node, tag string) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag {
			return d
		}
	}
	return n
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
