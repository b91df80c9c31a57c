package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// swaggerBreaks are the rules that the markup of Swagger UI breaks, which is
// not ours to mend: who cannot read it has docs/api.md. All others hold.
const swaggerBreaks = `{
	"color-contrast": {enabled: false}, "nested-interactive": {enabled: false},
	"target-size": {enabled: false}, "page-has-heading-one": {enabled: false},
}`

// TestReferenceInBrowser shows the API's reference, which is cut off from the
// pages that it stands beside and fetches nothing from elsewhere.
func TestReferenceInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"reference", 1280, 900, "light"})
	b.do("open", chromedp.Navigate(w.at.consentd+"/docs"), chromedp.WaitVisible(chromedp.CSS(".opblock")))
	b.axeRules = swaggerBreaks
	b.picture("reference")
	b.says("Ask for a consent", "Get an access token", "Forget a customer")
	for what, script := range map[string]string{
		"operations that are shown":           `document.querySelectorAll(".opblock").length >= 14`,
		"an origin of its own":                `window.origin === "null"`,
		"a lock before the customers' cookie": `(() => { try { return document.cookie === "never" } catch (e) { return true } })()`,
		"a page without errors":               `document.querySelectorAll(".errors-wrapper").length === 0`,
	} {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](script)); err != nil || !ok {
			t.Errorf("the reference lacks %s (%v)", what, err)
		}
	}
	fetched, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`performance.getEntriesByType("resource").map(e => e.name)`))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := url.Parse(w.at.consentd)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range fetched {
		if u, err := url.Parse(address); err != nil || (u.Scheme != "data" && u.Host != ours.Host) {
			t.Errorf("the reference fetched %s", address)
		}
	}
	if !slices.ContainsFunc(fetched, func(a string) bool { return strings.HasSuffix(a, "/docs/reference.js") }) {
		t.Errorf("the reference fetched %q, and not its script", fetched)
	}
}
