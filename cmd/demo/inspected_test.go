package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/consentd/consentd/internal/wording"
)

// here are the pages that were inspected, by all tests together.
var here inspected

type inspected struct {
	mu    sync.Mutex
	pages []seen
}

// seen is what a page says it is.
type seen struct{ Classes, Title string }

func (i *inspected) add(s seen) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.pages = append(i.pages, s)
}

// unreached are the wordings that the demonstration's bank and its one app
// cannot bring about. Their pages are those of other endings and errors, in
// other words.
var unreached = []string{
	"result.title.unknown", "result.title.company", "manage.title.none",
	"error.method-not-allowed.title", "error.no-cookie.title", "error.rate-limited.title",
	"access.result.title.unknown", "access.result.title.failed", "access.result.title.bank_down",
	"error.bank-unavailable.title", "error.internal-error.title", "error.foreign-browser.title",
}

// passedBy are the pages that exist and were not inspected: a template of the
// customers' or of the console, or what one of them can say.
func (i *inspected) passedBy() (missing []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for folder, class := range map[string]string{"../../web/templates": "page-", "../../web/staff/templates": "staff page-"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.html"))
		if err != nil || len(files) == 0 {
			return []string{folder + ", where there is no template"}
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".html")
			if !isPart(name) && !slices.ContainsFunc(i.pages, func(s seen) bool { return s.Classes == class+name }) {
				missing = append(missing, file)
			}
		}
	}
	for _, key := range titles() {
		args := []any{app, bank}
		if strings.HasPrefix(key, "access.") {
			args = []any{bank}
		}
		title, err := wording.In("en").Text(key, args...)
		if err != nil || !slices.Contains(unreached, key) && !slices.ContainsFunc(i.pages, func(s seen) bool { return s.Title == title }) {
			missing = append(missing, key)
		}
	}
	return missing
}

// isPart reports whether a template is part of pages and none itself.
func isPart(template string) bool { return template == "layout" || template == "charts" }

var titleKey = regexp.MustCompile(`(?m)^"((?:ask|result|manage|access\.result)\.title\.[\w-]+|[\w-]+\.title|(?:error|reminders)\.[\w-]+\.title)"`)

// titles are the keys of all texts that stand at the top of a page.
func titles() (keys []string) {
	catalogue, err := os.ReadFile("../../internal/wording/en.toml")
	if err != nil {
		return []string{err.Error()}
	}
	for _, m := range titleKey.FindAllSubmatch(catalogue, -1) {
		keys = append(keys, string(m[1]))
	}
	return keys
}
