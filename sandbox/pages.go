package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

const (
	pathStylesheet  = "/assets/bank.css"
	pathLogin       = "/as/login"
	pathPermissions = "/as/permissions"
	pathOnlineBank  = "/onlinebank"
)

// page names a parsed template together with the layout around it.
type page struct{ *template.Template }

var (
	pageLogin       = parsePage("login.html")
	pagePermissions = parsePage("permissions.html")
	pageOnlineBank  = parsePage("onlinebank.html")
	pageNotice      = parsePage("notice.html")
	pageFront       = parsePage("front.html")
)

func parsePage(name string) page {
	funcs := template.FuncMap{
		"date": func(t time.Time) string { return t.Format("2 January 2006") },
		"iso":  func(t time.Time) string { return t.Format(time.RFC3339) },
	}
	t := template.New("layout.html").Funcs(funcs)
	return page{template.Must(t.ParseFS(pageFiles, "pages/layout.html", "pages/users.html", "pages/"+name))}
}

// show renders p. The form targets are what the page's forms may lead to
// besides the bank: Chromium applies form-action to every redirect that
// follows, so an app whose callback goes on to another origin registers that
// origin as well.
func (b *Bank) show(w http.ResponseWriter, status int, p page, data any, formTargets ...string) {
	var body bytes.Buffer
	if err := p.Execute(&body, data); err != nil {
		b.log.Error("page cannot be rendered", "error", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "+
		"frame-ancestors 'none'; form-action 'self'"+spaced(formTargets))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer: that would make browsers send "Origin: null" with a form.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser has gone: nothing to tell it
}

func spaced(words []string) string {
	var s strings.Builder
	for _, word := range words {
		s.WriteString(" " + word)
	}
	return s.String()
}

// formTargets are the origins that a client's answer may go to.
func (c *Client) formTargets() []string {
	var origins []string
	for _, address := range c.RedirectURIs {
		u, err := url.Parse(address)
		if err != nil {
			continue // New has refused such a client
		}
		origin := u.Scheme + ":"
		if u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
			origin = u.Scheme + "://" + u.Host
		}
		if !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// explain shows a sentence to somebody who cannot go on.
func (b *Bank) explain(w http.ResponseWriter, status int, sentence string) {
	b.show(w, status, pageNotice, struct{ Title, Sentence string }{"This did not work", sentence})
}

func (b *Bank) notFound(w http.ResponseWriter, _ *http.Request) {
	b.explain(w, http.StatusNotFound, "There is no such page at this bank.")
}

// front tells a developer who opens the bank's address what is here.
func (b *Bank) front(w http.ResponseWriter, _ *http.Request) {
	b.show(w, http.StatusOK, pageFront, struct {
		Title, Issuer, Transfers string
		Users                    []User
	}{"Sandbox bank", b.cfg.Issuer, pathTransfers, bankUsers()})
}

func serveStylesheet(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, pageFiles, "pages/bank.css")
}

const cookieName = "sandboxbank_session"

func (b *Bank) setSession(w http.ResponseWriter, id string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: id, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(b.cfg.Issuer, "https:"),
	})
}

// signedIn returns the session of the browser that sent r.
func (b *Bank) signedIn(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, false
	}
	return b.desk.session(cookie.Value, b.now())
}
