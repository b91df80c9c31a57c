package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look is a size of screen and a colour scheme.
type look struct {
	name          string
	width, height int64
	scheme        string
}

// narrow is what every page must fit into (WCAG 2.2, 1.4.10).
const narrow = 320

// TestCustomerInBrowser plays the customer from the payment service's page to
// the paid result in a real Chromium, whose rules about forms, cookies and
// redirects no client of ours has.
func TestCustomerInBrowser(t *testing.T) {
	t.Parallel()
	for _, l := range []look{
		{"phone", 390, 844, "light"},
		{"desktop", 1280, 900, "light"},
		{"desktop-dark", 1280, 900, "dark"},
	} {
		t.Run(l.name, func(t *testing.T) {
			w := newWorld(t)
			b := newBrowser(t, l)
			b.open(w.at.shop, "who")
			b.click(`button[value="JONGUNARS"]`, "home-unconnected")
			b.click(`form[action="/connect"] button`, "consentd-ask")
			b.click(`form.steps button`, "bank-login")
			b.fill(`#username`, jon)
			b.fill(`#password`, "any")
			b.click(`button[value="login"]`, "bank-permissions")
			b.click(`button[value="approve"]`, "consentd-back")
			b.click(`.steps a.button`, "home-connected")
			b.says("Connected", "90 of 90 days left")
			b.click(`form[action="/pay"] button`, "paid")
			b.says("Paid 10 ISK to Guðrún", "ACCC")
			b.press(`summary`)
			b.picture("paid-details")
			b.click(`.steps a.button`, "home-after")
			b.click(`form[action="/stage/token"] button`, "token-ended")
			b.click(`form[action="/pay"] button`, "paid-again")
			b.says("Paid 10 ISK to Guðrún", "refreshed at the bank")
			b.click(`nav a`, "inbox")
			if n := w.bank.Refreshes(); n != 1 {
				t.Errorf("refreshes = %d, want 1", n)
			}
		})
	}
}

// TestFailuresInBrowser shows what a customer sees when it does not work.
func TestFailuresInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"trouble", 390, 844, "light"})
	connect := func(user, as string) {
		b.open(w.at.shop, "")
		b.click(`button[value="`+user+`"]`, "")
		if as != user {
			b.press(`#expect`)
		}
		b.click(`form[action="/connect"] button`, "")
		b.click(`form.steps button`, "")
		b.fill(`#username`, as)
		b.fill(`#password`, "any")
		b.click(`button[value="login"]`, "")
	}
	connect(anna, anna)
	b.click(`button[value="approve"]`, "")
	b.click(`.steps a.button`, "")
	b.click(`form[action="/pay"] button`, "daily-limit")
	b.says("daily limit")
	b.click(`.steps a.button`, "")
	b.click(`form[action="/stage/refresh"] button`, "")
	b.click(`form[action="/pay"] button`, "bank-away")
	b.says("does not answer", "Try again")
	b.open(w.at.shop, "")
	b.click(`form[action="/stage/month"] button`, "sixty-days")
	b.click(`form[action="/stage/month"] button`, "")
	b.click(`form[action="/stage/month"] button`, "lapsed")
	b.click(`form[action="/pay"] button`, "lapsed-pay")
	b.click(`form[action="/connect"] button`, "consentd-again")
	b.open(w.at.bank+"/onlinebank", "online-bank")
	b.open(w.at.shop, "")
	b.click(`form[action="/leave"] button`, "")
	connect(jon, gudrun)
	b.click(`button[value="approve"]`, "consentd-wrong-person")
	b.says("That was somebody else")
	b.click(`.steps a.quiet`, "rejected")
	b.open(w.at.shop+"/bank/done?consent_id=cns_x&code=y", "foreign")
	b.open(w.at.consentd+"/c/nothing", "consentd-error")
}

// TestNinetyDaysInBrowser lets the months pass: the warning, the mail, the
// renewal, the end, and the way to stop it all.
func TestNinetyDaysInBrowser(t *testing.T) {
	t.Parallel()
	for _, l := range []look{{"months", 390, 844, "light"}, {"months-desktop-dark", 1280, 900, "dark"}} {
		t.Run(l.name, func(t *testing.T) {
			w := newWorld(t)
			b := newBrowser(t, l)
			b.open(w.at.shop, "")
			b.click(`button[value="JONGUNARS"]`, "")
			b.press(`#expect`)
			b.click(`form[action="/connect"] button`, "")
			b.signIn()
			b.click(`.steps a.button`, "")
			b.click(`form[action="/stage/month"] button`, "thirty-days")
			b.says("60 of 90 days left")
			b.click(`form[action="/stage/month"] button`, "sixty-days")
			b.says("30 of 90 days left", "ends in 30 days")
			b.click(`nav a`, "inbox")
			b.says("ends in 30 days, on")
			b.click(`article:first-of-type .button`, "mail")
			b.click(`a.button`, "manage")
			b.says("Your access", "30 of 90 days left", "Stop access")
			b.click(`form[action="renew"] button`, "ask-renew")
			b.signIn()
			b.says("Access renewed", "90 of 90 days left")
			b.picture("renewed")
			b.click(`.steps a.button`, "home-renewed")
			b.says("Renewed", "90 of 90 days left")
			b.click(`nav a`, "")
			b.click(`article:nth-of-type(2) a[href*="/m/"]`, "manage-used")
			b.says("Already renewed")
			b.open(w.at.shop, "")
			b.click(`form[action="/stage/eve"] button`, "eve")
			b.says("1 of 90 days left")
			b.click(`nav a`, "")
			b.click(`article:first-of-type a[href*="/m/"]`, "manage-eve")
			b.click(`a[href="stop"]`, "stop")
			b.says("will no longer work", "on its last day")
			b.click(`button.danger`, "stopped")
			b.says("Access stopped", "you stopped")
			w.settle()
			b.click(`nav a, header a`, "") // away, and back to what the bank said
			b.open(w.at.shop, "home-stopped")
			b.says("Access was stopped", "You stopped the permission")
			b.click(`nav a`, "inbox-stopped")
			b.click(`article:nth-of-type(2) a[href*="/m/"]`, "stopped-confirmed")
			b.says("has confirmed")
			b.open(w.at.consentd+"/m/nothing/", "mail-link-gone")
		})
	}
}

// signIn goes from consentd's page through the bank, as Jón.
func (b *browser) signIn() {
	b.t.Helper()
	b.click(`form.steps button`, "")
	if strings.Contains(b.text(), "Password") {
		b.fill(`#username`, jon)
		b.fill(`#password`, "any")
		b.click(`button[value="login"]`, "")
	}
	b.click(`button[value="approve"]`, "")
}

// browser is a Chromium of this test's own.
type browser struct {
	t    *testing.T
	look look
	ctx  context.Context
	dir  string
	step int
}

func newBrowser(t *testing.T, l look) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), chromiumOptions(t)...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, look: l, ctx: ctx, dir: pictures(t)}
	b.do("start", chromedp.EmulateViewport(l.width, l.height), chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
		})
		return err
	}))
	return b
}

func chromiumOptions(t *testing.T) []chromedp.ExecAllocatorOption {
	t.Helper()
	bin, err := findChromium()
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(bin), chromedp.UserDataDir(t.TempDir()), chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	return options
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no chromium on the PATH; `make test` installs it (Debian: apt-get install chromium)")
}

// pictures is the folder for screenshots.
func pictures(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(cmp.Or(os.Getenv("SCREENSHOTS"), filepath.Join("..", "..", "screenshots")))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.picture("failed")
		b.t.Fatalf("%s: %v\n%s", what, err, b.text())
	}
}

// open goes to an address and takes a picture of what is there; without a
// name it takes none.
func (b *browser) open(address, name string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
	b.arrived(name)
}

// click presses what leads to another page.
func (b *browser) click(selector, name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	if err != nil {
		b.picture("failed")
		b.t.Fatalf("click %s: %v\n%s", selector, err, b.text())
	}
	if res.Status >= 500 {
		b.t.Fatalf("click %s = %d\n%s", selector, res.Status, b.text())
	}
	b.arrived(name)
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
	b.fits()
	if name != "" {
		b.picture(name)
	}
}

// fits fails the test where a narrow screen would have to scroll sideways.
func (b *browser) fits() {
	b.t.Helper()
	b.do("narrow", chromedp.EmulateViewport(narrow, b.look.height))
	width, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`))
	if err != nil {
		b.t.Fatal(err)
	}
	if width > narrow {
		at, _ := chromedp.Run(b.ctx, chromedp.Location())
		b.picture("too-wide")
		b.t.Errorf("%s is %d px wide on a screen of %d", strings.SplitN(at, "?", 2)[0], width, narrow)
	}
	b.do("size", chromedp.EmulateViewport(b.look.width, b.look.height))
}

func (b *browser) says(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, want := range words {
		if !strings.Contains(text, want) {
			b.t.Fatalf("page does not say %q:\n%s", want, text)
		}
	}
}

func (b *browser) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

func (b *browser) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Errorf("picture %s: %v", name, err)
		return
	}
	b.step++
	file := filepath.Join(b.dir, fmt.Sprintf("%s-%02d-%s.png", b.look.name, b.step, name))
	if err := os.WriteFile(file, png, 0o644); err != nil {
		b.t.Error(err)
	}
}
