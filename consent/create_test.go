package consent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

func TestCreateNamesEverythingThatIsWrong(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		_, _, err := h.Create(t.Context(), shop, consent.Request{Bank: "unknown", ReturnTo: "nowhere", Language: "xx",
			Email: "Anna <a@example.is>", Reference: token.Secret(strings.Repeat("x", 129))})
		invalid, ok := errors.AsType[*consent.Invalid](err)
		if !ok || len(invalid.Fields) != 5 {
			t.Fatalf("error = %v", err)
		}
		good := consent.Request{Reference: "x", Bank: "sandbox", ReturnTo: "done"}
		for pointer, change := range map[string]func(*consent.Request){
			"/scopes/1":             func(r *consent.Request) { r.Scopes = []string{"accounts", "everything"} },
			"/expected_national_id": func(r *consent.Request) { r.Expected = "5401809999" }, // a company's
			"/customer_reference":   func(r *consent.Request) { r.Reference = "a\nb" },
		} {
			r := good
			change(&r)
			_, _, err := h.Create(t.Context(), shop, r)
			if invalid, ok := errors.AsType[*consent.Invalid](err); !ok || len(invalid.Fields) != 1 || invalid.Fields[0].Pointer != pointer {
				t.Errorf("error = %v, want %s", err, pointer)
			}
		}
	})
}

func TestLinksAreShortAndForOneBrowser(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		for range 10 { // a mail scanner looks
			must(t, second(h.Ask(t.Context(), p.link)))
		}
		must(t, second(h.Begin(t.Context(), p.link, p.browser, "1")))
		must(t, second(h.Begin(t.Context(), p.link, p.browser, "1"))) // a double click
		wantErr(t, second(h.Begin(t.Context(), p.link, "another", "1")), consent.ErrLinkUsed)
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.Ask(t.Context(), p.link)), consent.ErrLinkGone)
		wantErr(t, second(h.Begin(t.Context(), p.link, p.browser, "1")), consent.ErrLinkGone)
		wantErr(t, second(h.Ask(t.Context(), "forged")), consent.ErrLinkGone)

		a := p.again(t).arrival(t, sandbox.Customer{User: gudrun})
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.Return(t.Context(), a)), consent.ErrFlowGone)
	})
}
