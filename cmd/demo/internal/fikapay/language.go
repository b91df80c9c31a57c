package fikapay

import (
	"net/http"

	"golang.org/x/text/language"
)

// languages are those that consentd speaks to customers; our own pages are in
// the first one only.
var languages = []string{"en", "is", "sv"}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Icelandic, language.Swedish})

// languageOf is the one of them that a customer's browser asks for.
func languageOf(r *http.Request) string {
	_, i := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return languages[i]
}
