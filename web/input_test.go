package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/web"
)

const unknownConsent = "cns_0001k4zj7m9te0vq3y2x8w5r6s7t"

func TestAPIRefusesWrongBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const good = `"customer_reference":"a","bank":"sandbox","return_to":"done"`
	tests := map[string]struct {
		body     string
		status   int
		code     string
		pointers []string
		says     string
	}{
		"no body":            {``, 415, "unsupported-media-type", nil, ""},
		"not JSON":           {`bank=sandbox`, 400, "malformed-request", nil, "line 1, column 1"},
		"broken JSON":        {"{\n \"bank\": canary-value\n}", 400, "malformed-request", nil, "line 2, column 10"},
		"half a body":        {`{"bank":"sand`, 400, "malformed-request", nil, "line 1, column 13"},
		"two bodies":         {`{} {}`, 400, "malformed-request", nil, "column 4"},
		"not UTF-8":          {"{\"bank\":\"\xff\"}", 400, "malformed-request", nil, ""},
		"too much":           {`{"bank":"` + strings.Repeat("a", 64<<10) + `"}`, 413, "too-large", nil, ""},
		"a list":             {`[1]`, 422, "invalid-request", []string{""}, ""},
		"null":               {`null`, 422, "invalid-request", []string{""}, ""},
		"unknown member":     {`{` + good + `,"colour":"canary-value"}`, 422, "invalid-request", []string{"/colour"}, ""},
		"unknown in contact": {`{` + good + `,"contact":{"fax":"canary-value"}}`, 422, "invalid-request", []string{"/contact/fax"}, ""},
		"member twice":       {`{` + good + `,"bank":"sandbox"}`, 422, "invalid-request", []string{"/bank"}, "twice"},
		"other case":         {`{` + good + `,"Language":"en"}`, 422, "invalid-request", []string{"/Language"}, ""},
		"wrong types": {`{"customer_reference":1,"bank":{},"return_to":[],"scopes":"x","contact":"x"}`, 422, "invalid-request",
			[]string{"/bank", "/contact", "/customer_reference", "/return_to", "/scopes"}, "must be a string"},
		"nothing":          {`{}`, 422, "invalid-request", []string{"/bank", "/customer_reference", "/return_to"}, ""},
		"unknown bank":     {`{"customer_reference":"a","bank":"canary-value","return_to":"done"}`, 422, "invalid-request", []string{"/bank"}, ""},
		"unknown return":   {`{"customer_reference":"a","bank":"sandbox","return_to":"https://canary-value"}`, 422, "invalid-request", []string{"/return_to"}, ""},
		"unknown scope":    {`{` + good + `,"scopes":["accounts","canary-value"]}`, 422, "invalid-request", []string{"/scopes/1"}, ""},
		"unknown language": {`{` + good + `,"language":"canary-value"}`, 422, "invalid-request", []string{"/language"}, ""},
		"no address":       {`{` + good + `,"contact":{"email":"canary-value"}}`, 422, "invalid-request", []string{"/contact/email"}, ""},
		"a company":        {`{` + good + `,"expected_national_id":"4710080280"}`, 422, "invalid-request", []string{"/expected_national_id"}, "individuals"},
		"no national id":   {`{` + good + `,"expected_national_id":"canary-value"}`, 422, "invalid-request", []string{"/expected_national_id"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.call(w.key, "POST", "/v1/consents", test.body)
			if test.body == "" {
				r = w.call(w.key, "POST", "/v1/consents", nil)
			}
			r.wants(t, test.status, test.code)
			if diff := cmp.Diff(test.pointers, r.pointers()); diff != "" {
				t.Errorf("pointers (-want +got):\n%s", diff)
			}
			if !strings.Contains(r.text, test.says) || strings.Contains(r.text, "canary-value") {
				t.Errorf("answer = %s\nwant %q and no value", r.text, test.says)
			}
		})
	}
}

func TestAPIRefusesWrongTokenRequests(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	tests := map[string]struct {
		body, code string
		status     int
		pointer    string
	}{
		"negative":           {`{"min_ttl":-1}`, "invalid-request", 422, "/min_ttl"},
		"more than there is": {`{"min_ttl":99999999999}`, "invalid-request", 422, "/min_ttl"},
		"a fraction":         {`{"min_ttl":1.5}`, "invalid-request", 422, "/min_ttl"},
		"not a time":         {`{"needed_until":"tomorrow"}`, "invalid-request", 422, "/needed_until"},
		"not a list":         {`{"scopes":"payments"}`, "invalid-request", 422, "/scopes"},
		"unknown member":     {`{"ttl":1}`, "invalid-request", 422, "/ttl"},
		"scope not granted":  {`{"scopes":["payments","accounts"]}`, "insufficient-scope", 403, ""},
		"longer than tokens": {`{"min_ttl":86400}`, "lifetime-unavailable", 409, ""},
		"longer than it is":  {`{"needed_until":"2999-01-01T00:00:00Z"}`, "renewal-required", 409, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", test.body)
			r.wants(t, test.status, test.code)
			if test.pointer != "" && !slices.Equal(r.pointers(), []string{test.pointer}) {
				t.Errorf("pointers = %v, want %s", r.pointers(), test.pointer)
			}
			switch test.code {
			case "insufficient-scope":
				if !strings.Contains(r.text, `"missing_scopes":["accounts"]`) {
					t.Errorf("problem = %s", r.text)
				}
			case "lifetime-unavailable":
				if r.json["longest_ttl"] != 300.0 {
					t.Errorf("problem = %s", r.text)
				}
			case "renewal-required":
				if !strings.HasPrefix(r.str("renewal_url"), w.url+"/c/") {
					t.Errorf("problem = %s", r.text)
				}
			}
		})
	}
	if r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", `{}`); r.status != http.StatusOK {
		t.Errorf("an empty object = %d %s", r.status, r.text)
	}
}

func TestAPINeedsAnOwnKey(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	for _, header := range []string{"", "Bearer", "Bearer ck_wrong", "Basic " + w.key.Reveal(), "Bearer " + w.key.Reveal() + "x",
		"Bearer  " + w.key.Reveal(), "Bearer ck_" + strings.Repeat("a", 10_000), w.key.Reveal()} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/consents/"+id, nil)
		w.check(err)
		r.Header.Set("Authorization", header)
		got := w.send(http.DefaultClient, r)
		got.wants(t, http.StatusUnauthorized, "unauthorized")
		if got.header.Get("WWW-Authenticate") == "" {
			t.Error("401 without WWW-Authenticate")
		}
	}
	for _, id := range []string{id, unknownConsent, "cns_x", "..%2f..", strings.Repeat("a", 500)} {
		for path, method := range map[string]string{"": "GET", "/token": "POST", "/renewal": "POST", "/confirm": "POST"} {
			var body any
			if path == "/confirm" {
				body = object{"code": "some"}
			}
			w.call(w.otherKey, method, "/v1/consents/"+id+path, body).wants(t, http.StatusNotFound, "not-found")
		}
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.call(w.key, "GET", "/v1/nothing", nil).wants(t, http.StatusNotFound, "not-found")
	r := w.call(w.key, "PUT", "/v1/consents/"+unknownConsent, nil)
	r.wants(t, http.StatusMethodNotAllowed, "method-not-allowed")
	if !strings.Contains(r.header.Get("Allow"), "GET") {
		t.Errorf("Allow = %q", r.header.Get("Allow"))
	}
	b := w.newBrowser()
	for path, status := range map[string]int{"/nothing": 404, "/problems/nothing": 404, "/static/nothing": 404, "/static/..%2fpages.go": 404} {
		if r := b.get(path); r.status != status || !strings.Contains(r.text, "There is nothing here") {
			t.Errorf("GET %s = %d %s", path, r.status, r.text)
		}
	}
	if r := b.press("/"); r.status != http.StatusMethodNotAllowed || !strings.Contains(r.header.Get("Allow"), "GET") {
		t.Errorf("POST / = %d", r.status)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.newBrowser()
	long := strings.Repeat("a", 128)
	for given, kept := range map[string]bool{"abc-1._Z": true, long: true, long + "a": false, "a b": false, "ä": false, "a\"": false, "": false} {
		got := b.do("GET", "/", "X-Request-Id", given).header.Get("X-Request-Id")
		if (got == given) != kept || got == "" || (!kept && len(got) != 32) {
			t.Errorf("X-Request-ID %q came back as %q", given, got)
		}
	}
}

func TestNewReportsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	public := *mustParse(t, "https://consentd.test/path?x")
	_, hash := web.NewAPIKey()
	_, err := web.New(web.Config{
		Service: w.service, PublicURL: &public, BankOrigins: map[string]string{"b": "https://bank.test; script-src *"},
		Apps: []web.AppKeys{{KeyHashes: []string{"no hash", hash}}, {KeyHashes: []string{hash}}},
	})
	for _, part := range []string{"without a path", "not an origin", "key hash 1", "the same key"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("New = %v, want it to say %q", err, part)
		}
	}
	if _, err := web.New(web.Config{}); err == nil {
		t.Error("New without a service is no error")
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := func(body string, keys ...string) reply {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/v1/consents", strings.NewReader(body))
		w.check(err)
		r.Header = http.Header{"Idempotency-Key": keys, "Authorization": {"Bearer " + w.key.Reveal()}, "Content-Type": {"application/json"}}
		return w.send(http.DefaultClient, r)
	}
	const body = `{"customer_reference":"a","bank":"sandbox","return_to":"done"}`
	first, again := post(body, "order-1"), post(body, "order-1")
	if first.status != 201 || again.status != 201 || first.str("id") != again.str("id") || first.str("page_url") != again.str("page_url") {
		t.Errorf("twice with one key:\n%s%s", first.text, again.text)
	}
	if got := first.header.Get("Idempotent-Replayed") + "," + again.header.Get("Idempotent-Replayed"); got != ",true" {
		t.Errorf("Idempotent-Replayed = %q", got)
	}
	post(strings.Replace(body, `"a"`, `"b"`, 1), "order-1").wants(t, 422, "idempotency-key-reused")
	if r := w.call(w.key, "POST", "/v1/erasures", object{"customer_reference": "a"}); r.status != 200 {
		t.Fatalf("erasure = %d %s", r.status, r.text)
	}
	post(body, "order-1").wants(t, 404, "not-found")
	for _, keys := range [][]string{{""}, {"a b"}, {"a", "b"}, {strings.Repeat("a", 256)}} {
		r := post(body, keys...)
		r.wants(t, 422, "invalid-request")
		if got := r.pointers(); !slices.Equal(got, []string{"Idempotency-Key"}) {
			t.Errorf("keys %q: pointers = %q", keys, got)
		}
	}
}

func TestNeededUntilIsKeptAndShown(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	r := w.call(w.key, "POST", "/v1/consents/"+id+"/token", object{"needed_until": "2999-01-01T00:00:00Z"})
	r.wants(t, 409, "renewal-required")
	shown := w.call(w.key, "GET", "/v1/consents/"+id, nil)
	if r.str("renewal_url") == "" || r.str("consent_ends_at") != shown.str("ends_at") {
		t.Errorf("problem = %s\nwant renewal_url and consent_ends_at %s", r.text, shown.str("ends_at"))
	}
	proof, _ := w.call(w.key, "GET", "/v1/consents/"+id+"/proof", nil).json["consent"].(object)
	if want := "2999-01-01T00:00:00Z"; shown.str("needed_until") != want || proof["needed_until"] != want {
		t.Errorf("needed_until = %q, in the proof %q", shown.str("needed_until"), proof["needed_until"])
	}
	w.check(w.service.Settle(t.Context()))
	w.check(w.service.Work(t.Context()))
	r = w.call(w.key, "GET", "/v1/events", nil)
	all, _ := r.json["events"].([]any)
	last, _ := all[len(all)-1].(object)
	data, _ := last["data"].(object)
	if last["type"] != "consent.expiring" || data["needed_until"] != "2999-01-01T00:00:00Z" || data["warning_days"] != nil {
		t.Errorf("events = %s, want that it ends too early", r.text)
	}
}
