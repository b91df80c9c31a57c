package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/sandbox"
)

// listed are the ids on a page.
func (r reply) listed() []string {
	out := []string{}
	all, _ := r.json["consents"].([]any)
	for _, c := range all {
		id, _ := c.(object)["id"].(string)
		out = append(out, id)
	}
	return out
}

func TestListsTheAppsOwnConsents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []string
	for n := range 5 {
		id, page := w.ask(object{"customer_reference": fmt.Sprintf("customer-%d", n/2)})
		all = append(all, id)
		if n == 3 {
			w.newBrowser().visit(page, sandbox.Customer{User: gudrun})
		}
		w.pass(time.Second)
	}
	pages, cursor := []string{}, ""
	for range 3 {
		r := w.call(w.key, "GET", "/v1/consents?limit=2"+cursor, nil)
		pages = append(pages, r.listed()...)
		cursor = "&cursor=" + r.str("next_cursor")
		if (r.str("next_cursor") == "") != (len(pages) == len(all)) {
			t.Errorf("next_cursor after %d of %d: %q", len(pages), len(all), r.str("next_cursor"))
		}
	}
	slices.Sort(all)
	slices.Sort(pages)
	if diff := cmp.Diff(all, pages); diff != "" {
		t.Error(diff)
	}
	connected := w.call(w.key, "GET", "/v1/consents?customer_reference=customer-1", nil).listed()
	if len(connected) != 2 {
		t.Errorf("of customer-1: %v", connected)
	}
	if got := w.call(w.otherKey, "GET", "/v1/consents", nil); got.status != 200 || len(got.listed()) != 0 {
		t.Errorf("another app is shown %d %v", got.status, got.listed())
	}
	if got := w.call(w.otherKey, "GET", "/v1/consents?customer_reference=customer-1", nil).listed(); len(got) != 0 {
		t.Errorf("another app is shown %v", got)
	}
}

func TestListKnowsWhatHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(object{"expected_national_id": gudrunID})
	w.newBrowser().visit(page, sandbox.Customer{User: gudrun})
	asked := w.now().UTC().Format(time.RFC3339)
	find := func(query string) []string { return w.call(w.key, "GET", "/v1/consents?"+query, nil).listed() }
	w.pass(89 * day)
	soon := url.QueryEscape(w.now().Add(day).Format(time.RFC3339))
	for query, want := range map[string]int{"status=valid": 1, "status=expired": 0, "ends_before=" + soon: 1, "ends_before=" + asked: 0,
		"bank=sandbox&status=valid&ends_before=" + soon: 1, "bank=other": 0, "changed_since=" + soon: 0, "changed_since=2026-01-01T00:00:00Z": 1} {
		if got := find(query); len(got) != want || want > 0 && got[0] != id {
			t.Errorf("%s: %v, want %d", query, got, want)
		}
	}
	w.pass(2 * day)
	if valid, expired := find("status=valid"), find("status=expired"); len(valid) != 0 || len(expired) != 1 {
		t.Errorf("after its end: valid %v, expired %v", valid, expired)
	}
}

func TestListRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(nil)
	w.ask(nil)
	byChange := w.call(w.key, "GET", "/v1/consents?limit=1", nil).str("next_cursor")
	tests := map[string]string{
		"colour=canary-value":                            "?colour",
		"limit=1&limit=2":                                "?limit",
		"limit=0":                                        "?limit",
		"limit=101":                                      "?limit",
		"limit=9999999999999999999":                      "?limit",
		"limit=":                                         "?limit",
		"status=canary-value":                            "?status",
		"ends_before=2027-03-03":                         "?ends_before",
		"cursor=canary-value":                            "?cursor",
		"cursor=" + byChange + "&bank=sandbox":           "?cursor",
		"cursor=" + byChange + "A":                       "?cursor",
		"cursor=" + strings.Repeat("A", 5000):            "?cursor",
		"customer_reference=a%0Ab":                       "?customer_reference",
		"customer_reference=" + strings.Repeat("a", 129): "?customer_reference",
		"a=%zz": "?",
		"changed_since=2027-03-03T00:00:00Z&ends_before=2027-03-03T00:00:00Z": "?changed_since",
	}
	for query, pointer := range tests {
		r := w.call(w.key, "GET", "/v1/consents?"+query, nil)
		r.wants(t, 422, "invalid-request")
		if diff := cmp.Diff([]string{pointer}, r.pointers()); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		if strings.Contains(r.text, "canary-value") {
			t.Errorf("%s: the answer repeats the value", query)
		}
	}
}

func TestARequestIsTraceable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, page := w.ask(object{"expected_national_id": gudrunID})
	w.newBrowser().visit(page, sandbox.Customer{User: gudrun})
	send := func(method, path, request string) reply {
		r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, nil)
		w.check(err)
		r.Header.Set("Authorization", "Bearer "+w.key.Reveal())
		r.Header.Set("X-Request-Id", request)
		return w.send(http.DefaultClient, r)
	}
	send("POST", "/v1/consents/"+id+"/token", "token-1")
	send("DELETE", "/v1/consents/"+id, "stop-1")
	for _, request := range []string{"token-1", "stop-1"} {
		found, err := w.service.FindByRequest(t.Context(), request)
		w.check(err)
		if len(found) != 1 || string(found[0].ID) != id || found[0].Personal != nil {
			t.Errorf("%s finds %v", request, found)
		}
	}
	lines := map[string]string{}
	for _, e := range send("GET", "/v1/consents/"+id+"/proof", "proof-1").json["timeline"].([]any) {
		line := e.(object)
		request, _ := line["request_id"].(string)
		lines[line["event"].(string)] = request
	}
	if lines["terminatedByTpp"] != "stop-1" || lines["requested"] == "" || lines["granted"] == "" || lines["bank_told"] != "" {
		t.Errorf("request ids of the timeline: %v", lines)
	}
}
