package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/consentd/consentd/internal/wording"
)

// journey is a customer with a browser in one language.
type journey struct {
	*browser
	w     *world
	texts wording.Texts
}

// journeys are what customers come for, and what may become of it. Each
// begins in a browser that knows nothing, with a customer of its own, and
// leaves the world as it was: apart from the time, which only goes on.
var journeys = []struct {
	name string
	play func(*journey)
}{
	{"connect", (*journey).connects},
	{"cancel at the bank", (*journey).cancels},
	{"leave a permission out", (*journey).leavesOut},
	{"be somebody else", (*journey).isSomebodyElse},
	{"use a link that is used or too old", (*journey).usesLinkTwice},
	{"renew and stop from a mail", (*journey).renewsAndStops},
	{"lapse and connect again", (*journey).lapses},
	{"be refused by the bank", (*journey).isRefused},
}

// TestJourneysInBrowser plays each journey in each language, on a phone and on
// a desktop; on the desktop no page may run a script.
func TestJourneysInBrowser(t *testing.T) {
	t.Parallel()
	for _, lang := range wording.Languages() {
		for _, l := range []look{{"phone", 360, 740, "light"}, {"desktop", 1280, 900, "light"}} {
			t.Run(lang+" "+l.name, func(t *testing.T) {
				t.Parallel()
				l.name = lang + "-" + l.name
				j := &journey{newBrowser(t, l), newWorld(t), wording.In(lang)}
				j.speaks(lang)
				if l.width > zoomed {
					j.withoutScript()
				}
				for _, journey := range journeys {
					t.Run(journey.name, func(t *testing.T) {
						j.t = t
						journey.play(j)
					})
				}
			})
		}
	}
}

const (
	app  = "Fika Pay"
	bank = "Sandbox Bank"
)

func (j *journey) connects() {
	j.begins(jon, false)
	j.on("ask.title.new")
	j.throughBank(jon)
	j.on("result.title.unconfirmed")
	again := j.address()
	j.click(`.steps a.button`, "")
	j.says("Connected", "90 of 90 days left")
	j.open(again, "") // "back" in the browser
	j.on("result.title.connected")
	j.open(j.w.at.shop, "")
	j.click(`form[action="/connect"] button`, "")
	j.on("ask.title.fresh")
}

func (j *journey) cancels() {
	j.begins(gudrun, true)
	j.click(`form.steps button`, "")
	j.click(`button[value="cancel"]`, "")
	j.on("result.title.cancelled")
	j.click(`form[action$="/retry"] button`, "")
	j.on("ask.title.new")
	j.throughBank(gudrun)
	j.on("result.title.connected")
}

func (j *journey) leavesOut() {
	j.begins(anna, true)
	j.click(`form.steps button`, "")
	j.logIn(anna)
	j.press(`#scope-payments`)
	j.click(`button[value="approve"]`, "")
	j.on("result.title.left_out")
	j.click(`.steps a.quiet`, "")
	j.says("A permission is missing")
}

func (j *journey) isSomebodyElse() {
	j.begins(gudmundur, true)
	j.throughBank(gudrun)
	j.on("result.title.wrong_person")
	j.click(`form[action$="/retry"] button`, "")
	j.on("ask.title.new")
}

func (j *journey) usesLinkTwice() {
	j.begins(gudmundur, false)
	link := j.address()
	j.forget()
	j.open(link, "")
	j.click(`form.steps button`, "")
	j.forget()
	j.open(link, "")
	j.click(`form.steps button`, "")
	j.on("error.link-used.title")
	j.w.stage.Pass(11 * time.Minute)
	j.open(link, "")
	j.on("error.link-gone.title")
	j.click(`.steps a.button`, "")
	j.says("Who are you?")
}

// later is some days later: all at once, as the way there is the desk's and
// the clock's to play.
func (j *journey) later(days int) {
	j.w.stage.Pass(clockDays(days))
	j.w.settle()
}

func (j *journey) renewsAndStops() {
	j.begins(sigurdur, true)
	j.throughBank(sigurdur)
	j.w.settle()
	j.later(60)
	j.followsMail(sigurdur)
	j.on("manage.title.valid")
	j.click(`form[action="renew"] button`, "")
	j.on("ask.title.renew")
	j.throughBank(sigurdur)
	j.on("result.title.renewed")
	j.w.settle()
	j.followsMail(sigurdur)
	j.click(`a[href="stop"]`, "")
	j.on("stop.title")
	j.click(`button.danger`, "")
	j.on("manage.title.stopped")
	j.w.settle()
}

func (j *journey) lapses() {
	const kristin = "KRISTOLAFS"
	j.begins(kristin, true)
	j.throughBank(kristin)
	j.w.settle()
	j.later(91)
	j.followsMail(kristin)
	j.on("manage.title.expired")
	j.click(`form[action="renew"] button`, "")
	j.on("ask.title.again")
	j.throughBank(kristin)
	j.on("result.title.connected")
}

func (j *journey) isRefused() {
	j.begins(gudmundur, true)
	j.throughBank(gudmundur)
	j.click(`.steps a.button`, "")
	j.w.bank.Withdraw(gudmundur, "")
	j.click(`form[action="/stage/token"] button`, "")
	j.click(`form[action="/pay"] button`, "")
	j.w.settle()
	j.followsMail(gudmundur)
	j.on("manage.title.refused")
}

// begins goes to consentd's page as a customer of the shop, who says whether
// nobody else may sign in at the bank.
func (j *journey) begins(user string, expected bool) {
	j.t.Helper()
	j.forget()
	j.open(j.w.at.shop, "")
	j.click(`button[value="`+user+`"]`, "")
	if on := evaluate[bool](j.browser, `document.querySelector("#expect")?.checked ?? false`); on != expected {
		j.press(`#expect`)
	}
	j.click(`form[action="/connect"] button`, "")
}

func (j *journey) throughBank(user string) {
	j.t.Helper()
	j.click(`form.steps button`, "")
	j.logIn(user)
	j.click(`button[value="approve"]`, "")
}

// followsMail opens the newest mail to a customer, which is in the customer's
// language, and follows its link.
func (j *journey) followsMail(user string) {
	j.t.Helper()
	j.open(j.w.at.shop+"/inbox", "")
	mail := fmt.Sprintf(`[...document.querySelectorAll("article")].find(a => a.textContent.includes("To %s@"))`, strings.ToLower(user))
	letter := evaluate[string](j.browser, mail+`.querySelector(".button").href`)
	if html := j.w.letter(letter); !strings.Contains(html, `<html lang="`+j.texts.Lang()+`"`) {
		j.t.Errorf("the mail is not in %s:\n%s", j.texts.Lang(), html)
	}
	j.open(evaluate[string](j.browser, mail+`.querySelector('a[href*="/m/"]').href`), "")
}

// on fails the test unless the page is the one with that title, in the
// customer's language, and fits into the window.
func (j *journey) on(key string) {
	j.t.Helper()
	want, err := j.texts.Text(key, app, bank)
	if err != nil {
		j.t.Fatal(err)
	}
	got := evaluate[struct {
		Title, Lang string
		Width       int64
	}](j.browser, `({Title: document.querySelector("h1").textContent, Lang: document.documentElement.lang, Width: document.documentElement.scrollWidth})`)
	if got.Title != want || got.Lang != j.texts.Lang() {
		j.fail("the page is %q in %q, want %q in %q", got.Title, got.Lang, want, j.texts.Lang())
	}
	if got.Width > j.look.width {
		j.t.Errorf("%q is %d px wide on a screen of %d", want, got.Width, j.look.width)
	}
	if screenshots != "" {
		j.step++
		j.draw(fmt.Sprintf("%02d-%s", j.step, key))
	}
}

// forget takes every cookie from the browser.
func (j *journey) forget() {
	j.t.Helper()
	if _, err := chromedp.Call(j.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		j.t.Fatal(err)
	}
}

// address is where the browser is.
func (b *browser) address() string {
	b.t.Helper()
	return evaluate[string](b, `location.href`)
}
