package web_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

func TestEventsArePaged(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.call(w.key, "DELETE", "/v1/consents/"+id, nil)
	w.check(w.service.Settle(t.Context()))
	var types []string
	for cursor := ""; ; {
		r := w.call(w.key, "GET", "/v1/events?limit=1&wait=0"+cursor, nil)
		if r.status != 200 || r.str("next_cursor") == "" {
			t.Fatalf("GET /v1/events = %d %s", r.status, r.text)
		}
		var page struct {
			Events []struct {
				ID, Type string
				Data     struct {
					ConsentID string `json:"consent_id"`
				}
			}
		}
		w.check(json.Unmarshal([]byte(r.text), &page))
		if len(page.Events) == 0 {
			break
		}
		if e := page.Events[0]; e.ID == "" || e.Data.ConsentID != id {
			t.Errorf("event = %s", r.text)
		}
		types, cursor = append(types, page.Events[0].Type), "&after="+r.str("next_cursor")
	}
	if types[len(types)-1] != "consent.revoked" {
		t.Errorf("types = %v", types)
	}
	other := w.call(w.otherKey, "GET", "/v1/events?wait=1", nil)
	if list, _ := other.json["events"].([]any); other.status != 200 || list == nil || len(list) != 0 {
		t.Errorf("another app: %d %s", other.status, other.text)
	}
}

func TestEventsRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for query, want := range map[string][]string{
		"?limit=0&wait=21": {"?limit", "?wait"}, "?limit=101": {"?limit"}, "?limit=%2B5": {"?limit"}, "?limit=": {"?limit"},
		"?wait=1.5": {"?wait"}, "?after=": {"?after"}, "?after=forged": {"?after"}, "?since=1": {"?since"}, "?wait=1&wait=1": {"?wait"}, "?%zz": {"?"},
	} {
		r := w.call(w.key, "GET", "/v1/events"+query, nil)
		r.wants(t, 422, "invalid-request")
		if got := r.pointers(); !slices.Equal(got, want) {
			t.Errorf("%s: pointers = %q, want %q", query, got, want)
		}
	}
	w.call("", "GET", "/v1/events", nil).wants(t, 401, "unauthorized")
}

func TestEventsThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := w.call(w.key, "GET", "/v1/events", nil).str("next_cursor")
	for i, at := range []time.Duration{0, 31 * 24 * time.Hour} {
		e := consent.LoggedEvent{ID: string(rune('a' + i)), Payload: []byte(`{"id":"evt_1","type":"consent.renewed","timestamp":"2027-02-12T08:50:00Z",` +
			`"data":{"consent_id":"cns_7f01k4zj7m9te0vq3y2x8w5r6s7t","status":"valid","bank":"sandbox","ends_at":"2027-08-11T08:50:00Z","days_left":180}}`)}
		w.check(w.store.LogEvent(t.Context(), "shop", e, time.Now().Add(at)))
	}
	w.call(w.key, "GET", "/v1/events?after="+start, nil).wants(t, 410, "events-gone")
	if r := w.call(w.key, "GET", "/v1/events", nil); r.status != 200 {
		t.Errorf("from the beginning: %d %s", r.status, r.text)
	}
}
