package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// reply is an answer of the API, or a page.
type reply struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

func (r reply) str(name string) string { s, _ := r.json[name].(string); return s }

// page is what a reader of the source sees, entities resolved.
func (r reply) says(t testing.TB, sentences ...string) {
	t.Helper()
	text := strings.NewReplacer("&#39;", "'", "&amp;", "&", "&#34;", `"`, "&lt;", "<", "&gt;", ">").Replace(r.text)
	for _, s := range sentences {
		if !strings.Contains(text, s) {
			t.Errorf("the page does not say %q:\n%s", s, r.text)
		}
	}
}

// call sends one request of the app with that key. A body that is a string is
// sent as it is, anything else as JSON.
func (w *world) call(key token.Secret, method, path string, body any) reply {
	w.t.Helper()
	var in io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(body)
	default:
		raw, err := json.Marshal(body)
		w.check(err)
		in = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, in)
	w.check(err)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	return w.send(http.DefaultClient, r)
}

func (w *world) send(client *http.Client, r *http.Request) reply {
	w.t.Helper()
	res, err := client.Do(r)
	w.check(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	w.check(err)
	out := reply{status: res.StatusCode, header: res.Header, text: string(raw)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") && bytes.HasPrefix(raw, []byte("{")) {
		if err := json.Unmarshal(raw, &out.json); err != nil {
			w.t.Fatalf("%s %s answered what is not JSON: %v", r.Method, r.URL.Path, err)
		}
	} else {
		w.mu.Lock()
		w.pages = append(w.pages, out.text)
		w.mu.Unlock()
	}
	return out
}

type object = map[string]any

// ask creates a consent and returns its id and the path of its page.
func (w *world) ask(extra object) (id, page string) {
	w.t.Helper()
	body := object{"customer_reference": "customer-canary-1", "bank": "sandbox", "return_to": "done"}
	for k, v := range extra {
		body[k] = v
	}
	r := w.call(w.key, "POST", "/v1/consents", body)
	if r.status != http.StatusCreated {
		w.t.Fatalf("POST /v1/consents = %d %s", r.status, r.text)
	}
	return r.str("id"), strings.TrimPrefix(r.str("page_url"), w.url)
}

// browser is one of a customer's.
type browser struct {
	w      *world
	client *http.Client
	text   string // the version of the page that asked last
}

var textVersion = regexp.MustCompile(`<input type="hidden" name="text" value="([^"]*)">`)

func (w *world) newBrowser() *browser {
	jar, err := cookiejar.New(nil)
	w.check(err)
	return &browser{w: w, text: "none", client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// secret is what the browser is known by.
func (b *browser) secret() string {
	u, _ := url.Parse(b.w.url)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "browser" {
			return c.Value
		}
	}
	return ""
}

func (b *browser) do(method, path string, header ...string) reply {
	b.w.t.Helper()
	var form io.Reader
	if method == http.MethodPost {
		form = strings.NewReader(url.Values{"text": {b.text}}.Encode())
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.url+path, form)
	b.w.check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	reply := b.w.send(b.client, r)
	if m := textVersion.FindStringSubmatch(reply.text); m != nil {
		b.text = m[1]
	}
	return reply
}

func (b *browser) get(path string) reply { b.w.t.Helper(); return b.do("GET", path) }

// press submits a form of our own page.
func (b *browser) press(path string) reply {
	b.w.t.Helper()
	return b.do("POST", path, "Sec-Fetch-Site", "same-origin", "Origin", b.w.url)
}

// toBank opens a page, presses "Continue", and returns where that leads.
func (b *browser) toBank(page string) string {
	b.w.t.Helper()
	if r := b.get(page); r.status != http.StatusOK {
		b.w.t.Fatalf("GET %s = %d", page, r.status)
	}
	r := b.press(page)
	if r.status != http.StatusSeeOther {
		b.w.t.Fatalf("POST %s = %d %s", page, r.status, r.text)
	}
	return r.header.Get("Location")
}

// atBank does what the customer does there, and returns the path that the
// bank sends the browser back to.
func (b *browser) atBank(address string, c sandbox.Customer) string {
	b.w.t.Helper()
	c.Client = &http.Client{Transport: b.w.bankDoor}
	back, err := c.Authorize(b.w.t.Context(), address)
	b.w.check(err)
	return strings.TrimPrefix(back, b.w.url)
}

// visit goes the whole way, and returns the path of the result's page.
func (b *browser) visit(page string, c sandbox.Customer) string {
	b.w.t.Helper()
	r := b.get(b.atBank(b.toBank(page), c))
	if r.status != http.StatusSeeOther {
		b.w.t.Fatalf("callback = %d %s", r.status, r.text)
	}
	return r.header.Get("Location")
}

// granted is a world with a consent that is valid.
func granted(t testing.TB, with ...setting) (w *world, b *browser, id string) {
	t.Helper()
	w = newWorld(t, with...)
	id, page := w.ask(object{"expected_national_id": gudrunID})
	b = w.newBrowser()
	b.visit(page, sandbox.Customer{User: gudrun})
	return w, b, id
}

func (w *world) status(id string) string {
	w.t.Helper()
	return w.call(w.key, "GET", "/v1/consents/"+id, nil).str("status")
}

// wants compares an answer with a status and a problem's code.
func (r reply) wants(t testing.TB, status int, code string) {
	t.Helper()
	if r.status != status || r.str("code") != code {
		t.Fatalf("answer = %d %s\n%s\nwant %d %s", r.status, r.str("code"), r.text, status, code)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	if r.str("type") != "/problems/"+code || r.str("title") == "" || r.str("detail") == "" || r.str("request_id") != r.header.Get("X-Request-Id") {
		t.Errorf("problem is incomplete: %s", r.text)
	}
}

// pointers lists what a problem says is wrong.
func (r reply) pointers() []string {
	var out []string
	list, _ := r.json["errors"].([]any)
	for _, e := range list {
		out = append(out, fmt.Sprint(e.(map[string]any)["pointer"]))
	}
	slices.Sort(out)
	return out
}

var hrefs = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
