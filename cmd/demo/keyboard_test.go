package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused is where the keyboard is, and whether that can be seen.
type focused struct {
	Here bool // on the element that is wanted
	Seen bool // has an outline, and is on the screen
	What string
}

const whereFocus = `(() => {
	const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect()
	return {
		Here: e.matches(%q), What: e.outerHTML.slice(0, 100),
		Seen: (s.outlineStyle === "auto" || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2) && r.bottom > 0 && r.top < innerHeight && r.width > 0,
	}
})()`

// mostTabs is more than any page has stops.
const mostTabs = 60

// TestKeyboardAloneInBrowser connects a bank, stops it and looks a customer up
// without a mouse: each stop on the way can be seen.
func TestKeyboardAloneInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"keyboard", 1280, 900, "light"})
	b.open(w.at.shop, "")
	b.enter(`button[value="JONGUNARS"]`)
	b.tabTo(`#expect`)
	b.key(" ")
	b.enter(`form[action="/connect"] button`)
	b.enter(`form.steps button`)
	b.tabTo(`#username`)
	b.key(jon)
	b.tabTo(`#password`)
	b.key("any")
	b.enter(`button[value="login"]`)
	b.enter(`button[value="approve"]`)
	b.says("is connected")
	b.enter(`.steps a.button`)
	w.settle()
	b.enter(`nav a[href="/inbox"]`)
	b.enter(`article a[href*="/m/"]`)
	b.enter(`a[href="stop"]`)
	b.enter(`button.danger`)
	b.says("Access stopped")

	b.open(w.at.desk, "")
	b.enter(`form.steps button`)
	b.enter(`main button[value="audur"]`)
	b.tabTo(`#what`)
	b.key(jon)
	b.enter(`form.box button`)
	b.enter(`button[value="customer-called"]`)
	b.says("What to do")
}

// enter goes to a link or button by Tab and presses it, which leads on.
func (b *browser) enter(selector string) {
	b.t.Helper()
	b.tabTo(selector)
	b.lead("enter "+selector, chromedp.KeyEvent(kb.Enter))
	b.arrived("")
}

// tabTo presses Tab until the keyboard is there.
func (b *browser) tabTo(selector string) {
	b.t.Helper()
	for range mostTabs {
		at := b.focused(selector)
		if at.Here {
			return
		}
		b.key(kb.Tab)
		if at = b.focused(selector); !at.Seen {
			b.fail("the focus cannot be seen at %s", at.What)
		}
	}
	b.fail("Tab does not lead to %s", selector)
}

func (b *browser) focused(selector string) focused {
	b.t.Helper()
	return evaluate[focused](b, fmt.Sprintf(whereFocus, selector))
}

func (b *browser) key(keys string) {
	b.t.Helper()
	b.do("key", chromedp.KeyEvent(keys))
}
