package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// What every page is looked at for. A page is put to it by naming it: where a
// test opens, clicks or pictures with a name.

// narrow is what every page must fit into (WCAG 2.2, 1.4.10), zoomed is a
// desktop's window of 1280 at 200 % (1.4.4).
const narrow, zoomed = 320, 640

// picture inspects the page as it stands, and draws it where somebody asked
// for that.
func (b *browser) picture(name string) {
	b.t.Helper()
	b.fits(name)
	for _, scheme := range []string{"light", "dark"} {
		b.show(look{width: narrow, height: b.look.height, scheme: scheme})
		b.accessible(name, scheme)
	}
	b.drawAll(name)
	b.show(b.look)
	here.add(evaluate[seen](b, `({Classes: document.body.className, Title: document.querySelector("h1")?.textContent ?? ""})`))
}

// fits fails the test where somebody would have to scroll sideways.
func (b *browser) fits(name string) {
	b.t.Helper()
	for _, width := range []int64{zoomed, narrow} {
		b.size(width, b.look.height)
		if got := evaluate[int64](b, `document.documentElement.scrollWidth`); got > width {
			b.draw("too-wide")
			b.t.Errorf("%s is %d px wide on a screen of %d", name, got, width)
		}
	}
}

//go:embed testdata/axe/axe.min.js
var axeSource string

// axeRun asks for what WCAG 2.2 demands at levels A and AA, and for axe's own
// best practices.
const axeRun = `axe.run(document, {
	resultTypes: ["violations"], preload: false, rules: %s,
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}).then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => n.target.join(" ") + ": " + n.failureSummary)})))`

// violation is a rule of axe that a page breaks.
type violation struct {
	ID, Help string
	Nodes    []string // where, by selector, and why
}

// accessible fails the test for everything that axe finds.
func (b *browser) accessible(name, scheme string) {
	b.t.Helper()
	for _, v := range b.violations() {
		b.t.Errorf("%s, %s: axe %s: %s\n\t%s", name, scheme, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}

func (b *browser) violations() []violation {
	b.t.Helper()
	if !b.hasAxe {
		b.loadAxe()
	}
	return evaluate[[]violation](b, fmt.Sprintf(axeRun, cmp.Or(b.axeRules, "{}")), chromedp.EvalAwaitPromise)
}

// loadAxe puts axe on every page of the tab from now on. It comes by the
// debugger's door, which no page's policy keeps shut.
func (b *browser) loadAxe() {
	b.t.Helper()
	now := true
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: axeSource, RunImmediately: &now})
	if err != nil {
		b.t.Fatalf("load axe: %v", err)
	}
	b.hasAxe = true
}

// screenshots is the folder for pictures; empty: nobody wants any.
var screenshots = os.Getenv("SCREENSHOTS")

// drawAll draws a page on a phone and on a desktop, in both schemes.
func (b *browser) drawAll(name string) {
	b.t.Helper()
	if screenshots == "" {
		return
	}
	b.step++
	for _, l := range []look{{"phone", 360, 780, "light"}, {"phone-dark", 360, 780, "dark"}, {"desktop", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}} {
		b.show(l)
		b.draw(fmt.Sprintf("%02d-%s-%s", b.step, name, l.name))
	}
}

// draw writes a picture of the whole page.
func (b *browser) draw(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Errorf("picture %s: %v", name, err)
		return
	}
	dir, err := filepath.Abs(cmp.Or(screenshots, filepath.Join("..", "..", "screenshots")))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, b.look.name+"-"+name+".png"), png, 0o644); err != nil {
		b.t.Error(err)
	}
}

// TestAxeFinds what is wrong: without that its silence would say nothing.
func TestAxeFinds(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, look{"axe", 390, 844, "dark"})
	for markup, want := range map[string]string{
		`<main><h1>A</h1><img src="data:,"></main>`:                             "image-alt",
		`<main><h1>A</h1><input></main>`:                                        "label",
		`<main><h1>A</h1><p style="color:#999;background:#fff">grey</p></main>`: "color-contrast",
		`<style>@media (prefers-color-scheme: dark) { p { color: #222; background: #000 } }</style><main><h1>A</h1><p>only dark</p></main>`:                  "color-contrast",
		`<main><h1>A</h1><p><a href="#" style="display:inline-block;height:8px;overflow:hidden">b</a><br><a href="#" style="font-size:5px">c</a></p></main>`: "target-size",
		`<h1>A</h1><p>outside of everything</p>`: "region",
	} {
		b.do("open", chromedp.Navigate(`data:text/html,<!doctype html><html lang="en"><title>x</title>`+strings.ReplaceAll(markup, "#", "%23")))
		var ids []string
		for _, v := range b.violations() {
			ids = append(ids, v.ID)
		}
		if !strings.Contains(strings.Join(ids, " "), want) {
			t.Errorf("axe finds %q in %s, want %s", ids, markup, want)
		}
	}
}
