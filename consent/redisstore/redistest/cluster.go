package redistest

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent/redisstore"
)

const slots = 16384

// Cluster starts a Redis Cluster of three masters, each with a third of the
// slots, and connects to it as production does. It has no replicas: it shows
// that every script stays in one slot, not what a failover loses.
// args override settings of the third.
func Cluster(t testing.TB, args ...string) redis.UniversalClient {
	t.Helper()
	var nodes []*Server
	var addrs []string
	for i, own := range [][]string{{}, {}, args} {
		n := Start(t, append(own, "--cluster-enabled", "yes", "--cluster-port", freePort(t))...)
		n.owns(t, i*slots/3, (i+1)*slots/3-1, i+1)
		nodes, addrs = append(nodes, n), append(addrs, n.Addr)
	}
	for _, n := range nodes[1:] {
		n.meets(t, nodes[0])
	}
	for _, n := range nodes {
		if !n.said("Cluster state changed: ok") {
			t.Fatal("a node of the cluster ended")
		}
	}
	c := redis.NewUniversalClient(redisstore.Safe(&redis.UniversalOptions{Addrs: addrs}))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// owns gives a node its slots, and an epoch that no other node has: nodes
// that have to settle that between themselves take their time.
func (s *Server) owns(t testing.TB, first, last, epoch int) {
	t.Helper()
	c := s.Client(t)
	if err := c.Do(t.Context(), "cluster", "addslotsrange", first, last).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "cluster", "set-config-epoch", epoch).Err(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) meets(t testing.TB, other *Server) {
	t.Helper()
	host, port, _ := net.SplitHostPort(other.Addr)
	bus, err := other.Client(t).ConfigGet(t.Context(), "cluster-port").Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Client(t).Do(t.Context(), "cluster", "meet", host, port, bus["cluster-port"]).Err(); err != nil {
		t.Fatal(err)
	}
}

// Clear empties every server behind a client.
func Clear(t testing.TB, c redis.UniversalClient) {
	t.Helper()
	each(t, c, func(ctx context.Context, node *redis.Client) error { return node.FlushAll(ctx).Err() })
}

// Keys are the keys of a pattern on every server behind a client.
func Keys(t testing.TB, c redis.UniversalClient, pattern string) []string {
	t.Helper()
	var mu sync.Mutex
	var out []string
	each(t, c, func(ctx context.Context, node *redis.Client) error {
		found, err := node.Keys(ctx, pattern).Result()
		mu.Lock()
		defer mu.Unlock()
		out = append(out, found...)
		return err
	})
	return out
}

func each(t testing.TB, c redis.UniversalClient, visit func(context.Context, *redis.Client) error) {
	t.Helper()
	var err error
	switch c := c.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), visit)
	case *redis.Client:
		err = visit(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}
