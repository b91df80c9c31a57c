package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestTheReferenceIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	text, err := os.ReadFile("openapi.yaml")
	w.check(err)
	if r := b.get("/openapi.yaml"); r.text != string(text) || r.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("/openapi.yaml is another than the contract, as %s", r.header.Get("Content-Type"))
	}
	var want, got any
	w.check(yaml.Unmarshal(text, &want))
	w.check(json.Unmarshal([]byte(b.get("/openapi.json").text), &got))
	raw, err := json.Marshal(want)
	w.check(err)
	w.check(json.Unmarshal(raw, &want))
	if !reflect.DeepEqual(got, want) {
		t.Error("/openapi.json says something else than /openapi.yaml")
	}
	page := b.get("/docs")
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox allow-scripts;") || strings.Contains(policy, "connect-src") ||
		!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("policy of /docs = %s", policy)
	}
	files := regexp.MustCompile(`(?:src|href)="(/docs/[^"]+)"`).FindAllStringSubmatch(page.text, -1)
	if len(files) != 3 {
		t.Errorf("/docs has the files %q", files)
	}
	for _, f := range files {
		squeezed, plain := b.get(f[1]), b.do("GET", f[1], "Accept-Encoding", "identity")
		if squeezed.status != http.StatusOK || squeezed.text != plain.text || plain.header.Get("Content-Encoding") != "" || len(plain.text) < 1000 {
			t.Errorf("%s: %d, %d bytes, and %d bytes when not squeezed", f[1], squeezed.status, len(squeezed.text), len(plain.text))
		}
	}
	if r := b.get("/docs/nothing"); r.status != http.StatusNotFound {
		t.Errorf("/docs/nothing = %d", r.status)
	}
}

func TestTheReferenceCanBeLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.noReference = true })
	for _, path := range []string{"/docs", "/docs/reference.js", "/openapi.yaml", "/openapi.json"} {
		if r := w.newBrowser().get(path); r.status != http.StatusNotFound {
			t.Errorf("GET %s = %d", path, r.status)
		}
	}
}
