package staff

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox/workforce"
)

// TestEveryRouteByEveryRole walks the routes as everybody, against a table
// that is written out here: a new route fails until somebody has said who may.
func TestEveryRouteByEveryRole(t *testing.T) {
	t.Parallel()
	const all, none = "support auditor admin", "anybody"
	want := map[string]string{
		"GET /static/:name": none, "GET /robots.txt": none, "GET /sign-in": none, "POST /sign-in": none, "GET /callback": none,
		"POST /back-channel-logout": none, "POST /sign-out": all, "GET /": all, "POST /find": all, "GET /found": all, "POST /found/look": all, "GET /overview": all, "GET /desk": all,
		"GET /consents/:id": all, "POST /consents/:id/look": all,
		"POST /consents/:id/link": "support admin", "POST /consents/:id/send": "support admin",
		"GET /consents/:id/stop": "support admin", "POST /consents/:id/stop": "support admin",
		"POST /desk/resend": "support admin", "POST /desk/lift": "admin", "POST /desk/replay": "admin",
		"GET /audit": "auditor admin", "POST /audit/export": "auditor admin", "POST /audit/sign-out": "admin",
	}
	w := newWorld(t)
	if len(w.server.table) != len(want) {
		t.Errorf("%d routes, want %d", len(w.server.table), len(want))
	}
	for _, r := range w.server.table {
		who, known := want[r.method+" "+r.path]
		if !known {
			t.Errorf("%s %s: nobody has said who may", r.method, r.path)
			continue
		}
		address := strings.NewReplacer(":id", string(w.id), ":name", "staff.css").Replace(r.path)
		stranger := w.browser().do(r.method, address, nil)
		if toDoor := strings.HasPrefix(stranger.header.Get("Location"), "/sign-in?to="); toDoor == (who == none) || strings.Contains(stranger.text, string(w.id)) {
			t.Errorf("%s %s without a session = %d to %q\n%s", r.method, r.path, stranger.status, stranger.header.Get("Location"), stranger.text)
		}
		if who == none {
			continue
		}
		for subject, role := range map[string]string{"audur": "support", "bjorn": "auditor", "dagny": "admin"} {
			w.clock = w.clock.Add(2 * time.Second) // or signing in would be too often
			b := w.browser().signIn(subject).do(r.method, address, nil)
			if refused := b.status == http.StatusForbidden; refused == strings.Contains(who, role) {
				t.Errorf("%s %s as %s = %d", r.method, r.path, role, b.status)
			}
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().get("/overview").want(http.StatusSeeOther)
	if to := b.header.Get("Location"); to != "/sign-in?to=%2Foverview" {
		t.Errorf("sent to %q", to)
	}
	b.get("/sign-in?to=%2Foverview").want(http.StatusOK, `value="/overview"`)
	if policy := b.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' "+issuer+" https:") {
		t.Errorf("policy = %q, want the form to lead to the provider", policy)
	}
	back := b.toProvider("audur", "/overview")
	before := b.cookie.Value
	b.get(back.RequestURI()).want(http.StatusSeeOther)
	if b.header.Get("Location") != "/overview" || b.cookie.Value == before {
		t.Errorf("sent to %q; session id is another one: %t", b.header.Get("Location"), b.cookie.Value != before)
	}
	b.get("/overview").want(http.StatusOK, "Auður", "support", "Sign out")
	stolen := w.browser()
	stolen.cookie = &http.Cookie{Name: "__Host-staff", Value: before}
	stolen.get("/overview").want(http.StatusSeeOther)
	b.get(back.RequestURI()).want(http.StatusForbidden, "came to nothing")
}

func TestNobodyIsSignedInWrongly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	back := b.toProvider("dagny", "/")
	w.browser().get(back.RequestURI()).want(http.StatusForbidden) // another browser's return
	b.get("/callback?" + url.Values{"state": {"x"}, "code": {"y"}, "iss": {issuer}}.Encode()).want(http.StatusForbidden)
	b.get(back.RequestURI()).want(http.StatusForbidden) // the trip was used up
	w.browser().signIn("egill").want(http.StatusForbidden, "in no group")
	for fault, says := range map[workforce.Fault]string{
		workforce.FaultWeakACR: "second factor", workforce.FaultOldAuthTime: "second factor", workforce.FaultNoGroups: "in no group",
		workforce.FaultForeignKey: "came to nothing", workforce.FaultWrongNonce: "came to nothing",
	} {
		w.company.Fail(fault)
		b := w.browser().signIn("dagny").want(http.StatusForbidden, says)
		b.get("/overview").want(http.StatusSeeOther)
	}
	late := w.browser()
	back = late.toProvider("dagny", "/")
	w.clock = w.clock.Add(11 * time.Minute)
	late.get(back.RequestURI()).want(http.StatusForbidden)
}

func TestAnUnknownSessionIsNotAdopted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.cookie = &http.Cookie{Name: "__Host-staff", Value: "chosen-by-somebody-else-chosen-by-somebody"}
	b.signIn("audur")
	if b.cookie.Value == "chosen-by-somebody-else-chosen-by-somebody" {
		t.Error("a session id that the browser brought along was adopted")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idle := w.browser().signIn("audur")
	for range 4 {
		w.clock = w.clock.Add(14 * time.Minute)
		idle.get("/overview").want(http.StatusOK)
	}
	w.clock = w.clock.Add(15 * time.Minute)
	idle.get("/overview").want(http.StatusSeeOther)

	busy := w.browser().signIn("audur")
	for range 8 * 60 / 10 {
		busy.get("/overview").want(http.StatusOK)
		w.clock = w.clock.Add(10 * time.Minute)
	}
	busy.get("/overview").want(http.StatusSeeOther)

	out := w.browser().signIn("audur")
	kept := *out.cookie
	out.post("/sign-out").want(http.StatusSeeOther)
	if out.cookie != nil {
		t.Error("the cookie stays after signing out")
	}
	out.cookie = &kept
	out.get("/overview").want(http.StatusSeeOther)
}

func TestAnAdminEndsSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin, one, two, other := w.browser().signIn("dagny"), w.browser().signIn("audur"), w.browser().signIn("audur"), w.browser().signIn("bjorn")
	w.clock = w.clock.Add(time.Second)
	admin.post("/audit/sign-out", "staff", "audur").want(http.StatusSeeOther)
	one.get("/overview").want(http.StatusSeeOther)
	two.get("/overview").want(http.StatusSeeOther)
	other.get("/overview").want(http.StatusOK)
	admin.get("/audit").want(http.StatusOK, "end_sessions", "Every session of audur has ended")
	w.clock = w.clock.Add(time.Second)
	one.signIn("audur").get("/overview").want(http.StatusOK)
}

func TestProviderDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cut = true
	b := w.browser().get("/sign-in").want(http.StatusOK, "does not answer at the moment")
	b.post("/sign-in").want(http.StatusServiceUnavailable, "does not answer")
	w.cut = false
	b.signIn("audur").get("/").want(http.StatusOK, "Find")
}

func TestSignInsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	colleague, b := w.browser().signIn("dagny"), w.browser()
	for range defaultSignIns.Requests - 2 {
		b.post("/sign-in").want(http.StatusSeeOther)
	}
	b.post("/sign-in").want(http.StatusTooManyRequests, "Too many sign-ins at once")
	if b.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After = %q", b.header.Get("Retry-After"))
	}
	b.get("/callback?code=x&state=y").want(http.StatusTooManyRequests)
	colleague.get("/overview").want(http.StatusOK) // whoever is signed in works on
	w.browser().do(http.MethodPost, "/sign-in", nil, func(r *http.Request) { r.RemoteAddr = "198.51.100.7:1234" }).want(http.StatusSeeOther)
	w.clock = w.clock.Add(2 * time.Second)
	b.signIn("audur").get("/overview").want(http.StatusOK)
}

func TestForeignRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("dagny")
	address := "/consents/" + string(w.id) + "/stop"
	for name, change := range map[string]func(*http.Request){
		"another site": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "https://evil.test")
		},
		"the customers’": func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-site")
			r.Header.Set("Origin", "https://consent.example.test")
		},
		"no header at all": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Del("Origin") },
	} {
		b.do(http.MethodPost, address, url.Values{"reason": {"x"}}, change).want(http.StatusForbidden, "not ours")
		if b.status == http.StatusOK {
			t.Error(name)
		}
	}
	b.do(http.MethodGet, "/", nil, func(r *http.Request) { r.Host = "consent.example.test" }).want(http.StatusMisdirectedRequest)
	b.get("/nowhere").want(http.StatusNotFound)
	for to, want := range map[string]string{"//evil.test": "/", "https://evil.test/": "/", `/\evil.test`: "/", "/overview?x=1": "/overview?x=1", "javascript:x": "/", "": "/"} {
		if got := ourPath(to); got != want {
			t.Errorf("ourPath(%q) = %q, want %q", to, got, want)
		}
	}
}

// TestLookingAsksWhyAndIsOnRecord: nothing of a customer before a reason.
func TestLookingAsksWhyAndIsOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("audur")
	page := "/consents/" + string(w.id)
	b.get(page).want(http.StatusOK, "Why do you look")
	if strings.Contains(b.text, "Súpubúðin") || strings.Contains(b.text, "Landsbankinn") {
		t.Errorf("the customer’s consent is shown before a reason:\n%s", b.text)
	}
	b.get(page + "/stop").want(http.StatusSeeOther)
	b.post(page+"/look", "other", " ").want(http.StatusUnprocessableEntity)
	b.post(page+"/look", "other", "Guðrún rang twice").want(http.StatusSeeOther)
	b.get(page).want(http.StatusOK, "Asked for on", "the customer has not gone to the bank yet", "Guðrún rang twice", "looked at this")
	b.post("/find", "what", "customer-17", "by", "app:shop").want(http.StatusSeeOther)
	b.post("/find", "what", "0101902989", "by", "id:kennitala").want(http.StatusOK, "Nothing found")
	b.post("/find", "what", "not a number", "by", "id:kennitala").want(http.StatusUnprocessableEntity)
	b.post("/find", "what", string(w.id), "by", "request:").want(http.StatusSeeOther)
	acts, err := w.desk.Audit(t.Context(), 0, 100)
	must(t, err)
	var words []string
	for _, a := range acts {
		words = append(words, a.Action)
		if strings.Contains(a.Detail+a.Reason, "customer-17") || strings.Contains(a.Detail+a.Reason, "0101902989") {
			t.Errorf("what was typed is on record: %+v", a)
		}
	}
	if got := strings.Join(words, " "); got != "sign_in see find find find" {
		t.Errorf("on record: %s", got)
	}
	if strings.Contains(w.log.String(), "customer-17") || strings.Contains(w.log.String(), "0101902989") || strings.Contains(w.log.String(), "Guðrún") {
		t.Errorf("what was typed is in the log:\n%s", w.log.String())
	}
}

func TestActsOfSupport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("audur")
	page := "/consents/" + string(w.id)
	b.post(page+"/link").want(http.StatusUnprocessableEntity, "reason") // nobody looked, nobody said why
	b.post(page+"/look", "reason", "customer-called")
	b.post(page+"/link").want(http.StatusOK, "https://consent.example.test/c/", "Give this link")
	if b.get(page).want(http.StatusOK, "Copy a link"); strings.Contains(b.text, "Mail a renewal link") || strings.Contains(b.text, "Send the link") {
		t.Errorf("a mail is offered that leads nowhere, before anything was granted:\n%s", b.text)
	}
	b.post(page+"/send").want(http.StatusConflict, "Copy a link instead")
	b.get(page+"/stop").want(http.StatusOK, "Stop Súpubúðin’s access to Landsbankinn?", "Payments through Súpubúðin will no longer work", "Súpubúðin is told which of these it is")
	b.post(page+"/stop").want(http.StatusUnprocessableEntity, "Give a reason")
	b.post(page+"/stop", "reason", "customer-asked").want(http.StatusSeeOther)
	b.get(page).want(http.StatusOK, "Stopped on", "our staff (audur) ended it: The customer asked for it", "Stopped. No token")
	b.get(page).want(http.StatusOK)
	if strings.Contains(b.text, "Stopped. No token") {
		t.Error("what is said once is said twice")
	}
	b.post(page+"/link").want(http.StatusConflict, "It stays ended")
}

func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("bjorn").post("/audit/export").want(http.StatusUnprocessableEntity, "reason must be given")
	b.post("/audit/export", "other", "Monthly review").want(http.StatusOK, `"action":"sign_in"`, `"action":"export"`, `"role":"auditor"`, `"reason":"Monthly review"`)
	must(t, w.desk.Record(t.Context(), consent.Act{Staff: consent.Staff{ID: "erla"}, Action: consent.ActSee, Consent: w.id}))
	b.post("/audit/export", "other", "Monthly review")
	var lines []consent.ExportedAct
	for line := range strings.Lines(b.text) { // as the command line has them
		var a consent.ExportedAct
		read := json.NewDecoder(strings.NewReader(line))
		read.DisallowUnknownFields()
		must(t, read.Decode(&a))
		lines = append(lines, a)
	}
	if len(lines) != 4 || lines[2].Consent != w.id || lines[2].Staff != "erla" || lines[3].At.IsZero() || b.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("lines = %+v of %s", lines, b.header.Get("Content-Type"))
	}
	b.get("/audit").want(http.StatusOK, "export", "sign_in")
}

// TestAuditBeginsWithTheNewest: a colleague's sign-in, and the button beside
// it, is not behind months of others.
func TestAuditBeginsWithTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 2*actsOnPage + 9 {
		must(t, w.desk.Record(t.Context(), consent.Act{Staff: consent.Staff{ID: "erla"}, Action: consent.ActFind, Detail: fmt.Sprintf("act-%d-", i+1)}))
	}
	b := w.browser().signIn("dagny") // act 110
	b.get("/audit").want(http.StatusOK, `value="dagny"`, "act-109-", "act-61-", "/audit?before=61")
	if strings.Contains(b.text, "act-60-") || strings.Index(b.text, "act-109-") > strings.Index(b.text, "act-61-") {
		t.Errorf("not the newest first:\n%s", b.text)
	}
	b.get("/audit?before=61").want(http.StatusOK, "act-60-", "act-11-", "/audit?before=11")
	if b.get("/audit?before=11").want(http.StatusOK, "act-10-", "act-1-"); strings.Contains(b.text, "before=") || strings.Contains(b.text, "act-11-") {
		t.Errorf("something is before the first:\n%s", b.text)
	}
	b.get("/audit?before=1").want(http.StatusOK, "Nothing further")
	b.get("/audit?before=9223372036854775807").want(http.StatusOK, "act-109-")
}

// TestHeaders of a page, of a refusal and of a file.
func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, address := range []string{"/sign-in", "/nowhere", "/robots.txt"} {
		h := w.browser().get(address).header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			h.Get("Strict-Transport-Security") == "" || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", address, h)
		}
	}
}

func TestRoleOf(t *testing.T) {
	byGroup := map[string]Role{"a": Auditor, "s": Support, "x": Admin}
	for groups, want := range map[string]Role{"": "", "other": "", "a": Auditor, "a s": Support, "s x a": Admin, "A": ""} {
		if got := roleOf(byGroup, strings.Fields(groups)); got != want {
			t.Errorf("roleOf(%s) = %q, want %q", groups, got, want)
		}
	}
}

var _ Desk = (*consent.Service)(nil)
