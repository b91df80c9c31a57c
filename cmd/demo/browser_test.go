package main

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a step may take on a machine that is busy.
const patience = 10 * time.Second

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fail("%s: %v", what, err)
	}
}

// fail ends the test, with what was to be seen.
func (b *browser) fail(format string, args ...any) {
	b.t.Helper()
	b.t.Logf("the page says:\n%s", b.text())
	b.draw("failed")
	b.t.Fatalf(format, args...)
}

// open goes to an address. With a name the page is inspected.
func (b *browser) open(address, name string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
	b.arrived(name)
}

// click presses what leads to another page.
func (b *browser) click(selector, name string) {
	b.t.Helper()
	if status := b.lead(selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); status >= 500 {
		b.fail("click %s = %d", selector, status)
	}
	b.arrived(name)
}

// lead does what leads to another page, and tells its status.
func (b *browser) lead(what string, step chromedp.Action[chromedp.Void]) int64 {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		b.fail("%s: %v", what, err)
	}
	return res.Status
}

// press presses what stays on the page.
func (b *browser) press(selector string) {
	b.t.Helper()
	b.do("press "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

func (b *browser) fill(selector, value string) {
	b.t.Helper()
	b.do("fill "+selector, chromedp.SetValue(chromedp.CSS(selector), value))
}

func (b *browser) arrived(name string) {
	b.t.Helper()
	b.do("wait", chromedp.WaitVisible(chromedp.CSS("main")))
	if name != "" {
		b.picture(name)
	}
}

func (b *browser) says(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, want := range words {
		if !strings.Contains(text, want) {
			b.fail("page does not say %q", want)
		}
	}
}

// text waits for the page: one that is about to be replaced has no body for a
// moment.
func (b *browser) text() string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body"), chromedp.NodeReady))
	if err != nil {
		b.t.Fatalf("read the page: %v", err)
	}
	return got
}

// evaluate is what an expression says of the page.
func evaluate[T any](b *browser, expression string, options ...chromedp.EvaluateOption) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		b.t.Fatalf("evaluate %s: %v", expression, err)
	}
	return got
}
