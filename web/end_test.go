package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/consentd/consentd/sandbox"
)

func TestAppStopsItsConsent(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	path := "/v1/consents/" + id
	w.call(w.otherKey, "DELETE", path, nil).wants(t, http.StatusNotFound, "not-found")
	w.call("", "DELETE", path, nil).wants(t, http.StatusUnauthorized, "unauthorized")
	w.down(func() reply { return w.call(w.key, "DELETE", path, nil) }).wants(t, http.StatusServiceUnavailable, "store-unavailable")
	if got := w.status(id); got != "valid" {
		t.Fatalf("status = %s", got)
	}
	first := w.call(w.key, "DELETE", path, nil)
	cause, _ := first.json["cause"].(map[string]any)
	if first.status != http.StatusOK || first.str("status") != "terminatedByTpp" || cause["actor"] != "app" || cause["code"] != "stopped" ||
		first.str("ended_at") == "" || first.json["bank_told"] == nil {
		t.Fatalf("DELETE = %d %s", first.status, first.text)
	}
	w.call(w.key, "POST", path+"/token", nil).wants(t, http.StatusGone, "consent-revoked")
	w.mail()
	again := w.call(w.key, "DELETE", path, nil)
	if again.status != http.StatusOK || again.str("ended_at") != first.str("ended_at") || again.str("bank_told") != "confirmed" {
		t.Errorf("repeated = %d %s", again.status, again.text)
	}
	w.call(w.key, "DELETE", "/v1/consents/nonsense", nil).wants(t, http.StatusNotFound, "not-found")
}

func TestReport(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	path := "/v1/consents/" + id + "/report"
	before := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).str("access_token")
	verdict := func(status int, code, want string) {
		t.Helper()
		r := w.call(w.key, "POST", path, object{"status": status, "code": code})
		if r.status != http.StatusOK || r.str("verdict") != want || !strings.HasSuffix(r.str("next"), ".") {
			t.Fatalf("report %d %s = %d %s, want %s", status, code, r.status, r.text, want)
		}
	}
	verdict(401, "ERR_80102_110", "not-about-the-token")
	if n := w.bank.Refreshes(); n != 0 {
		t.Errorf("%d refreshes for what is not about the token", n)
	}
	verdict(401, "ERR_80102_000", "token-replaced")
	if after := w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).str("access_token"); after == before || after == "" {
		t.Error("the token is the one that the bank refused")
	}
	w.call(w.otherKey, "POST", path, object{"status": 401}).wants(t, http.StatusNotFound, "not-found")
	w.down(func() reply { return w.call(w.key, "POST", path, object{"status": 401}) }).wants(t, http.StatusServiceUnavailable, "store-unavailable")

	w.bank.Withdraw(gudrun, "")
	verdict(401, "ERR_80102_000", "consent-ended")
	w.call(w.key, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusGone, "consent-revoked")
	verdict(401, "ERR_80102_000", "consent-ended")
}

func TestReportWhileTheBankIsDown(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: 503})
	r := w.call(w.key, "POST", "/v1/consents/"+id+"/report", object{"status": 403})
	if r.status != http.StatusOK || r.str("verdict") != "unknown" || w.status(id) != "valid" {
		t.Errorf("report = %d %s", r.status, r.text)
	}
}

func TestBadReports(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	path := "/v1/consents/" + id + "/report"
	for name, test := range map[string]struct {
		body any
		want []string
	}{
		"nothing":            {object{}, []string{"/status"}},
		"another status":     {object{"status": 500}, []string{"/status"}},
		"a success":          {object{"status": 200, "code": "ERR"}, []string{"/status"}},
		"a text":             {object{"status": "401"}, []string{"/status"}},
		"a sentence":         {object{"status": 401, "code": "Guðrún may not"}, []string{"/code"}},
		"a long code":        {object{"status": 401, "code": strings.Repeat("x", 65)}, []string{"/code"}},
		"everything at once": {object{"status": 1, "code": "\n"}, []string{"/code", "/status"}},
		"something unknown":  {object{"status": 401, "token": "x"}, []string{"/token"}},
	} {
		r := w.call(w.key, "POST", path, test.body)
		r.wants(t, http.StatusUnprocessableEntity, "invalid-request")
		if got := r.pointers(); !slices.Equal(got, test.want) {
			t.Errorf("%s: errors at %v, want %v", name, got, test.want)
		}
	}
	w.call(w.key, "POST", path, `{"status":`).wants(t, http.StatusBadRequest, "malformed-request")
	if n := w.bank.Refreshes(); n != 0 {
		t.Errorf("%d refreshes for reports that were refused", n)
	}
}

func TestProof(t *testing.T) {
	t.Parallel()
	w, b, id := granted(t)
	w.pass(80 * day)
	link := w.call(w.key, "POST", "/v1/consents/"+id+"/renewal", nil)
	b.visit(strings.TrimPrefix(link.str("page_url"), w.url), sandbox.Customer{User: gudrun})
	w.call(w.key, "DELETE", "/v1/consents/"+id, nil)
	path := "/v1/consents/" + id + "/proof"
	w.call(w.otherKey, "GET", path, nil).wants(t, http.StatusNotFound, "not-found")
	r := w.call(w.key, "GET", path, nil)
	if r.status != http.StatusOK || r.str("app") != "Súpubúðin" || r.str("bank_name") != "Landsbankinn" || r.str("text_version") == "" || r.str("made_at") == "" {
		t.Fatalf("proof = %d %s", r.status, r.text)
	}
	c, _ := r.json["consent"].(map[string]any)
	if c["id"] != id || c["renewals"] != 1.0 || c["status"] != "terminatedByTpp" || c["ended_at"] == nil || c["authorized_at"] == nil {
		t.Errorf("consent = %v", c)
	}
	var events []string
	lines, _ := r.json["timeline"].([]any)
	for _, l := range lines {
		line := l.(map[string]any)
		events = append(events, line["event"].(string))
		if line["at"] == nil || line["actor"] == "" {
			t.Errorf("line = %v", line)
		}
	}
	for _, want := range []string{"requested", "granted", "renewed", "terminatedByTpp"} {
		if !slices.Contains(events, want) {
			t.Errorf("timeline = %v, lacks %s", events, want)
		}
	}
	for _, secret := range []string{gudrunID, "customer-canary-1", "Guðrún", gudrun} {
		if strings.Contains(r.text, secret) {
			t.Errorf("the proof names the customer: %s", r.text)
		}
	}
}

func TestErasure(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	other := w.call(w.key, "POST", "/v1/consents", object{"customer_reference": "somebody else", "bank": "sandbox", "return_to": "done"}).str("id")
	body := object{"customer_reference": "customer-canary-1"}
	foreign := w.call(w.otherKey, "POST", "/v1/erasures", body)
	if foreign.status != http.StatusOK || foreign.json["consents"] != 0.0 {
		t.Errorf("another app's customer = %d %s", foreign.status, foreign.text)
	}
	if got := w.status(id); got != "valid" {
		t.Fatalf("another app erased it: %s", got)
	}
	r := w.call(w.key, "POST", "/v1/erasures", body)
	if r.status != http.StatusOK || r.json["consents"] != 1.0 || r.str("reference") == "" || r.str("erased_at") == "" || strings.Contains(r.text, "canary") {
		t.Fatalf("erasure = %d %s", r.status, r.text)
	}
	for _, call := range [][2]string{{"GET", ""}, {"GET", "/proof"}, {"POST", "/token"}, {"DELETE", ""}, {"POST", "/renewal"}} {
		w.call(w.key, call[0], "/v1/consents/"+id+call[1], nil).wants(t, http.StatusNotFound, "not-found")
	}
	if got := w.status(other); got != "received" {
		t.Errorf("somebody else's consent is %q", got)
	}
	for _, bad := range []any{object{}, object{"customer_reference": ""}, object{"customer_reference": strings.Repeat("x", 129)}, object{"customer_reference": "a\nb"}} {
		r := w.call(w.key, "POST", "/v1/erasures", bad)
		r.wants(t, http.StatusUnprocessableEntity, "invalid-request")
		if got := r.pointers(); !slices.Equal(got, []string{"/customer_reference"}) {
			t.Errorf("errors at %v", got)
		}
	}
}
