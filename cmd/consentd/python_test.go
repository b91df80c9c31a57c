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
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/notify/webhook"
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
