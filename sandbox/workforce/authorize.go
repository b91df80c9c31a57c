package workforce

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How long a browser may think, a code lives, and a session lasts.
const (
	tripLife    = 10 * time.Minute
	codeLife    = time.Minute
	sessionLife = 8 * time.Hour
)

// trip is an authorization request that was found in order.
type trip struct {
	redirectURI string
	state       string
	nonce       string
	challenge   string
	until       time.Time
}

// approval is what a code stands for.
type approval struct {
	trip
	session
}

var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize shows the staff to pick from. Until client and address are proven
// a refusal is a page: sending it on would make this an open redirector.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.cfg.ClientID || !slices.Contains(p.cfg.RedirectURIs, q.Get("redirect_uri")) {
		p.show(w, http.StatusBadRequest, view{Problem: "The client or its return address is not registered here."})
		return
	}
	t := trip{redirectURI: q.Get("redirect_uri"), state: q.Get("state"), nonce: q.Get("nonce"),
		challenge: q.Get("code_challenge"), until: p.cfg.Now().Add(tripLife)}
	code, why := problem(q)
	switch {
	case code != "":
		p.sendBack(w, r, t, url.Values{"error": {code}, "error_description": {why}})
	case q.Get("prompt") == "none":
		p.silently(w, r, t, q.Get("max_age"))
	default:
		id := rand.Text()
		p.mu.Lock()
		forget(p.trips, func(t trip) bool { return p.cfg.Now().After(t.until) })
		p.trips[id] = t
		p.mu.Unlock()
		p.show(w, http.StatusOK, view{Trip: id})
	}
}

// problem checks everything but client and address.
func problem(q url.Values) (code, why string) {
	for name, values := range q {
		if len(values) > 1 {
			return "invalid_request", "parameter is repeated: " + name
		}
	}
	switch {
	case q.Has("request"), q.Has("request_uri"):
		return "request_not_supported", "request objects are not supported"
	case q.Get("response_type") != "code":
		return "unsupported_response_type", "response_type must be code"
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return "invalid_scope", "the scope openid is required"
	case q.Get("code_challenge_method") != "S256" || !challengePattern.MatchString(q.Get("code_challenge")):
		return "invalid_request", "PKCE with S256 is required"
	}
	return "", ""
}

// silently answers prompt=none: from the session, if it is fresh enough.
func (p *Provider) silently(w http.ResponseWriter, r *http.Request, t trip, maxAge string) {
	s, ok := p.signedIn(r)
	if seconds, err := strconv.Atoi(maxAge); ok && err == nil {
		ok = p.cfg.Now().Sub(s.authTime) <= time.Duration(seconds)*time.Second
	}
	if !ok {
		p.sendBack(w, r, t, url.Values{"error": {"login_required"}})
		return
	}
	p.sendBack(w, r, t, url.Values{"code": {p.newCode(t, s)}})
}

// pick takes the choice: nobody has a password here.
func (p *Provider) pick(w http.ResponseWriter, r *http.Request) {
	id, subject := r.PostFormValue("trip"), r.PostFormValue("subject")
	p.mu.Lock()
	t, ok := p.trips[id]
	delete(p.trips, id)
	_, known := p.person(subject)
	p.mu.Unlock()
	if !ok || p.cfg.Now().After(t.until) {
		p.show(w, http.StatusBadRequest, view{Problem: "This sign-in is too old or was used before. Start again."})
		return
	}
	if !known {
		p.sendBack(w, r, t, url.Values{"error": {"access_denied"}})
		return
	}
	s := session{id: rand.Text(), subject: subject, authTime: p.cfg.Now()}
	p.remember(w, s)
	p.cfg.Log.Info("staff signed in", "subject", subject)
	p.sendBack(w, r, t, url.Values{"code": {p.newCode(t, s)}})
}

func (p *Provider) newCode(t trip, s session) string {
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	t.until = p.cfg.Now().Add(codeLife)
	forget(p.codes, func(a approval) bool { return p.cfg.Now().After(a.until) })
	p.codes[code] = approval{t, s}
	return code
}

// forget drops what is over, so that memory follows what is alive.
func forget[V any](all map[string]V, over func(V) bool) {
	for key, v := range all {
		if over(v) {
			delete(all, key)
		}
	}
}

// sendBack answers the client through the browser, with the issuer (RFC 9207).
func (p *Provider) sendBack(w http.ResponseWriter, r *http.Request, t trip, answer url.Values) {
	answer.Set("iss", p.cfg.Issuer)
	if t.state != "" {
		answer.Set("state", t.state)
	}
	joint := "?"
	if strings.Contains(t.redirectURI, "?") {
		joint = "&"
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, t.redirectURI+joint+answer.Encode(), http.StatusSeeOther)
}

const cookieName = "workforce_session"

func (p *Provider) remember(w http.ResponseWriter, s session) {
	id := rand.Text()
	p.mu.Lock()
	forget(p.sessions, func(s session) bool { return p.cfg.Now().Sub(s.authTime) > sessionLife })
	p.sessions[id], p.last = s, s.id
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/", MaxAge: int(sessionLife / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(p.cfg.Issuer, "https:")})
}

func (p *Provider) signedIn(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return session{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sessions[cookie.Value]
	if _, works := p.person(s.subject); !ok || !works || p.cfg.Now().Sub(s.authTime) > sessionLife {
		return session{}, false
	}
	return s, true
}

// logout ends the session, and sends the browser on where that is registered.
func (p *Provider) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		p.mu.Lock()
		s, ok := p.sessions[cookie.Value]
		delete(p.sessions, cookie.Value)
		p.mu.Unlock()
		if ok {
			p.tellClient(r.Context(), s)
		}
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	to := r.FormValue("post_logout_redirect_uri")
	if to == "" || !slices.Contains(p.cfg.LogoutURIs, to) {
		p.show(w, http.StatusOK, view{Problem: "You are signed out."})
		return
	}
	if state := r.FormValue("state"); state != "" {
		to += "?" + url.Values{"state": {state}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

//go:embed page.html
var pageFile embed.FS

var page = template.Must(template.ParseFS(pageFile, "page.html"))

type view struct {
	Trip    string
	Problem string
	Staff   []Person
}

// show renders the one page. Chromium holds redirects that follow a form to
// form-action, so the client's addresses are named there.
func (p *Provider) show(w http.ResponseWriter, status int, v view) {
	p.mu.Lock()
	v.Staff = slices.Clone(p.staff)
	p.mu.Unlock()
	var body bytes.Buffer
	if err := page.Execute(&body, v); err != nil {
		p.cfg.Log.Error("page cannot be rendered", "error", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"+p.targets())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // no-referrer would make browsers send "Origin: null" with the form
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser has gone: nothing to tell it
}

func (p *Provider) targets() string {
	var s strings.Builder
	for _, address := range p.cfg.RedirectURIs {
		if u, err := url.Parse(address); err == nil {
			s.WriteString(" " + u.Scheme + "://" + u.Host)
		}
	}
	return s.String()
}
