package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// evil serves a page of another site: browsers tell 127.0.0.1 from localhost.
func evil(t *testing.T, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>evil</title><main>%s</main>", body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// mailTo is the address in the newest mail.
func (b *browser) mailTo(w *world) string {
	b.t.Helper()
	b.open(w.at.shop+"/inbox", "")
	return evaluate[string](b, `document.querySelector('a[href*="/m/"]').href`) + "/"
}

// TestFramesStayBlankInBrowser: no page of ours shows in another one's frame,
// where a customer could be led to press what they do not see.
func TestFramesStayBlankInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected(jon)
	w.settle()
	b := newBrowser(t, look{"frames", 1280, 900, "light"})
	control := evil(t, "a page that may be framed")
	mail := b.mailTo(w)
	framed := []string{control, w.at.consentd, w.at.consentd + "/c/nothing", mail, mail + "stop", mail + "reminders", w.at.consentd + "/docs", w.at.desk, w.at.desk + "/sign-in", w.at.bank + "/onlinebank"}
	var frames strings.Builder
	for _, address := range framed {
		fmt.Fprintf(&frames, `<iframe src="%s"></iframe>`, html.EscapeString(address))
	}
	b.do("open", chromedp.Navigate(evil(t, frames.String())))
	tree, err := chromedp.Call(b.ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.FrameTree.ChildFrames) != len(framed) {
		t.Fatalf("%d frames, want %d", len(tree.FrameTree.ChildFrames), len(framed))
	}
	for i, child := range tree.FrameTree.ChildFrames {
		blank := strings.HasPrefix(child.Frame.URL, "chrome-error:")
		if want := framed[i] != control; blank != want {
			t.Errorf("%s in a frame is blank: %t, want %t (%s)", bare(framed[i]), blank, want, child.Frame.URL)
		}
	}
}

// TestForeignFormsInBrowser: a form of another site does nothing here, even
// where the browser sends our cookies with it.
func TestForeignFormsInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	w.settle()
	b := newBrowser(t, look{"forms", 1280, 900, "light"})
	mail := b.mailTo(w)
	b.open(w.at.shop, "")
	b.click(`button[value="`+gudrun+`"]`, "")
	b.click(`form[action="/connect"] button`, "")
	ask := b.address()
	b.staffSignIn(w, "dagny")
	b.lookUp(jon, "customer-called", "")
	consent := b.address()
	for i, action := range []string{mail + "stop", mail + "renew", mail + "reminders?on=yes", ask, consent + "/stop", consent + "/send", w.at.desk + "/audit/export", w.at.shop + "/clock"} {
		b.do("open", chromedp.Navigate(evil(t, fmt.Sprintf(`<form method="post" action="%s"><input name="reason" value="customer-asked"><button>You have won</button></form>`, html.EscapeString(action)))))
		b.lead("press", chromedp.Click(chromedp.CSS("button")))
		posts := slices.DeleteFunc(w.ear.everything(), func(x heard) bool { return x.method != http.MethodPost })
		got := posts[len(posts)-1]
		if !strings.HasSuffix(action, got.uri) {
			t.Fatalf("the form to %s was not sent", bare(action))
		}
		signedOut := strings.HasPrefix(got.answer.Get("Location"), "/sign-in") // the desk's cookie does not come with it
		if got.status != http.StatusForbidden && !signedOut {
			t.Errorf("a foreign form to %s = %d, want 403", bare(action), got.status)
		}
		if i == 0 {
			b.picture("refused")
		}
	}
	p.open(w.at.shop).sees("90 of 90 days left")
}

// TestNoAddressLeadsAwayInBrowser: none of ours can be made to lead to another
// site, by whatever a browser makes of it.
func TestNoAddressLeadsAwayInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"away", 1280, 900, "light"})
	b.staffSignIn(w, "audur")
	const out = "evil.test"
	for _, site := range []string{w.at.consentd, w.at.desk, w.at.shop} {
		for _, path := range []string{"//" + out, `/\` + out, "/%09/" + out, "/%2f%2f" + out, "/;@" + out, "/sign-in?to=//" + out, `/sign-in?to=/\` + out, "/sign-in?to=https://" + out,
			"/c/x?return_to=https://" + out, "/m//" + out, "/back/x/return?to=https://" + out, "/bank/done?return=//" + out} {
			b.do("open", chromedp.Navigate(site+path))
			if at := evaluate[string](b, `location.origin`); at != site {
				t.Errorf("%s leads to %s", path, at)
			}
		}
	}
}

// TestFirstPageInBrowser weighs the first page with all that it needs, as it
// comes over the wire to a browser that has never been here.
func TestFirstPageInBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t, look{"first", 390, 844, "light"})
	b.speaks("is")
	b.open(w.at.shop, "")
	b.click(`button[value="JONGUNARS"]`, "")
	var mu sync.Mutex
	bytes, requests := 0.0, 0
	err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*network.EventLoadingFinished); ok {
			mu.Lock()
			defer mu.Unlock()
			bytes, requests = bytes+e.EncodedDataLength, requests+1
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.click(`form[action="/connect"] button`, "")
	ours, err := url.Parse(w.at.consentd)
	if err != nil {
		t.Fatal(err)
	}
	if host := evaluate[string](b, `location.host`); host != ours.Host {
		t.Fatalf("the first page is at %s", host)
	}
	mu.Lock()
	defer mu.Unlock()
	if requests < 3 || bytes > 50_000 {
		t.Errorf("the first page takes %d requests and %.0f bytes, want at least its two stylesheets with it, and at most 50,000", requests, bytes)
	}
	t.Logf("the first page takes %d requests and %.0f bytes", requests, bytes)
}
