package sandbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

func adminRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, func(c *sandbox.Config) { c.AdminToken = "let-me-in" })
}

func (r *rig) adminCall(method, path, body string) *http.Response {
	r.t.Helper()
	req := r.request(method, "/admin/"+path, body)
	req.Header.Set("Authorization", "Bearer let-me-in")
	return r.do(req)
}

func TestAdminNeedsItsToken(t *testing.T) {
	t.Parallel()
	r := adminRig(t)
	for _, header := range []string{"", "Bearer wrong", "Bearer ", "let-me-in"} {
		req := r.request(http.MethodPost, "/admin/keys", "")
		req.Header.Set("Authorization", header)
		if got := r.do(req).StatusCode; got != http.StatusUnauthorized {
			t.Errorf("Authorization %q = %d, want 401", header, got)
		}
	}
	off := newRig(t)
	for _, header := range []string{"Bearer ", "Bearer let-me-in"} {
		req := off.request(http.MethodGet, "/admin/state", "")
		req.Header.Set("Authorization", header)
		if got := off.do(req).StatusCode; got != http.StatusNotFound {
			t.Errorf("without a token in the config: %d, want 404", got)
		}
	}
}

func TestAdminFaults(t *testing.T) {
	t.Parallel()
	r := adminRig(t)
	jwks := func() *http.Response { return r.do(r.request(http.MethodGet, "/pf/JWKS", "")) }
	r.adminCall(http.MethodPost, "faults", `{"endpoint":"jwks","count":2,"status":503,"retry_after":"3s"}`)
	for range 2 {
		if res := jwks(); res.StatusCode != 503 || res.Header.Get("Retry-After") != "3" {
			t.Errorf("answer = %s, want 503 with Retry-After 3", res.Status)
		}
	}
	if got := jwks().StatusCode; got != 200 {
		t.Errorf("after the faults = %d, want 200", got)
	}
	r.adminCall(http.MethodPost, "faults", `{"endpoint":"jwks","html":true}`)
	if got := jwks().Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type = %q, want HTML", got)
	}
	r.adminCall(http.MethodPost, "faults", `{"endpoint":"jwks","lose_answer":true,"delay":"1ms"}`)
	if _, err := r.http.Do(r.request(http.MethodGet, "/pf/JWKS", "")); err == nil {
		t.Error("the answer was not lost")
	}
	for _, path := range []string{"faults", "faults?endpoint=jwks"} {
		r.adminCall(http.MethodPost, "faults", `{"endpoint":"jwks","count":5}`)
		r.adminCall(http.MethodDelete, path, "")
		if got := jwks().StatusCode; got != 200 {
			t.Errorf("after DELETE %s = %d, want 200", path, got)
		}
	}
}

func TestAdminRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	r := adminRig(t)
	for path, bodies := range map[string][]string{
		"faults":   {`{"endpoint":"nowhere"}`, `{"endpoint":"jwks","statuss":1}`, `{"endpoint":"jwks","status":99}`, `{"endpoint":"jwks","count":0}`, `{"endpoint":"jwks","delay":"soon"}`, `{`},
		"withdraw": {`{"user":"NOBODY"}`, `{"usr":""}`},
		"narrow":   {`{"user":"NOBODY"}`, `{"user":"JONGUNARS","scopes":["all"]}`},
		"bar":      {`{"user":"NOBODY"}`},
		"clock":    {`{"advance":"tomorrow"}`, `{"advance":5}`},
	} {
		for _, body := range bodies {
			if got := r.adminCall(http.MethodPost, path, body).StatusCode; got != http.StatusBadRequest {
				t.Errorf("%s %s = %d, want 400", path, body, got)
			}
		}
	}
	if got := r.adminCall(http.MethodDelete, "faults?endpoint=nowhere", "").StatusCode; got != http.StatusBadRequest {
		t.Errorf("DELETE of an unknown endpoint = %d, want 400", got)
	}
}

func TestAdminSwitches(t *testing.T) {
	t.Parallel()
	r := adminRig(t)
	r.adminCall(http.MethodPost, "narrow", `{"user":"jongunnars","scopes":["openid","payments"]}`)
	got := r.grant("JONGUNARS")
	if got.Scope != "openid payments" {
		t.Errorf("scope after narrow = %q", got.Scope)
	}
	r.adminCall(http.MethodPost, "bar", `{"user":"JONGUNARS","barred":true}`)
	if name := r.row(r.pay(got.Access, "1", order())).Name; name != "NotAuthorizedToPost" {
		t.Errorf("payment after bar = %q", name)
	}
	r.adminCall(http.MethodPost, "keys", "")
	r.verify(r.refresh(got.Refresh).ID)

	var state struct {
		Now       time.Time
		Rotation  string
		Refreshes int
		Endpoints map[string]struct{ Calls int }
		Users     []struct {
			Grants int `json:"grants"`
		}
	}
	r.decode(r.adminCall(http.MethodGet, "state", ""), &state)
	if state.Rotation != "none" || state.Refreshes != 1 || state.Endpoints["token"].Calls != 2 || len(state.Users) != 6 || state.Users[0].Grants != 1 {
		t.Errorf("state = %+v", state)
	}
	var ended map[string]int
	r.decode(r.adminCall(http.MethodPost, "withdraw", `{"user":"JONGUNARS","client_id":"shop"}`), &ended)
	if ended["ended"] != 1 || r.works(got.Access) {
		t.Errorf("withdraw = %v", ended)
	}
	var moved map[string]time.Time
	r.decode(r.adminCall(http.MethodPost, "clock", `{"advance":"2160h"}`), &moved)
	if d := moved["now"].Sub(state.Now); d < 90*day || d > 91*day {
		t.Errorf("the clock moved by %v, want 90 days", d)
	}
}
