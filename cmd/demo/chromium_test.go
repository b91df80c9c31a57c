package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// All browser tests share one Chromium. Each has a tab with cookies and a
// cache of its own, so that none knows of another.

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" {
		for _, page := range here.passedBy() {
			fmt.Fprintln(os.Stderr, "no test has inspected", page)
			code = 1
		}
	}
	if ctx, err := chromium(); ctx != nil && err == nil {
		if err := chromedp.Cancel(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "end Chromium:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

var chromium = sync.OnceValues(startChromium)

func startChromium() (context.Context, error) {
	bin, err := findChromium()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(bin), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// One process for what a page frames, so that a test sees into it.
		chromedp.Flag("disable-site-isolation-trials", true), chromedp.Flag("disable-features", "Translate,IsolateOrigins,site-per-process"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...) // ended by TestMain
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no chromium on the PATH; `make test` installs it (Debian: apt-get install chromium)")
}

// browser is a tab of a person's own.
type browser struct {
	t        *testing.T
	look     look
	ctx      context.Context
	step     int
	hasAxe   bool
	axeRules string // that are not for these pages, as axe's options say it
	foreign  foreign
}

// look is a size of screen and a colour scheme. Its name is that of the
// pictures.
type look struct {
	name          string
	width, height int64
	scheme        string
}

func newBrowser(t *testing.T, l look) *browser {
	t.Helper()
	root, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(root, 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &browser{t: t, look: l, ctx: ctx}
	b.focus()
	b.show(l)
	if err := chromedp.Listen(ctx, b.foreign.hear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.foreign.none(t) })
	return b
}

// focus lets the tab believe that it is the one in front.
func (b *browser) focus() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		b.t.Fatal(err)
	}
}

// show takes on a look. Nothing moves, so that what is seen is how it stays.
func (b *browser) show(l look) {
	b.t.Helper()
	b.size(l.width, l.height)
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.do("size", chromedp.EmulateViewport(width, height))
}

// speaks sets the language that the browser asks for.
func (b *browser) speaks(lang string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}}); err != nil {
		b.t.Fatal(err)
	}
}

// withoutScript lets no page run any.
func (b *browser) withoutScript() {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		b.t.Fatal(err)
	}
}
