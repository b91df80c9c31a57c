package redistest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent/redisstore"
)

// Watched is a master with a replica, and a sentinel that puts the replica in
// its place.
type Watched struct {
	Master   *Server
	sentinel *Server
}

// Sentinel starts a master, its replica and one sentinel, which needs half a
// second to miss the master. It returns once the sentinel knows both.
func Sentinel(t testing.TB) *Watched {
	t.Helper()
	master := Start(t, "--repl-diskless-sync-delay", "0")
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := Start(t, "--replicaof", host+" "+port)
	if !replica.said("MASTER <-> REPLICA sync: Finished with success") {
		t.Fatal("the replica ended")
	}
	settings := filepath.Join(t.TempDir(), "sentinel.conf") // the sentinel writes to it
	text := strings.Join([]string{"sentinel monitor consentd " + host + " " + port + " 1",
		"sentinel down-after-milliseconds consentd 500", "sentinel failover-timeout consentd 5000", ""}, "\n")
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := start(t, "+slave slave", settings, "--sentinel", "--bind", "127.0.0.1")
	return &Watched{Master: master, sentinel: sentinel}
}

// Client connects to whatever server the sentinel calls the master.
func (w *Watched) Client(t testing.TB) redis.UniversalClient {
	t.Helper()
	c := redis.NewUniversalClient(redisstore.Safe(&redis.UniversalOptions{Addrs: []string{w.sentinel.Addr}, MasterName: "consentd"}))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Switch waits until the replica of a master that is gone took its place.
func (w *Watched) Switch(t testing.TB) {
	t.Helper()
	if !w.sentinel.said("+switch-master") {
		t.Fatal("the sentinel ended")
	}
}
