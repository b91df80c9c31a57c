// Package redistest starts Redis servers for tests: a real one, a cluster, one
// that a sentinel watches, and the embedded one. A test that needs a server and finds none fails; it never
// skips.
package redistest

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent/redisstore"
)

// Server is a real redis-server of this test's own, on a loopback port, with
// its append-only file in a temporary folder.
type Server struct {
	Addr string
	cmd  *exec.Cmd
	says chan string // its log
}

// Start starts a real redis-server, which ends with the test. args override
// its settings: "--appendonly", "no".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	defaults := []string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--maxmemory-policy", "noeviction"}
	return start(t, "Ready to accept connections", append(defaults, args...)...)
}

// start starts a redis-server and waits for a line of its log.
func start(t testing.TB, ready string, args ...string) *Server {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not installed; `make test` installs it (Debian: apt-get install redis-server)")
	}
	for range 5 {
		if s := try(t, bin, ready, args); s != nil {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatal("redis-server does not start")
	return nil
}

// try starts a server on a port that was free a moment ago.
func try(t testing.TB, bin, ready string, args []string) *Server {
	t.Helper()
	port := freePort(t)
	if i := slices.Index(args, "--port"); i >= 0 {
		port = args[i+1]
	} else {
		args = append(slices.Clone(args), "--port", port)
	}
	if !slices.Contains(args, "--dir") {
		args = append(slices.Clone(args), "--dir", t.TempDir())
	}
	cmd := exec.Command(bin, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", port), cmd: cmd, says: make(chan string, 1024)}
	go s.listen(bufio.NewScanner(out))
	if !s.said(ready) {
		_ = cmd.Wait()
		return nil
	}
	return s
}

// listen reads the server's log to its end, as the pipe must not fill up.
// Lines that nobody waits for are dropped.
func (s *Server) listen(lines *bufio.Scanner) {
	defer close(s.says)
	for lines.Scan() {
		select {
		case s.says <- lines.Text():
		default:
		}
	}
}

// said waits for a line of the server's log, and is false if the server ends
// first.
func (s *Server) said(part string) bool {
	for line := range s.says {
		if strings.Contains(line, part) {
			return true
		}
	}
	return false
}

// freePort is a port of loopback that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Kill ends the server at once, as a power cut would.
func (s *Server) Kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// Client connects to the server, with the options that production uses.
func (s *Server) Client(t testing.TB) redis.UniversalClient {
	t.Helper()
	c := redis.NewUniversalClient(redisstore.Safe(&redis.UniversalOptions{Addrs: []string{s.Addr}}))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Embedded starts the embedded Redis and connects to it in memory, so that
// it works inside a bubble of fake time and its time is the bubble's.
func Embedded(t testing.TB) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	o := redisstore.Safe(&redis.UniversalOptions{Addrs: []string{"embedded:0"}})
	o.Dialer = func(context.Context, string, string) (net.Conn, error) {
		conn, err := m.Dial()
		if err != nil {
			return nil, err
		}
		return newPump(conn), nil
	}
	c := redis.NewUniversalClient(o)
	t.Cleanup(func() { _ = c.Close(); m.Close() })
	return m, c
}
