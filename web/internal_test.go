package web

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/wording"
)

func TestTooOldOffersAWayOn(t *testing.T) {
	t.Parallel()
	p, err := newPages("", nil)
	if err != nil {
		t.Fatal(err)
	}
	shop := AppKeys{App: consent.App{ID: "shop", Name: "Shop", ReturnURLs: map[string]string{"b": "https://b.test/x", "a": "https://a.test/done?x=1"}}}
	other := AppKeys{App: consent.App{ID: "other", Name: "Other", ReturnURLs: map[string]string{"done": "https://other.test/"}}}
	for _, test := range []struct {
		apps  []AppKeys
		visit string // the cookie
		code  string
		want  bool
	}{
		{[]AppKeys{shop}, "", "link-gone", true}, {[]AppKeys{shop}, "", "mail-link-gone", true}, {[]AppKeys{shop}, "", "forged-return", true},
		{[]AppKeys{shop}, "", "not-found", true}, {[]AppKeys{shop}, "", "internal-error", true}, {[]AppKeys{shop}, "", "bank-unavailable", false},
		{[]AppKeys{shop, other}, "", "link-gone", false}, {[]AppKeys{shop, other}, "shop.is", "link-gone", true}, {[]AppKeys{shop, other}, "gone.is", "link-gone", false},
	} {
		s := &server{c: Config{Apps: test.apps}, pages: p}
		s.c.PublicURL = &url.URL{Scheme: "https", Host: "consentd.test"}
		rec, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-visit", Value: test.visit})
		c := &call{Context: echo.New().NewContext(r, rec)}
		if err := s.errorPage(c, answerFor(test.code)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(rec.Body.String(), `href="https://a.test/"`); got != test.want {
			t.Errorf("%s with %d apps after %q leads to the app: %v, want %v", test.code, len(test.apps), test.visit, got, test.want)
		}
	}
}

// TestTheCauseIsLoggedAndNotTold of an answer that says it was our fault.
func TestTheCauseIsLoggedAndNotTold(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &server{service: nil, log: slog.New(slog.NewTextHandler(&log, nil))}
	rec := httptest.NewRecorder()
	c := &call{Context: echo.New().NewContext(httptest.NewRequest("GET", "/", nil), rec), isAPI: true, requestID: "r1"}
	s.fail(c, fmt.Errorf("hand out: %w", &consent.Refusal{Err: consent.ErrBankUnavailable, Why: errors.New("dial-canary")}))
	if body := rec.Body.String(); rec.Code != 503 || strings.Contains(body, "canary") || !strings.Contains(body, `"code":"bank-unavailable"`) {
		t.Errorf("answer = %d %s", rec.Code, body)
	}
	if got := log.String(); !strings.Contains(got, "error=dial-canary") || !strings.Contains(got, "code=bank-unavailable") {
		t.Errorf("log = %s", got)
	}
}

func TestLastDay(t *testing.T) {
	t.Parallel()
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	x := texts{wording.In("en")}
	for _, test := range []struct {
		end  time.Time
		zone *time.Location
		want string
	}{
		{time.Date(2027, 3, 3, 14, 5, 0, 0, time.UTC), nil, "3 March 2027"},
		{time.Date(2027, 3, 3, 0, 0, 0, 0, time.UTC), nil, "2 March 2027"},
		{time.Date(2027, 3, 3, 23, 0, 0, 0, time.UTC), stockholm, "3 March 2027"},
		{time.Date(2027, 3, 3, 23, 0, 1, 0, time.UTC), stockholm, "4 March 2027"},
		{time.Time{}, nil, ""},
	} {
		if got := x.lastDay(test.end, consent.Bank{Clock: consent.Clock{Zone: test.zone}}); got != test.want {
			t.Errorf("lastDay(%s, %v) = %q, want %q", test.end, test.zone, got, test.want)
		}
	}
}

// TestTheReferenceListsEveryProblem keeps docs/api.md true.
func TestTheReferenceListsEveryProblem(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if row := fmt.Sprintf("| `%s` | %d |", a.code, a.status); a.title != "" && !strings.Contains(string(doc), row) {
			t.Errorf("docs/api.md has no row %s", row)
		}
	}
	for line := range strings.Lines(string(doc)) {
		var code string
		var status int
		if n, _ := fmt.Sscanf(strings.ReplaceAll(line, "`", " "), "| %s | %d |", &code, &status); n == 2 && answerFor(code).status != status {
			t.Errorf("docs/api.md has %s as %d, which it is not", code, status)
		}
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":"x","b":{"c":["y"]},"n":1,"t":"2027-01-01T00:00:00Z"}`, `{"a":1,"a":2,"~/":null}`, `[`, `"`, "\xff"} {
		f.Add([]byte(seed))
	}
	bodies, err := jsonBodies()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := checkSyntax(body); err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("checkSyntax = %v", err)
			}
			return
		}
		for _, known := range bodies {
			var wrong consent.Invalid
			known.schema.check(&wrong, "", bytes.TrimSpace(body))
		}
	})
}

func FuzzArrival(f *testing.F) {
	f.Add("code=a&state=b&iss=c")
	f.Add("state=a&state=b")
	f.Fuzz(func(t *testing.T, query string) {
		if _, err := readArrival(query); err != nil && !errors.Is(err, consent.ErrForgedReturn) {
			t.Errorf("readArrival = %v", err)
		}
	})
}
