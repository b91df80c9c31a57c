package web

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/wording"
)

// These tests are inside the package to see every page that there can be,
// also those that take a coincidence to reach.

// everyView is what pages can be shown with, by page.
func everyView(name string) map[string][]any {
	shown := map[string][]any{"home": {door{}, door{App: name, ToApp: "https://shop.test/"}}}
	for _, kind := range []string{"new", "fresh", "renew", "again"} {
		for _, days := range []int{1, 21, 90} {
			toApp := map[string]string{"fresh": "https://shop.test/"}[kind]
			shown["ask"] = append(shown["ask"], askPage{ToApp: toApp, Version: "v", App: name, Bank: name, Kind: kind, May: []string{name}, MayNot: []string{name},
				Until: name, Days: days, OnlineBank: days > 1, WorksUntil: name, Left: bar{Days: days, Of: 90}})
		}
	}
	for _, ending := range []consent.Ending{consent.EndConnected, consent.EndRenewed, consent.EndUnconfirmed, consent.EndCancelled, consent.EndLeftOut,
		consent.EndWrongPerson, consent.EndNoIdentity, consent.EndCompany, consent.EndBankDown, consent.EndFailed, consent.EndUnknown} {
		for _, yes := range []bool{true, false} {
			shown["result"] = append(shown["result"], resultPage{App: name, Bank: name, Ending: ending, Good: yes, CanRetry: !yes, Missing: []string{name},
				Until: name, Left: bar{Days: 12, Of: 90}, StillWorks: yes, OnlineBank: yes, Self: "/back/x"})
		}
	}
	for _, state := range []string{"valid", "renewed", "expired", "refused", "stopped", "none"} {
		for _, told := range []string{"", "wait", "confirmed", "unsupported", "failed"} {
			for _, by := range []string{"customer", "app", "staff"} {
				use := map[bool]string{true: consent.UsePayments, false: consent.UseAccount}[by == "app"]
				v := managePage{Use: use, App: name, Bank: name, State: state, By: by, May: []string{name}, Until: name, Ended: name, Told: told,
					Again: by == "app", OnlineBank: by == "app", ToApp: "https://shop.test/"}
				if state == "valid" || state == "renewed" {
					v.Left = bar{Days: 1 + len(told), Of: 90}
					shown["stop"] = append(shown["stop"], v)
				}
				shown["manage"] = append(shown["manage"], v)
			}
		}
	}
	banks := []bankButton{{ID: "a", Name: name}, {ID: "b", Name: name}}
	shown["manage"] = append(shown["manage"], managePage{App: name, Bank: name, State: "valid", Until: name, Left: bar{Days: 3, Of: 90}, All: true,
		History: []historyLine{{Day: name, Text: name}}}, managePage{App: name, Bank: name, State: "expired", Until: name, More: true, Use: consent.UsePayments})
	card := accessCard{ID: "cns_x", App: name, Bank: name, May: []string{name}, Given: name, Until: name, Left: bar{Days: 1, Of: 90}, Used: name, Renewable: true, OnlineBank: true}
	ended := []accessCard{{App: name, Bank: name, State: "expired", Until: name}, {App: name, Bank: name, State: "refused", Ended: name},
		{App: name, Bank: name, State: "stopped", By: "customer", Ended: name}, {App: name, Bank: name, State: "stopped", By: "app", Ended: name},
		{App: name, Bank: name, State: "stopped", By: "staff", Ended: name}}
	shown["access"] = []any{accessPage{App: name, Banks: banks}, accessPage{Bank: name}, accessPage{Bank: name, Later: true},
		accessPage{App: name, Now: []accessCard{card, {App: name, Bank: name, Until: name, Left: card.Left}}, Ended: ended, More: "/access?from=x", Later: true, Banks: banks}}
	for _, note := range []string{"", noteEnded, noteOut} {
		shown["access-in"] = append(shown["access-in"], wayInPage{Note: note, Banks: banks}, wayInPage{Note: note, door: door{App: name, ToApp: "https://shop.test/"}})
	}
	shown["access-link"] = []any{accessLinkPage{App: name}}
	for _, ending := range []consent.Ending{consent.EndCancelled, consent.EndNobody, consent.EndBankDown, consent.EndFailed, consent.EndUnknown} {
		shown["access-result"] = append(shown["access-result"], signInPage{Bank: name, Ending: ending})
	}
	shown["reminders"] = []any{remindersPage{App: name}, remindersPage{App: name, Off: true}}
	for _, a := range answers {
		if wording.In("en").Has("error." + a.code + ".title") {
			view := errorView{Code: a.code, Reload: a.retry > 0, door: door{App: name, ToApp: "https://shop.test/"}}
			shown["error"] = append(shown["error"], view, errorView{Code: a.code})
		}
	}
	return shown
}

func rendered(t *testing.T, e *edition, page string, view any) string {
	t.Helper()
	shell := shell{Page: view, Name: page, Reference: "r1", Languages: []languageLink{{Lang: "en", Name: "English", Here: true}, {Lang: "is", Name: "Íslenska"}}}
	out, err := e.render(page, shell)
	if err != nil {
		t.Fatalf("%s in %s with %+v: %v", page, e.Lang(), view, err)
	}
	return string(out)
}

func newTestPages(t *testing.T) *pages {
	t.Helper()
	p, err := newPages("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWhoNeverPaidReadsNothingOfPayments that no longer work.
func TestWhoNeverPaidReadsNothingOfPayments(t *testing.T) {
	t.Parallel()
	e := newTestPages(t).in("en")
	for _, use := range []string{consent.UsePayments, consent.UseAccount} {
		for page, view := range map[string]managePage{"manage": {State: "stopped", By: "customer", Use: use}, "stop": {State: "valid", Use: use, Left: bar{Days: 3, Of: 90}}} {
			text := rendered(t, e, page, view)
			if strings.Contains(text, "ayments through") != (use == consent.UsePayments) || strings.Contains(text, "use your account") != (use == consent.UseAccount) {
				t.Errorf("%s of an access to %s:\n%s", page, use, text)
			}
		}
	}
}

func TestEveryPageRenders(t *testing.T) {
	t.Parallel()
	p := newTestPages(t)
	for page, views := range everyView(`<script>"'&%s %[9]d`) {
		for _, view := range views {
			for _, e := range p.editions {
				text := rendered(t, e, page, view)
				for _, bad := range []string{"<script", "%!", "%[1]", " style=", "<style", "javascript:", " on", "no value"} {
					if at := strings.Index(text, bad); at >= 0 && (bad != " on" || regexp.MustCompile(` on\w+=`).MatchString(text)) {
						t.Errorf("%s in %s with %+v has %q:\n%s", page, e.Lang(), view, bad, text)
					}
				}
				checkMarkup(t, page+" in "+e.Lang(), text)
			}
		}
	}
	for _, a := range answers {
		if !wording.In("en").Has("error."+a.code+".title") && a.title == "" {
			t.Errorf("no page says what %s is", a.code)
		}
	}
}

var voidElements = []string{"meta", "link", "input", "br", "img", "rect"}

// checkMarkup looks for elements that are not closed in the order in which
// they were opened, for more or less than one main heading, for buttons and
// links that say nothing, and for ids that stand twice.
func checkMarkup(t *testing.T, name, page string) {
	t.Helper()
	var open []string
	headings, said := 0, map[string]string{}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			if len(open) > 0 || headings != 1 {
				t.Errorf("%s: %v is not closed, or there are %d main headings", name, open, headings)
			}
			return
		case html.TextToken:
			for _, element := range open {
				said[element] += strings.TrimSpace(token.Data)
			}
		case html.StartTagToken:
			if token.Data == "h1" {
				headings++
			}
			if !slices.Contains(voidElements, token.Data) {
				open, said[token.Data] = append(open, token.Data), ""
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("%s: </%s> closes %v", name, token.Data, open)
			}
			open = open[:len(open)-1]
			if slices.Contains([]string{"a", "button", "h1", "h2", "li", "title"}, token.Data) && said[token.Data] == "" {
				t.Errorf("%s: <%s> says nothing", name, token.Data)
			}
		}
	}
}

// sentences are what a page says, without what all languages share.
func sentences(page string) []string {
	var all []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return all
		case html.TextToken:
			if s := strings.TrimSpace(string(z.Text())); len(s) > 3 && s != "English" && s != "Íslenska" {
				all = append(all, s)
			}
		}
	}
}

// TestNoEnglishIsLeft compares each page with the same one in the other
// languages.
func TestNoEnglishIsLeft(t *testing.T) {
	t.Parallel()
	p := newTestPages(t)
	for page, views := range everyView("X") {
		for _, view := range views {
			said := make(map[string]string)
			for lang, e := range p.editions {
				for _, s := range sentences(rendered(t, e, page, view)) {
					if first := said[s]; first != "" && first != lang {
						t.Errorf("%s says %q in %s and in %s", page, s, first, lang)
					}
					said[s] = lang
				}
			}
		}
	}
}

func TestVersionsNameTheWording(t *testing.T) {
	t.Parallel()
	p := newTestPages(t)
	seen := make(map[string]bool)
	for lang, e := range p.editions {
		if !strings.HasPrefix(e.askVersion, lang+"-") || seen[e.askVersion] || !p.askedBy(e.askVersion) {
			t.Errorf("%s has the version %q", lang, e.askVersion)
		}
		seen[e.askVersion] = true
	}
	for _, unknown := range []string{"", "en", "en-000000000000", fmt.Sprint(p.editions["en"].askVersion, " ")} {
		if p.askedBy(unknown) {
			t.Errorf("%q counts as a version of ours", unknown)
		}
	}
}

// TestTheFirstPageIsSmall with all that it needs: on a phone in a tunnel.
func TestTheFirstPageIsSmall(t *testing.T) {
	t.Parallel()
	p, err := newPages("", []AppKeys{{App: consent.App{ID: "shop"}, Colour: "#c8102e"}})
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, f := range p.files {
		files += len(f.Content)
	}
	for _, view := range everyView("A name of some length")["ask"] {
		if all := files + len(rendered(t, p.editions["is"], "ask", view)); all > 50_000 {
			t.Errorf("the first page takes %d bytes", all)
		}
	}
}

// TestTheDomainKnowsTheSameLanguages as the catalogue of texts.
func TestTheDomainKnowsTheSameLanguages(t *testing.T) {
	t.Parallel()
	if !slices.Equal(consent.Languages, wording.Languages()) {
		t.Errorf("apps can ask for %v, and texts are in %v", consent.Languages, wording.Languages())
	}
}
