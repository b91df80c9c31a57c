package consent_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func TestOneCustomersConsentsPageByPage(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		var want, got []consent.ID
		for n := range 5 {
			c, _, err := h.Create(t.Context(), shop, consent.Request{Reference: token.Secret(fmt.Sprint(n % 2)), Bank: "sandbox", ReturnTo: "done"})
			must(t, err)
			if n%2 == 0 {
				want = append(want, c.ID)
			}
		}
		after := ""
		for {
			page, err := h.List(t.Context(), shop, "0", consent.Filter{Status: consent.Received}, after, 2)
			must(t, err)
			if page.Total != 3 {
				t.Errorf("total = %d, want 3", page.Total)
			}
			for _, c := range page.Consents {
				got = append(got, c.ID)
			}
			if after = page.Next; after == "" {
				break
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("listed\n     %v\nwant %v", got, want)
		}
		page, err := h.Search(t.Context(), consent.Filter{}, "", 5)
		must(t, err)
		if page.Total != 5 || len(page.Consents) != 5 || page.Next != "" || page.Consents[0].Personal != nil {
			t.Errorf("all of them: %+v", page)
		}
	})
}

func TestCursorsAreTakenStrictly(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		const id = "cns_0001k4zj7m9te0vq3y2x8w5r6s7t"
		for name, plain := range map[string]string{
			"another order": "ends 1 " + id, "no order": "1 " + id, "no id": "changed 1 ", "a wrong id": "changed 1 cns_zz01k4zj7m9te0vq3y2x8w5r6s7t",
			"no number": "changed x " + id, "another way": "changed 01 " + id, "more": "changed 1 " + id + " 2", "nothing": " ",
		} {
			_, err := h.Search(t.Context(), consent.Filter{}, base64.RawURLEncoding.EncodeToString([]byte(plain)), 10)
			wrong, ok := errors.AsType[*consent.Invalid](err)
			if !ok || len(wrong.Fields) != 1 || wrong.Fields[0].Pointer != "/cursor" {
				t.Errorf("%s: error = %v", name, err)
			}
		}
		good := base64.RawURLEncoding.EncodeToString([]byte("changed 1 " + id))
		if _, err := h.Search(t.Context(), consent.Filter{}, good, 10); err != nil {
			t.Errorf("a good one: %v", err)
		}
	})
}

func TestOverviewOfALife(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		time.Sleep(15 * time.Hour) // an end in the afternoon of the ninetieth day from now
		p := h.granted(t)
		if _, err := h.Token(t.Context(), shop, p.id, consent.TokenRequest{RequestID: "r"}); err != nil {
			t.Fatal(err)
		}
		status := func() consent.Status {
			o, err := h.Overview(t.Context())
			must(t, err)
			if len(o.Consents) != 1 || o.Consents[0].N != 1 {
				t.Fatalf("consents = %v", o.Consents)
			}
			return o.Consents[0].Status
		}
		o, err := h.Overview(t.Context())
		must(t, err)
		if len(o.HandOuts) != 1 || o.HandOuts[0].Allowed != 1 || o.Lapses[consent.LapseDays-1].N != 1 || status() != consent.Valid {
			t.Errorf("overview = %+v", o)
		}
		h.live(t, 91*day, 6*time.Hour)
		if got := status(); got != consent.Expired {
			t.Errorf("after its end it counts as %s", got)
		}
		must(t, second(h.Erase(t.Context(), shop, "customer-1")))
		if o, err = h.Overview(t.Context()); err != nil || len(o.Consents) > 0 {
			t.Errorf("after the erasure: %v, %v", o.Consents, err)
		}
	})
}

// TestACustomersListIsInTheOrderOfEnds like every list that something is asked
// of, unless it is about changes.
func TestACustomersListIsInTheOrderOfEnds(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		for range 3 {
			h.ask(t, consent.Request{})
			time.Sleep(time.Minute)
		}
		mine, err := h.List(t.Context(), shop, "customer-1", consent.Filter{}, "", 10)
		must(t, err)
		byEnd, err := h.List(t.Context(), shop, "", consent.Filter{Bank: "sandbox"}, "", 10)
		must(t, err)
		for i, c := range byEnd.Consents {
			if len(mine.Consents) != 3 || mine.Consents[i].ID != c.ID {
				t.Fatalf("by customer: %v\nwant %v", mine.Consents, byEnd.Consents)
			}
		}
	})
}
