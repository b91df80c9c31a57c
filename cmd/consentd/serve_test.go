package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

// service is a consentd that serves.
type service struct {
	listen, admin string
	log           *record
	stop          context.CancelFunc
	ended         chan int
}

// serve runs the program and returns when it says where it listens.
func serve(t *testing.T, s *site, environ ...string) *service {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	v := &service{log: &record{}, stop: cancel, ended: make(chan int, 1)}
	serving := v.log.line(`"msg":"serving"`)
	go func() {
		v.ended <- run(ctx, []string{"serve", "--config", s.config}, environ, strings.NewReader(""), &bytes.Buffer{}, v.log)
	}()
	v.learn(t, serving)
	return v
}

func (v *service) learn(t *testing.T, serving <-chan string) {
	t.Helper()
	select {
	case line := <-serving:
		var at struct {
			Listen string `json:"listen"`
			Admin  string `json:"admin_listen"`
		}
		must(t, json.Unmarshal([]byte(line), &at))
		v.listen, v.admin = "http://"+at.Listen, "http://"+at.Admin
	case code := <-v.ended:
		t.Fatalf("serve ended with %d:\n%s", code, v.log)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	v := serve(t, s)
	for path, want := range map[string]string{"/livez": "ok", "/readyz": "ok"} {
		if got, err := call(t, "", "GET", v.admin+path, nil); err != nil || got.status != http.StatusOK || got.str("status") != want {
			t.Errorf("GET %s = %d %v, %v", path, got.status, got.json, err)
		}
	}
	consentd(t, nil, "", "healthcheck", "--address", strings.TrimPrefix(v.admin, "http://")).says(t, exitOK)

	for name, test := range map[string]struct {
		with bool
		path string
		want int
	}{
		"no key":          {path: "/v1/consents/" + aConsent, want: http.StatusUnauthorized},
		"unknown consent": {with: true, path: "/v1/consents/" + aConsent, want: http.StatusNotFound},
	} {
		key := s.key
		if !test.with {
			key = ""
		}
		if got, err := call(t, key, "GET", v.listen+test.path, nil); err != nil || got.status != test.want {
			t.Errorf("%s: %d, %v, want %d", name, got.status, err, test.want)
		}
	}
	made := s.call("POST", v.listen+"/v1/consents", map[string]any{"customer_reference": customer, "bank": "sandbox", "return_to": "done"})
	if made.status != http.StatusCreated || !strings.HasPrefix(made.str("page_url"), s.url()) {
		t.Errorf("POST /v1/consents = %d %v", made.status, made.json)
	}

	v.stop()
	if code := <-v.ended; code != exitOK {
		t.Errorf("serve ended with %d:\n%s", code, v.log)
	}
	for _, want := range []string{`"version":"consentd `, `"msg":"stopping"`, `"msg":"stopped"`, `"warning":"environment: test`} {
		if !strings.Contains(v.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, v.log)
		}
	}
	for _, canary := range []string{customer, secret, s.key.Reveal()} {
		if strings.Contains(v.log.String(), canary) {
			t.Error("the log holds a secret or personal data")
		}
	}
}

func TestHealthcheckWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	v := serve(t, s, "CONSENTD_LOG_FORMAT=json")
	s.redis.Kill()
	consentd(t, nil, "", "healthcheck", "--address", strings.TrimPrefix(v.admin, "http://")).says(t, exitFailure, "not ready (503")
	if live, err := call(t, "", "GET", v.admin+"/livez", nil); err != nil || live.status != http.StatusOK {
		t.Errorf("/livez = %d, %v: a process without Redis must not be killed for it", live.status, err)
	}
	v.stop()
	if code := <-v.ended; code != exitOK {
		t.Errorf("serve ended with %d:\n%s", code, v.log)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	good := redistest.Start(t)
	for name, test := range map[string]struct {
		redis   func() *redistest.Server
		spoil   func(s *site)
		environ []string
		says    []string
		manual  string // what docs/operations.md calls it
	}{
		"Redis without persistence": {
			redis:  func() *redistest.Server { return redistest.Start(t, "--appendonly", "no") },
			says:   []string{"redis appendonly is no: a restart loses grants", "set it to yes", "redis.allow_volatile: true"},
			manual: "redis appendonly is",
		},
		"Redis that evicts": {
			redis:  func() *redistest.Server { return redistest.Start(t, "--maxmemory-policy", "allkeys-lru") },
			says:   []string{"redis maxmemory-policy is allkeys-lru", "set it to noeviction"},
			manual: "redis maxmemory-policy is",
		},
		"no Redis": {
			environ: []string{"CONSENTD_REDIS_ADDRESSES=127.0.0.1:1"},
			says:    []string{"redis cannot be reached", "127.0.0.1:1", "connection refused"},
			manual:  "redis cannot be reached",
		},
		"keys that others can read": {
			spoil:  func(s *site) { must(t, os.Chmod(s.keys, 0o644)) },
			says:   []string{"mode 0644", "chmod 600 "},
			manual: "so that others can read the keys",
		},
		"no keys": {
			spoil:  func(s *site) { must(t, os.Remove(s.keys)) },
			says:   []string{"keys_file", "no such file", "make one with: consentd keys init "},
			manual: "make one with: consentd keys init",
		},
		"keys of something else": {
			spoil:  func(s *site) { must(t, os.WriteFile(s.keys, []byte(`{"grant":{}}`), 0o600)) },
			says:   []string{"keys_file", "grant keyset"},
			manual: "keyset",
		},
		"an address in use": {
			environ: []string{"CONSENTD_LISTEN=" + good.Addr},
			says:    []string{"listen: ", "address already in use"},
			manual:  "address already in use",
		},
		"an admin address in use": {
			environ: []string{"CONSENTD_ADMIN_LISTEN=" + good.Addr},
			says:    []string{"admin_listen: ", "address already in use"},
			manual:  "address already in use",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := good
			if test.redis != nil {
				redis = test.redis()
			}
			s := newSite(t, redis)
			if test.spoil != nil {
				test.spoil(s)
			}
			got := consentd(t, test.environ, "", "serve", "--config", s.config)
			got.says(t, exitFailure, append(test.says, "consentd: cannot start: ", test.manual)...)
			if !strings.Contains(read(t, "docs/operations.md"), test.manual) {
				t.Errorf("docs/operations.md does not explain %q", test.manual)
			}
			if strings.Contains(got.talk, `"msg":"serving"`) {
				t.Error("it served all the same")
			}
		})
	}
}

func TestServeOnVolatileRedisIsLoud(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t, "--appendonly", "no"))
	v := serve(t, s, "CONSENTD_REDIS_ALLOW_VOLATILE=true")
	v.stop()
	<-v.ended
	if !strings.Contains(v.log.String(), "may lose grants") {
		t.Errorf("the log does not warn:\n%s", v.log)
	}
}

// process starts consentd as a process of its own.
func process(t *testing.T, s *site, environ ...string) (*exec.Cmd, *service) {
	t.Helper()
	v := &service{log: &record{}, ended: make(chan int, 1)}
	serving := v.log.line(`"msg":"serving"`)
	cmd := exec.Command(os.Args[0], "serve")
	cmd.Env = append([]string{asMain + "=1", config.ConfigVariable + "=" + s.config}, environ...)
	cmd.Stderr = v.log
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() {
		_ = cmd.Wait()
		v.ended <- cmd.ProcessState.ExitCode()
	}()
	v.learn(t, serving)
	return cmd, v
}

func TestSignalStopsServe(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd, v := process(t, newSite(t, redistest.Start(t)))
		must(t, cmd.Process.Signal(signal))
		if code := <-v.ended; code != exitOK || !strings.Contains(v.log.String(), `"msg":"stopped"`) {
			t.Errorf("after %s: exit code %d:\n%s", signal, code, v.log)
		}
	}
}

// TestSecondSignalEndsServe keeps a request half sent, for which a stopping
// server would wait for seconds.
func TestSecondSignalEndsServe(t *testing.T) {
	t.Parallel()
	cmd, v := process(t, newSite(t, redistest.Start(t)))
	conn, err := net.Dial("tcp", strings.TrimPrefix(v.listen, "http://"))
	must(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: half-sent\r\n"))
	must(t, err)
	if got, err := call(t, "", "GET", v.admin+"/livez", nil); err != nil || got.status != http.StatusOK {
		t.Fatalf("/livez = %d, %v", got.status, err)
	}
	stopping := v.log.line(`"msg":"stopping"`)
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	<-stopping
	start := time.Now()
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	if code := <-v.ended; code == exitOK || time.Since(start) > 3*time.Second || strings.Contains(v.log.String(), `"msg":"stopped"`) {
		t.Errorf("the second signal: exit code %d after %s:\n%s", code, time.Since(start), v.log)
	}
}
