package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/consentd/consentd/client"
)

// screen is a standard output that tells when the address is printed.
type screen struct {
	safeBuffer
	ready chan string
}

var address = regexp.MustCompile(`(?s)Open  (http://\S+)\n.*Ctrl-C`)

func (s *screen) Write(p []byte) (int, error) {
	n, err := s.safeBuffer.Write(p)
	if m := address.FindStringSubmatch(s.String()); m != nil && s.ready != nil {
		s.ready <- m[1]
		s.ready = nil
	}
	return n, err
}

// TestRunKnowsAnAppOfTheReaders, by the key that it prints.
func TestRunKnowsAnAppOfTheReaders(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := make(chan string, 1)
	out, ended := &screen{ready: ready}, make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-addr", "localhost:0", "-app", "localhost:9000"}, out, &safeBuffer{})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("run = %v", err)
	}
	env := make(map[string]string)
	for _, m := range regexp.MustCompile(`export (\w+)=(\S+)`).FindAllStringSubmatch(out.String(), -1) {
		env[m[1]] = m[2]
	}
	c, err := client.New(client.Config{BaseURL: env["CONSENTD"], Key: client.Secret(env["CONSENTD_KEY"])})
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Create(ctx, client.Request{Reference: "me", Bank: env["BANK"], ReturnTo: "done"})
	if err != nil || made.Page.URL == "" || env["LISTEN"] != "localhost:9000" || !strings.HasPrefix(env["WEBHOOK_SECRETS"], "whsec_") {
		t.Errorf("Create = %v, %v\n%s", made, err, out)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run = %v, want nil after its context ended", err)
	}
}

func TestRunServesUntilItIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := make(chan string, 1)
	out, log, ended := &screen{ready: ready}, &safeBuffer{}, make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "localhost:0", "-rotation", "grace:30s"}, out, log) }()
	var base string
	select {
	case base = <-ready:
	case err := <-ended:
		t.Fatalf("run = %v", err)
	}
	for _, path := range []string{"/", "/inbox", "/static/style.css", "/static/icon.svg"} {
		res, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("GET %s = %d, want 200", path, res.StatusCode)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run = %v, want nil after its context ended", err)
	}
	for _, want := range []string{"NOTHING IS KEPT", "/inbox", "Everything is forgotten"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the start says nothing of %q:\n%s", want, out)
		}
	}
	if log.String() != "" {
		t.Errorf("something is to be looked at when nothing happened:\n%s", log)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, args := range map[string][]string{
		"unknown flag":  {"-nonsense"},
		"argument":      {"serve"},
		"rotation":      {"-rotation", "sometimes"},
		"short tokens":  {"-access-ttl", "5s"},
		"address":       {"-addr", "no-port"},
		"taken address": {"-addr", taken.Addr().String()},
		"taken bank":    {"-addr", "localhost:0", "-bank-addr", taken.Addr().String()},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%s: run succeeds", name)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out safeBuffer
	if err := run(t.Context(), []string{"-h"}, &out, io.Discard); err != nil || !strings.Contains(out.String(), "-access-ttl") {
		t.Errorf("run -h = %v:\n%s", err, &out)
	}
}

func TestTakenDefaultGivesWay(t *testing.T) {
	t.Parallel()
	if taken, err := net.Listen("tcp", defaultAddr); err == nil {
		defer taken.Close()
	} // else somebody else has it, which does as well
	l, err := listenFor("")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if site := siteOf("", l); site == "http://"+defaultAddr || !strings.HasPrefix(site, "http://localhost:") {
		t.Errorf("address = %s, want another port of localhost", site)
	}
}

func TestHalfTakenPortIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Log("no IPv6 here: there is no other half to take")
		return
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	if l, err := listen("localhost:" + port); err == nil {
		_ = l.Close()
		t.Error("listen succeeds on a port whose IPv6 half is somebody else's")
	}
}

// The sample payment service is to be what an integrator could write: it must
// not know consentd from the inside.
func TestFikaPayImportsOurClientOnly(t *testing.T) {
	t.Parallel()
	const (
		path   = "github.com/consentd/consentd/cmd/demo/internal/fikapay"
		client = "github.com/consentd/consentd/client"
	)
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dependency := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(dependency, "github.com/consentd/") && dependency != path && dependency != client {
			t.Errorf("fikapay imports %s", dependency)
		}
	}
}

func TestOneNameForThisMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := strings.Replace(w.at.shop, "localhost", "127.0.0.1", 1)
	if p := w.person().open(other + "/inbox").sees("Who are you?"); "http://"+p.at.Host != w.at.shop {
		t.Errorf("GET %s ends at %s, want %s", other, p.at, w.at.shop)
	}
	res, err := http.Post(other+"/stage/token", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("POST to another name = %d, want 421", res.StatusCode)
	}
}
