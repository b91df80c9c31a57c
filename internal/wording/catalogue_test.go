package wording

import (
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
