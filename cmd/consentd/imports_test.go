package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/consentd/consentd"

// Packages that have one place in the house each (design.md).
const (
	echo      = "github.com/labstack/echo"
	goRedis   = "github.com/redis/go-redis"
	cron      = "github.com/robfig/cron"
	miniredis = "github.com/alicebob/miniredis"
	chromedp  = "github.com/chromedp"
	oauth2    = "golang.org/x/oauth2"
	scs       = "github.com/alexedwards/scs"
	openapi   = "github.com/getkin/kin-openapi"
	swaggerUI = "github.com/swaggest/swgui"
)

// goPackage is what go list tells of a package, without its tests.
type goPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

// packages are ours and all that they need, by import path.
var packages = sync.OnceValues(func() (map[string]goPackage, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", "../../...")
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	all := make(map[string]goPackage)
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all[p.ImportPath] = p
	}
})

func listed(t *testing.T) map[string]goPackage {
	t.Helper()
	all, err := packages()
	must(t, err)
	return all
}

// below reports whether path is a package in or under root.
func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// ours turns "consent" into its import path.
func ours(dir string) string { return module + "/" + dir }

func TestInnerPackagesKnowNoServer(t *testing.T) {
	t.Parallel()
	all := listed(t)
	for _, dir := range []string{"consent", "token", "notify", "config"} {
		p := all[ours(dir)]
		if p.ImportPath == "" {
			t.Fatalf("there is no package %s", dir)
		}
		for _, dep := range p.Deps {
			for _, banned := range []string{echo, goRedis, cron, miniredis, ours("web"), ours("sandbox"), ours("cmd"), ours("internal"), oauth2, "net/http"} {
				if dir == "notify" && dep == ours("internal/wording") {
					continue // texts alone
				}
				if below(dep, banned) {
					t.Errorf("%s links %s", dir, dep)
				}
			}
		}
	}
}

// TestEachLibraryHasItsPlace looks at direct imports.
func TestEachLibraryHasItsPlace(t *testing.T) {
	t.Parallel()
	places := map[string][]string{
		echo:                       {"web", "internal_deps"},
		goRedis:                    {"consent/redisstore", "cmd", "internal_deps"},
		cron:                       {"consent/schedule", "internal_deps"},
		miniredis:                  {"consent/redisstore/redistest", "cmd/demo", "internal_deps"},
		chromedp:                   {"internal_deps"},
		openapi:                    {"internal_deps"},
		swaggerUI:                  {"web", "internal_deps"},
		ours("sandbox"):            {"sandbox", "cmd/demo", "cmd/sandboxbank"},
		ours("web"):                {"cmd", "web"},
		ours("token/oauthbank"):    {"cmd"},
		ours("internal"):           {"internal", "notify/webhook", "token/oauthbank", "notify", "web"},
		ours("internal/publicnet"): {"internal", "notify/webhook", "token/oauthbank"},
		ours("internal/wording"):   {"notify", "web"},
		ours("internal/jwks"):      {"token/oauthbank", "web/staff/provider", "web/workload"},
		oauth2:                     {"token/oauthbank", "web/staff/provider", "sandbox", "client", "internal_deps"},
		scs:                        {"web/staff", "internal_deps"},
		ours("cmd"):                {"cmd"},
	}
	for path, p := range listed(t) {
		if !below(path, module) {
			continue
		}
		for _, imported := range p.Imports {
			for library, allowed := range places {
				if below(imported, library) && !slices.ContainsFunc(allowed, func(dir string) bool { return below(path, ours(dir)) }) {
					t.Errorf("%s imports %s; only %v may", path, imported, allowed)
				}
			}
		}
	}
}

func TestWhoStandsAlone(t *testing.T) {
	t.Parallel()
	all := listed(t)
	for _, dir := range []string{"config", "sandbox", "token"} {
		for _, dep := range all[ours(dir)].Deps {
			if below(dep, module) && !below(dep, ours(dir)) {
				t.Errorf("%s imports %s of ours", dir, dep)
			}
		}
	}
	for _, dep := range all[ours("internal/wording")].Deps {
		if below(dep, module) || dep == "net/http" {
			t.Errorf("internal/wording links %s; it needs texts alone", dep)
		}
	}
	for _, dep := range all[ours("internal/jwks")].Deps {
		if below(dep, module) || dep == "net/http" {
			t.Errorf("internal/jwks links %s; it reads keys and fetches none", dep)
		}
	}
	for _, dep := range all[ours("consent")].Deps {
		if below(dep, module) && dep != ours("token") {
			t.Errorf("consent imports %s; of ours it needs token alone", dep)
		}
	}
}

// TestClientIsLight: a payment service that imports our client takes in
// nothing of consentd, and next to nothing of others.
func TestClientIsLight(t *testing.T) {
	t.Parallel()
	light := []string{"golang.org/x/oauth2", "golang.org/x/oauth2/internal", "golang.org/x/sync/singleflight",
		"github.com/standard-webhooks/standard-webhooks/libraries/go"}
	all := listed(t)
	for _, dir := range []string{"client", "client/clienttest"} {
		p := all[ours(dir)]
		if p.ImportPath == "" {
			t.Fatalf("there is no package %s", dir)
		}
		for _, dep := range p.Deps {
			host, _, _ := strings.Cut(dep, "/")
			if strings.Contains(host, ".") && !slices.Contains(light, dep) && dep != ours("client") {
				t.Errorf("%s links %s", dir, dep)
			}
		}
	}
	for path, p := range all {
		if slices.Contains(p.Imports, ours("client")) && !below(path, ours("client")) && !below(path, ours("cmd")) {
			t.Errorf("%s imports client, which is for payment services", path)
		}
	}
}

func TestProductionLinksNoToys(t *testing.T) {
	t.Parallel()
	for _, dep := range listed(t)[ours("cmd/consentd")].Deps {
		for _, toy := range []string{ours("sandbox"), ours("client"), miniredis, chromedp, openapi, "testing", "net/http/httptest", ours("consent/redisstore/redistest")} {
			if below(dep, toy) {
				t.Errorf("cmd/consentd links %s", dep)
			}
		}
	}
}

// TestEchoIsNewEnough: older ones have known holes.
func TestEchoIsNewEnough(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../go.mod")
	must(t, err)
	m := regexp.MustCompile(`labstack/echo/v4 v4\.(\d+)\.`).FindSubmatch(text)
	if m == nil {
		t.Fatal("go.mod does not name Echo v4")
	}
	if minor, err := strconv.Atoi(string(m[1])); err != nil || minor < 16 {
		t.Errorf("Echo is v4.%s, want v4.16 or later", m[1])
	}
}
