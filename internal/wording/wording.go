// Package wording is everything that customers read, on pages and in mails,
// in one catalogue a language: en.toml, is.toml and sv.toml.
//
// Every language has every text, so nothing falls back to another one: a text
// that is missing is an error, and a test fails before that. Arguments are
// numbered, %[1]s, because languages order words differently. Where a number
// decides the form of words, CLDR's rules choose it: in Icelandic 21 days are
// "21 dagur".
//
// Texts are plain text. They know no markup and escape nothing.
package wording

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/go-playground/locales"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/is"
	"github.com/go-playground/locales/sv"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.toml
var files embed.FS

// calendars are the languages, and how each writes dates.
var calendars = map[string]locales.Translator{"en": en_GB.New(), "is": is.New(), "sv": sv.New()}

// languages has the default first.
var languages = []string{"en", "is", "sv"}

// Languages are those that customers can be spoken to in, by their BCP 47
// tag. The first is the default.
func Languages() []string { return slices.Clone(languages) }

// Texts are all texts in one language.
type Texts struct {
	lang     string
	messages map[string]*i18n.Message
	choose   *i18n.Localizer
}

var catalogue = load()

// load reads the files that are part of the program: one that cannot be read
// is a mistake of ours, which every test would meet.
func load() map[string]Texts {
	all := make(map[string]Texts, len(languages))
	for _, lang := range languages {
		name := lang + ".toml"
		content, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		bundle := i18n.NewBundle(language.Make(lang))
		bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
		file, err := bundle.ParseMessageFileBytes(content, name)
		if err != nil {
			panic(fmt.Sprintf("wording: %s: %v", name, err))
		}
		x := Texts{lang: lang, messages: make(map[string]*i18n.Message), choose: i18n.NewLocalizer(bundle, lang)}
		for _, m := range file.Messages {
			x.messages[m.ID] = m
		}
		all[lang] = x
	}
	return all
}

// In gives the texts in a language; the default's where we do not speak it.
func In(lang string) Texts {
	if x, ok := catalogue[lang]; ok {
		return x
	}
	return catalogue[languages[0]]
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Icelandic, language.Swedish})

// Best is the language of ours that fits a header Accept-Language best.
func Best(acceptLanguage string) string {
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return languages[0]
	}
	_, i, confidence := matcher.Match(tags...)
	if confidence < language.High {
		return languages[0] // x/text would give Danes Swedish, or Faroese speakers Icelandic
	}
	return languages[i]
}

// Lang is the language's BCP 47 tag. The zero value has none.
func (x Texts) Lang() string { return x.lang }

// Has reports whether there is such a text.
func (x Texts) Has(key string) bool { return x.messages[key] != nil }

// Text is the text with a key.
func (x Texts) Text(key string, args ...any) (string, error) {
	m := x.messages[key]
	if m == nil {
		return "", fmt.Errorf("wording: no text %q in %q", key, x.lang)
	}
	return fill(m.Other, args), nil
}

// Count is the text with a key in the form that goes with n. In the text
// %[1]d is n, and args are counted from %[2]s.
func (x Texts) Count(key string, n int, args ...any) (string, error) {
	if !x.Has(key) {
		return "", fmt.Errorf("wording: no text %q in %q", key, x.lang)
	}
	form, err := x.choose.Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n})
	if err != nil {
		return "", fmt.Errorf("wording: %q with %d in %q: %w", key, n, x.lang, err)
	}
	return fill(form, append([]any{n}, args...)), nil
}

// fill leaves a text without arguments as it is: fmt would complain of those
// that it has no use for.
func fill(text string, args []any) string {
	if !strings.Contains(text, "%[") {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Day writes out the day of a moment in a time zone, without the weekday:
// "3 March 2027", "3. mars 2027", "3 mars 2027". No zone means UTC.
func (x Texts) Day(at time.Time, zone *time.Location) string {
	if zone == nil {
		zone = time.UTC
	}
	return calendars[x.lang].FmtDateLong(at.In(zone))
}

// Wording is all texts whose keys have one of the prefixes, in a fixed order:
// what the version of a wording is computed from.
func (x Texts) Wording(prefixes ...string) []byte {
	var lines []string
	for key, m := range x.messages {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) {
			lines = append(lines, key+"="+m.One+"|"+m.Other)
		}
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n"))
}
