package wording

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// forms are the texts that a message has, by the plural form.
func forms(m *i18n.Message) map[string]string {
	all := map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other}
	for form, text := range all {
		if text == "" {
			delete(all, form)
		}
	}
	return all
}

var (
	argument = regexp.MustCompile(`%\[\d\][sd]`)
	percent  = regexp.MustCompile(`%[^\[]|%\[\d\][^sd]|%$`)
)

func arguments(text string) string {
	all := argument.FindAllString(text, -1)
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

// TestEveryLanguageHasEveryText in the same forms, with the same arguments.
func TestEveryLanguageHasEveryText(t *testing.T) {
	t.Parallel()
	first := In(languages[0])
	for _, lang := range languages {
		for key := range In(lang).messages {
			if !first.Has(key) {
				t.Errorf("%s has %q, which %s has not", lang, key, first.lang)
			}
		}
		for key, m := range first.messages {
			here := In(lang).messages[key]
			if here == nil {
				t.Errorf("%s has no %q", lang, key)
				continue
			}
			has, want := forms(here), forms(m)
			if len(has) != len(want) || has["other"] == "" || (want["one"] == "") != (has["one"] == "") {
				t.Errorf("%s: %q has the forms %v", lang, key, has)
			}
			for form, text := range has {
				if arguments(text) != arguments(m.Other) {
					t.Errorf("%s: %q (%s) has the arguments %q, want %q", lang, key, form, arguments(text), arguments(m.Other))
				}
				if percent.MatchString(text) || strings.Contains(text, "{{") || strings.ContainsAny(text, "<>&\n") || strings.TrimSpace(text) != text {
					t.Errorf("%s: %q is not plain text: %q", lang, key, text)
				}
			}
		}
	}
}

// sameEverywhere are the texts that may read alike in two languages.
var sameEverywhere = []string{"national_id.kennitala", "national_id.personnummer"}

func TestNothingIsLeftUntranslated(t *testing.T) {
	t.Parallel()
	for i, lang := range languages {
		for _, other := range languages[i+1:] {
			for key, m := range In(lang).messages {
				if m.Other == In(other).messages[key].Other && !slices.Contains(sameEverywhere, key) {
					t.Errorf("%q is %q in both %s and %s", key, m.Other, lang, other)
				}
			}
		}
	}
}

// jargon are the words of the trade, and what they are in our languages.
var jargon = regexp.MustCompile(`(?i)\b(o?auth2?|openid|scopes?|tokens?|grant(s|ed|ing)?|consents?|authori[sz]\w*|revoke\w*|psu|tpp|aspsp|` +
	`samtycke\w*|behörighet\w*|tredjepart\w*|auktoris\w*|token\w*|` +
	`samþykki\w*|tóki\w*|tókar\w*|umboð\w*|auðkenning\w*|þriðji aðili)(\PL|$)`)

func TestPlainWords(t *testing.T) {
	t.Parallel()
	for _, lang := range languages {
		for key, m := range In(lang).messages {
			for _, text := range forms(m) {
				if word := jargon.FindString(text); word != "" {
					t.Errorf("%s: %q says %q", lang, key, word)
				}
			}
		}
	}
	for _, said := range []string{"Give consent.", "the token", "Ge ditt samtycke", "OAuth"} {
		if !jargon.MatchString(said) {
			t.Errorf("%q passes", said)
		}
	}
}

// declines are words after which Icelandic would decline a name.
var declines = regexp.MustCompile(`(?i)(^|\PL)(af|á|frá|fyrir|handa|hjá|í|til|um|úr|við) %\[[12]\]s`)

func TestIcelandicDeclinesNoNames(t *testing.T) {
	t.Parallel()
	for key, m := range In("is").messages {
		for _, text := range forms(m) {
			if found := declines.FindString(text); found != "" {
				t.Errorf("%q has a name after a preposition: %q", key, found)
			}
		}
	}
	if !declines.MatchString("Ekki fleiri áminningar um %[1]s") {
		t.Error("a name after a preposition passes")
	}
}

var (
	quoted = regexp.MustCompile("\"([a-z_]+(?:\\.[a-z_0-9-]*)*)\"")
	called = regexp.MustCompile(`(?:\bt |\btn |\.must\(|\.Text\(|\.Count\()"([a-z_0-9.-]+)"(\+|\))?`)
)

// source is what code and templates say, by file, of those that use texts.
func source(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join("..", "..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".html"}, filepath.Ext(path)) {
				return err
			}
			b, err := os.ReadFile(path)
			all[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestEveryTextIsUsed keeps the catalogue from growing what nobody reads. A
// key counts as used where code or a template has it in quotes, or has in
// quotes what it starts with, up to a dot.
func TestEveryTextIsUsed(t *testing.T) {
	t.Parallel()
	mails := false
	used := make(map[string]bool)
	for path, text := range source(t, "web", "notify") {
		mails = mails || strings.Contains(path, "notify") && strings.Contains(text, "internal/wording")
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	for key := range In(languages[0]).messages {
		if strings.HasPrefix(key, "mail.") && !mails {
			continue // as long as mails are worded elsewhere
		}
		ok := used[key]
		for i, r := range key {
			ok = ok || r == '.' && used[key[:i+1]]
		}
		if !ok {
			t.Errorf("nobody uses %q", key)
		}
	}
}

// TestEveryTextThatIsUsedIsThere finds misspelled keys without rendering.
func TestEveryTextThatIsUsedIsThere(t *testing.T) {
	t.Parallel()
	x, found := In(languages[0]), 0
	for path, text := range source(t, "web", "notify") {
		for _, m := range called.FindAllStringSubmatch(text, -1) {
			found++
			isStart := strings.HasSuffix(m[1], ".") && len(x.Wording(m[1])) > 0
			if !x.Has(m[1]) && !isStart {
				t.Errorf("%s uses %q, which is not there", path, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("%d uses were found, so this test looks in the wrong place", found)
	}
}
