package design

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var token = regexp.MustCompile(`(--[a-z-]+): (#[0-9a-f]{6});`)

// tokens reads the tokens of a scheme.
func tokens(t *testing.T, css string) map[string]colour {
	t.Helper()
	all := make(map[string]colour)
	for _, m := range token.FindAllStringSubmatch(css, -1) {
		c, err := parseColour(m[2])
		if err != nil {
			t.Fatal(err)
		}
		all[m[1]] = c
	}
	return all
}

// schemes are the light tokens of style.css with those of a theme over them,
// and the dark ones.
func schemes(t *testing.T, theme string) map[string]map[string]colour {
	t.Helper()
	start, rest, ok := strings.Cut(string(style), "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("style.css has no dark scheme")
	}
	dark, _, _ := strings.Cut(rest, "}")
	themeLight, themeDark, _ := strings.Cut(theme, "@media")
	all := map[string]map[string]colour{"light": tokens(t, start), "dark": tokens(t, start)}
	for name, css := range map[string][]string{"light": {themeLight}, "dark": {dark, themeDark}} {
		for _, part := range css {
			for k, v := range tokens(t, part) {
				all[name][k] = v
			}
		}
	}
	return all
}

// pairs are the texts and the grounds that they stand on.
var pairs = [][2]string{
	{"--ink", "--ground"}, {"--ink", "--surface"}, {"--soft", "--ground"}, {"--soft", "--surface"},
	{"--accent", "--ground"}, {"--accent", "--surface"}, {"--accent", "--tint"}, {"--accent-strong", "--ground"}, {"--accent-strong", "--surface"},
	{"--on-button", "--button"}, {"--on-button", "--button-strong"},
	{"--stop", "--stop-tint"}, {"--stop", "--surface"}, {"--on-stop", "--stop-strong"}, {"--on-stop", "--stop"}, {"--wait", "--wait-tint"}, {"--ink", "--wait-tint"}, {"--ink", "--tint"},
}

func checkContrasts(t *testing.T, name, theme string) {
	t.Helper()
	for scheme, colours := range schemes(t, theme) {
		for _, p := range pairs {
			text, ok := colours[p[0]]
			ground, ok2 := colours[p[1]]
			if !ok || !ok2 {
				t.Fatalf("%s: %s has no colour for %s", name, scheme, p)
			}
			if got := contrast(text, ground); got < 4.5 {
				t.Errorf("%s, %s: %s on %s has a contrast of %.2f", name, scheme, p[0], p[1], got)
			}
		}
	}
}

func TestOurOwnColoursCanBeRead(t *testing.T) {
	t.Parallel()
	checkContrasts(t, "our own", "")
}

func TestAnyColourCanBeRead(t *testing.T) {
	t.Parallel()
	const step = 51
	for r := 0; r < 256; r += step {
		for g := 0; g < 256; g += step {
			for b := 0; b < 256; b += step {
				name := fmt.Sprintf("#%02x%02X%02x", r, g, b)
				f, err := Theme(name)
				if err != nil {
					t.Fatal(err)
				}
				checkContrasts(t, name, string(f.Content))
			}
		}
	}
}

func TestAThemeKeepsAColourThatCanBeRead(t *testing.T) {
	t.Parallel()
	f, err := Theme("#0b5a54")
	if err != nil {
		t.Fatal(err)
	}
	if light := schemes(t, string(f.Content))["light"]; light["--accent"].String() != "#0b5a54" || light["--button"].String() != "#0b5a54" {
		t.Errorf("a dark green became %v", light)
	}
	yellow, err := Theme("#ffd500")
	if err != nil {
		t.Fatal(err)
	}
	if light := schemes(t, string(yellow.Content))["light"]; light["--button"].String() != "#ffd500" || light["--on-button"] != black {
		t.Errorf("a yellow button became %v", light)
	}
	if f.Version == yellow.Version || f.Type != "text/css; charset=utf-8" {
		t.Errorf("file = %s %s", f.Version, f.Type)
	}
}

func TestOnlyHexIsAColour(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "red", "0b5a54", "#fff", "#0b5a5", "#0b5a545", "#gggggg", "#0b5a54;}body{display:none", "url(x)"} {
		if _, err := Theme(wrong); err == nil {
			t.Errorf("%q is taken for a colour", wrong)
		}
	}
}

// TestFilesStandAlone: nothing is fetched from elsewhere.
func TestFilesStandAlone(t *testing.T) {
	t.Parallel()
	theme, err := Theme("#c8102e")
	if err != nil {
		t.Fatal(err)
	}
	files := Files()
	files["theme"] = theme
	for name, f := range files {
		text := strings.ReplaceAll(string(f.Content), "http://www.w3.org/2000/svg", "")
		for _, sign := range []string{"url(", "@import", "//", "<script", "href"} {
			if strings.Contains(text, sign) {
				t.Errorf("%s has %q in it", name, sign)
			}
		}
	}
}
