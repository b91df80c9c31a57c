package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/notify/webhook"
	"github.com/consentd/consentd/sandbox"
)

// longestLife of a payment service that was started by a test: then it is
// killed, and what waits for it fails.
const longestLife = 90 * time.Second

// elsewhere is the payment service of docs/examples/python, which knows of us
// what the reference says, and the browser of its customer.
type elsewhere struct {
	*living
	address string
	log     *bufio.Scanner
	browser *http.Client
	meets   atomic.Pointer[misfortune]
	arrived chan time.Time // at a path of misfortune
}

// misfortune is what the next request to a path meets.
type misfortune struct {
	path string
	does func(http.Handler, http.ResponseWriter, *http.Request)
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	e := &elsewhere{living: &living{site: newSite(t, redistest.Start(t))}, arrived: make(chan time.Time, 10)}
	bank := httptest.NewServer(e.bank)
	t.Cleanup(bank.Close)
	secret := webhook.NewSecret()
	e.start(map[string]string{
		"CONSENTD": e.url(), "CONSENTD_KEY": e.key.Reveal(), "BANK": "sandbox", "BANK_API": bank.URL, "BANK_API_KEY": apiKey,
		"WEBHOOK_SECRETS": secret.Reveal(), "LISTEN": "127.0.0.1:0",
	})
	e.address, _ = e.says("listening")["listening"].(string)
	text, err := os.ReadFile(e.config)
	must(t, err)
	must(t, os.WriteFile(e.config, bytes.ReplaceAll(text, []byte("https://shop.test/done"), []byte(e.address+"/done")), 0o600))
	e.append(fmt.Sprintf("    webhook: {url: %q, secrets: [%s]}\nwork: {every: 1s}\n", e.address+"/webhooks", secret.Reveal()))
	ended := e.run(e.front)
	t.Cleanup(func() { ended.stop(); <-ended.ended })
	e.browser = newBrowser(t)
	return e
}

func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// start starts the program, which ends with the test.
func (e *elsewhere) start(environ map[string]string) {
	e.t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		e.t.Fatal("python3 is not installed; `make test` installs it (Debian: apt-get install python3)")
	}
	ctx, cancel := context.WithTimeout(context.Background(), longestLife)
	program := exec.CommandContext(ctx, python, "-S", "-B", "-W", "error", "shop.py")
	program.Dir, program.Stderr = "../../docs/examples/python", e.site.log
	program.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range environ {
		program.Env = append(program.Env, name+"="+value)
	}
	out, err := program.StdoutPipe()
	must(e.t, err)
	must(e.t, program.Start())
	e.log = bufio.NewScanner(out)
	e.t.Cleanup(func() { cancel(); _ = program.Wait() })
}

// says is the next line of the program's log, which must be about this.
func (e *elsewhere) says(about string) map[string]any {
	e.t.Helper()
	if !e.log.Scan() {
		e.t.Fatalf("the program says nothing of %q any more:\n%s", about, e.site.log)
	}
	var line map[string]any
	must(e.t, json.Unmarshal(e.log.Bytes(), &line))
	if _, is := line[about]; !is {
		e.t.Fatalf("the program says %v, want something of %q", line, about)
	}
	return line
}

// hears waits until the program was told of an event and has asked for it.
func (e *elsewhere) hears(event, status string) map[string]any {
	e.t.Helper()
	first, second := e.says("heard"), e.says("heard")
	for _, line := range []map[string]any{first, second} {
		if line["heard"] != event || line["now"] != status {
			e.t.Fatalf("the program heard %v, want %s and %s", line, event, status)
		}
	}
	if first["by"] == second["by"] || first["id"] != second["id"] || first["again"] != false || second["again"] != true {
		e.t.Errorf("the program heard %v and then %v, want one event by both ways", first, second)
	}
	return first
}

// front is between the program and us, and brings misfortune.
func (e *elsewhere) front(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := e.meets.Load()
		if m == nil || !strings.HasSuffix(r.URL.Path, m.path) {
			h.ServeHTTP(w, r)
			return
		}
		e.arrived <- time.Now()
		e.meets.Store(&misfortune{path: m.path, does: func(h http.Handler, w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }})
		m.does(h, w, r)
	})
}

// asks is what the customer's browser asks of the payment service.
func (e *elsewhere) asks(method, path string, body any, want int) reply {
	e.t.Helper()
	return answered(e.t, e.browser, method, e.address+path, body, want)
}

func answered(t testing.TB, browser *http.Client, method, address string, body any, want int) reply {
	t.Helper()
	var raw []byte
	if body != nil {
		var err error
		raw, err = json.Marshal(body)
		must(t, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(raw))
	must(t, err)
	res, err := browser.Do(r)
	must(t, err)
	defer res.Body.Close()
	out := reply{status: res.StatusCode, header: res.Header}
	must(t, json.NewDecoder(res.Body).Decode(&out.json))
	if out.status != want {
		t.Fatalf("%s %s = %d %v, want %d", method, r.URL.Path, out.status, out.json, want)
	}
	return out
}

// trip takes the customer to the bank and back to the payment service.
func (e *elsewhere) trip(to string) reply {
	e.t.Helper()
	back := e.customersTrip(client.Secret(to))
	return e.asks("GET", "/done?"+back.RawQuery, nil, http.StatusOK)
}

// order is a payment of Guðrún's, from an account of hers.
func (e *elsewhere) order(id string) map[string]any {
	order := map[string]any{"id": id, "amount": 10}
	for _, u := range e.bank.Users() {
		if u.UserName == gudrun {
			order["from"] = u.Primary
		} else if u.Primary != "" {
			order["to"], order["owner"] = u.Primary, u.Kennitala
		}
	}
	return order
}

// pays fails unless the payment comes to this at the bank, and the program was
// told this of a refusal.
func (e *elsewhere) pays(order map[string]any, status int, verdict any) {
	e.t.Helper()
	got := e.asks("POST", "/pay", order, http.StatusOK)
	if got.json["status"] != float64(status) || got.json["verdict"] != verdict {
		e.t.Errorf("the payment came to %v, want %d and %v", got.json, status, verdict)
	}
}

// TestAnAppInAnotherLanguage plays a payment service that was written from the
// reference alone, as a process of its own, against the program on a real
// Redis and the sandbox bank.
func TestAnAppInAnotherLanguage(t *testing.T) {
	t.Parallel()
	e := newElsewhere(t)
	if me := e.says("app"); me["app"] != "shop" {
		t.Errorf("the program thinks that it is %v", me)
	}
	e.connects()
	e.isRefusedByTheBank()
	e.plansBeyondTheEnd()
	e.meetsOutages()
	e.losesTheGrant()
	e.stops()
}

// connects asks for a consent, whose answer gets lost once, and confirms the
// customer.
func (e *elsewhere) connects() {
	e.t.Helper()
	e.asks("POST", "/connect", nil, http.StatusForbidden)
	e.asks("POST", "/sign-in", map[string]string{"customer": customer}, http.StatusOK)
	e.meets.Store(&misfortune{path: "/v1/consents", does: func(h http.Handler, _ http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}})
	page := e.asks("POST", "/connect", nil, http.StatusOK).str("go")
	e.meets.Store(nil)
	if all, _ := e.asks("GET", "/consents", nil, http.StatusOK).json["consents"].([]any); len(e.arrived) != 2 || len(all) != 1 {
		e.t.Errorf("%d calls made %d consents, want 2 and 1", len(e.arrived), len(all))
	}
	if got := e.asks("POST", "/pay", e.order("early1"), http.StatusConflict); got.str("code") != "consent-pending" || got.str("go") == "" {
		e.t.Errorf("a payment before the customer went = %v", got.json)
	}

	back := e.customersTrip(client.Secret(page))
	if got := e.asks("POST", "/pay", e.order("early2"), http.StatusConflict); got.str("code") != "confirmation-required" || got.str("go") == "" {
		e.t.Errorf("a payment before the customer is confirmed = %v", got.json)
	}
	other := newBrowser(e.t.(*testing.T))
	answered(e.t, other, "POST", e.address+"/sign-in", map[string]string{"customer": "somebody-else"}, http.StatusOK)
	answered(e.t, other, "GET", e.address+"/done?"+back.RawQuery, nil, http.StatusForbidden)
	if got := e.asks("GET", "/done?"+back.RawQuery, nil, http.StatusOK); got.str("status") != "valid" || got.json["days_left"] != 90.0 {
		e.t.Errorf("the customer is back, and the consent is %v", got.json)
	}
	e.hears("consent.granted", "valid")
	e.pays(e.order("payment1"), http.StatusCreated, nil)
}

// isRefusedByTheBank for each reason that a 401 can have.
func (e *elsewhere) isRefusedByTheBank() {
	e.t.Helper()
	lost := sandbox.Fault{Status: http.StatusUnauthorized, Body: `{"code":"ERR_80102_000"}`}
	e.bank.Fail(sandbox.EndpointPayments, 1, lost)
	e.pays(e.order("payment2"), http.StatusCreated, "token-replaced")
	e.bank.Fail(sandbox.EndpointPayments, 1, sandbox.Fault{Status: http.StatusUnauthorized, Body: `{"code":"ERR_80102_110"}`})
	e.pays(e.order("payment3"), http.StatusUnauthorized, "not-about-the-token")
	e.bank.Fail(sandbox.EndpointPayments, 1, lost)
	e.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Status: http.StatusServiceUnavailable})
	if got := e.asks("POST", "/pay", e.order("payment4"), http.StatusServiceUnavailable); got.header.Get("Retry-After") != "60" {
		e.t.Errorf("a payment while the bank is out = %v", got.json)
	}
	e.pays(e.order("payment4"), http.StatusCreated, nil)
}

// plansBeyondTheEnd, by less than what passes until the customer renews.
func (e *elsewhere) plansBeyondTheEnd() {
	e.t.Helper()
	due := func(text string, after time.Duration) map[string]string {
		at, err := time.Parse(time.RFC3339, text)
		must(e.t, err)
		return map[string]string{"due": at.Add(after).Format(time.RFC3339)}
	}
	all, _ := e.asks("GET", "/consents", nil, http.StatusOK).json["consents"].([]any)
	now, _ := all[0].(map[string]any)
	end, _ := now["ends_at"].(string)
	e.asks("POST", "/plan", due(end, -time.Hour), http.StatusOK)
	refused := e.asks("POST", "/plan", due(end, 20*time.Second), http.StatusConflict)
	if refused.str("code") != "renewal-required" {
		e.t.Errorf("a payment beyond the end = %v", refused.json)
	}
	if told := e.hears("consent.expiring", "valid"); told["needed_until"] != due(end, 20*time.Second)["due"] {
		e.t.Errorf("the program heard %v, want until when it needs the consent", told)
	}
	e.ahead.Add(int64(40 * time.Second))
	if got := e.trip(refused.str("go")); got.json["renewals"] != 1.0 || got.str("ends_at") <= end {
		e.t.Errorf("after a renewal the consent is %v", got.json)
	}
	e.hears("consent.renewed", "valid")
	e.asks("POST", "/plan", due(end, 20*time.Second), http.StatusOK)
}

// meetsOutages which say after how long to ask again.
func (e *elsewhere) meetsOutages() {
	e.t.Helper()
	e.arrivals()
	e.meets.Store(&misfortune{path: "/token", does: func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"type":"/problems/rate-limited","title":"Too many requests","status":429,"detail":"…","code":"rate-limited","request_id":"r"}`))
	}})
	e.pays(e.order("payment5"), http.StatusCreated, nil)
	e.meets.Store(nil)
	if at := e.arrivals(); len(at) != 2 || at[1].Sub(at[0]) < time.Second {
		e.t.Errorf("the program asked at %v, want again after a second", at)
	}
}

// arrivals are the times at which calls have met misfortune, or would have.
func (e *elsewhere) arrivals() []time.Time {
	var all []time.Time
	for len(e.arrived) > 0 {
		all = append(all, <-e.arrived)
	}
	return all
}

// losesTheGrant: the customer withdraws at the bank, and connects again.
func (e *elsewhere) losesTheGrant() {
	e.t.Helper()
	e.bank.Withdraw(gudrun, "consentd")
	refused := e.asks("POST", "/pay", e.order("payment6"), http.StatusConflict)
	if refused.str("go") == "" {
		e.t.Errorf("a payment after the customer withdrew at the bank = %v", refused.json)
	}
	e.ahead.Add(int64(130 * time.Second)) // the bank might have refused many at once
	e.hears("consent.needs_renewal", "terminatedByAspsp")
	if got := e.trip(refused.str("go")); got.str("status") != "valid" {
		e.t.Errorf("after connecting again the consent is %v", got.json)
	}
	e.hears("consent.recovered", "valid")
	e.pays(e.order("payment6"), http.StatusCreated, nil)
}

// stops, asks for a new consent when the customer wants one, and forgets.
func (e *elsewhere) stops() {
	e.t.Helper()
	if got := e.asks("POST", "/stop", nil, http.StatusOK); got.str("status") != "terminatedByTpp" {
		e.t.Errorf("a consent that was stopped is %v", got.json)
	}
	e.hears("consent.revoked", "terminatedByTpp")
	if got := e.asks("POST", "/pay", e.order("payment7"), http.StatusGone); got.str("code") != "consent-revoked" || got.str("go") != "" {
		e.t.Errorf("a payment after the end = %v", got.json)
	}
	proof := e.asks("GET", "/proof", nil, http.StatusOK)
	if timeline, _ := proof.json["timeline"].([]any); proof.str("app") != "Shop" || len(timeline) < 5 {
		e.t.Errorf("proof = %v", proof.json)
	}
	if u, err := url.Parse(e.asks("POST", "/connect", nil, http.StatusOK).str("go")); err != nil || !strings.HasPrefix(u.Path, "/c/") {
		e.t.Errorf("the way to a new consent is %v", u)
	}
	answered(e.t, e.browser, "POST", e.address+"/webhooks", map[string]string{"type": "consent.granted"}, http.StatusUnauthorized)
	e.says("refused")
	if got := e.asks("POST", "/forget", nil, http.StatusOK); got.json["consents"] != 2.0 {
		e.t.Errorf("forgotten: %v", got.json)
	}
	e.redis.Kill()
	if got := e.asks("GET", "/consents", nil, http.StatusServiceUnavailable); got.header.Get("Retry-After") == "" {
		e.t.Errorf("while the storage is out: %v", got.json)
	}
}
