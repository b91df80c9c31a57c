package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/notify/webhook"
)

// told is a webhook that arrived and was verified.
type told struct {
	Type string `json:"type"`
	Data struct {
		ConsentID   string `json:"consent_id"`
		Status      string `json:"status"`
		WarningDays int    `json:"warning_days"`
		Cause       struct{ Actor, Code string }
	} `json:"data"`
}

// living is a site that does what is due every second, and tells by mail and
// webhook.
type living struct {
	*site
	post  *postbox
	hooks chan told
}

func newLiving(t *testing.T) *living {
	t.Helper()
	l := &living{site: newSite(t, redistest.Start(t)), post: newPostbox(t), hooks: make(chan told, 100)}
	secret := webhook.NewSecret()
	verifier, err := standard.NewWebhook(secret.Reveal())
	must(t, err)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got told
		if err := verifier.VerifyIgnoringTimestamp(body, r.Header); err != nil { // the clock was moved
			t.Errorf("webhook: %v", err)
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("webhook: %v", err)
		}
		l.hooks <- got
	}))
	t.Cleanup(app.Close)
	host, port, err := net.SplitHostPort(l.post.addr)
	must(t, err)
	l.append(fmt.Sprintf("    webhook: {url: %q, secrets: [%s]}\nwork: {every: 1s}\nwarn: {quiet_from: none, quiet_until: none}\n"+
		"mail: {host: %s, port: %s, tls: none, from: no-reply@consent.test}\n", app.URL, secret.Reveal(), host, port))
	return l
}

func (l *living) append(text string) {
	l.t.Helper()
	f, err := os.OpenFile(l.config, os.O_APPEND|os.O_WRONLY, 0)
	must(l.t, err)
	_, err = f.WriteString(text)
	must(l.t, err)
	must(l.t, f.Close())
}

// next waits for what is told next, by both channels.
func (l *living) next(typ, subject string) told {
	l.t.Helper()
	var got told
	for range 2 {
		select {
		case got = <-l.hooks:
			if got.Type != typ {
				l.t.Fatalf("the app is told %+v, want %s", got, typ)
			}
		case mail := <-l.post.mails:
			if !strings.Contains(strings.ReplaceAll(mail, "=\n", ""), subject) {
				l.t.Fatalf("the customer is told\n%s\nwant %q", mail, subject)
			}
		case <-time.After(20 * time.Second):
			l.t.Fatalf("nobody says %s\n%s", typ, l.log)
		}
	}
	return got
}

// running is a program that serves with a front of the test's own.
type running struct {
	admin string
	stop  context.CancelFunc
	ended chan error
}

func (l *living) run(front func(http.Handler) http.Handler) *running {
	l.t.Helper()
	c, err := config.Load(l.config, nil)
	must(l.t, err)
	p, err := assembly.Build(c, assembly.Outside{Bank: l.bank, Now: l.now, Log: newLog(l.log, config.LogJSON, l.level), Version: "v-test"})
	must(l.t, err)
	p.Public = front(p.Public)
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	must(l.t, err)
	ctx, cancel := context.WithCancel(l.t.Context())
	r := &running{admin: "http://" + admin.Addr().String(), stop: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- p.Serve(ctx, assembly.Listeners{Public: l.public, Admin: admin}, 20*time.Second) }()
	return r
}

func (r *running) metric(t *testing.T, name string) float64 {
	t.Helper()
	res, err := http.Get(r.admin + "/metrics")
	must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(t, err)
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `(?:,[^}]*\})? (\S+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("there is no metric %s", name)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	must(t, err)
	return v
}

// TestServeLivesOn takes one consent through its life: nobody asks for
// anything, and everybody is told.
func TestServeLivesOn(t *testing.T) {
	t.Parallel()
	l := newLiving(t)
	hold, held := make(chan struct{}), make(chan struct{})
	r := l.run(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hold" {
				close(held)
				<-hold
			}
			h.ServeHTTP(w, r)
		})
	})
	id := l.grant()
	if got := l.next("consent.granted", "is connected to"); got.Data.ConsentID != string(id) || got.Data.Status != "valid" {
		t.Errorf("told %+v", got)
	}
	l.ahead.Add(int64(84 * 24 * time.Hour))
	if got := l.next("consent.expiring", "ends in 6 days"); got.Data.WarningDays != 7 {
		t.Errorf("told %+v", got)
	}
	if l.bank.Refreshes() != 1 {
		t.Errorf("%d refreshes at the bank, want the probe's", l.bank.Refreshes())
	}
	l.ahead.Add(int64(10 * 24 * time.Hour))
	if got := l.next("consent.expired", "ended on"); got.Data.Status != "expired" || got.Data.Cause.Code != "lapsed" {
		t.Errorf("told %+v", got)
	}
	var worked float64
	for worked == 0 { // the run that told may not have ended
		worked = r.metric(t, `consentd_job_last_success_timestamp_seconds{job="work"}`)
	}
	if time.Since(time.UnixMilli(int64(worked*1000))) > time.Minute {
		t.Errorf("work last succeeded at %f", worked)
	}
	if got := r.metric(t, `consentd_build_info{go_version="`+runtime.Version()+`"`); got != 1 {
		t.Errorf("consentd_build_info = %f", got)
	}
	l.wantsNoSecretsLogged(address)

	// While the last request is finished, operators see that no more are
	// wanted.
	go func() { _, _ = call(t, "", "GET", l.url()+"/hold", nil) }()
	<-held
	r.stop()
	for status := 0; status != http.StatusServiceUnavailable; {
		got, err := call(t, "", "GET", r.admin+"/readyz", nil)
		must(t, err)
		status = got.status
	}
	if live, err := call(t, "", "GET", r.admin+"/livez", nil); err != nil || live.status != http.StatusOK {
		t.Errorf("/livez of a stopping process = %d, %v", live.status, err)
	}
	close(hold)
	if err := <-r.ended; err != nil {
		t.Errorf("Serve = %v", err)
	}
}

func TestBuildRefusesAnUnknownSpec(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	for _, spec := range []string{"0 0 31 2 *", "@sometimes", "a b c d e"} {
		got := consentd(t, []string{"CONSENTD_WORK_EVERY=" + spec}, "", "config", "check", "--files", "--config", s.config)
		got.says(t, exitFailure, "work.every", spec)
	}
}
