package redisstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Safe sets the options without which go-redis is wrong for grants: it must
// not repeat a command whose reply was lost, and it must obey deadlines.
func Safe(o *redis.UniversalOptions) *redis.UniversalOptions {
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o
}

// Risk is something about a Redis server that can lose grants.
type Risk struct {
	Setting string // the server's name for it
	Problem string // as a sentence, with what to do
	Unknown bool   // the server would not say (managed, or embedded)
}

// Check asks Redis how well it keeps what it is given; in a cluster, each of
// its masters. Its error is [token.ErrStoreUnavailable]; risks are for the
// caller to judge.
func (s *Store) Check(ctx context.Context) ([]Risk, error) {
	if err := s.c.Client.Ping(ctx).Err(); err != nil {
		return nil, unavailable("ping", err)
	}
	if err := s.checkKeys(ctx); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	found := make(map[Risk]bool)
	err := s.eachNode(ctx, func(ctx context.Context, node *redis.Client) error {
		policy, aof := policyRisk(setting(ctx, node, "maxmemory-policy")), appendRisk(setting(ctx, node, "appendonly"))
		mu.Lock()
		defer mu.Unlock()
		found[policy], found[aof] = true, true
		return nil
	})
	if err != nil {
		return nil, unavailable("check nodes", err)
	}
	delete(found, Risk{})
	return slices.SortedFunc(maps.Keys(found), func(a, b Risk) int { return -strings.Compare(a.Setting, b.Setting) }), nil
}

func policyRisk(policy string, err error) Risk {
	switch {
	case err != nil:
		return Risk{Setting: "maxmemory-policy", Unknown: true,
			Problem: "is not shown by the server; it must be noeviction, or grants are thrown away when memory runs out"}
	case policy != "noeviction":
		return Risk{Setting: "maxmemory-policy",
			Problem: fmt.Sprintf("is %s: Redis may throw grants away when memory runs out; set it to noeviction", policy)}
	}
	return Risk{}
}

func appendRisk(aof string, err error) Risk {
	switch {
	case err != nil:
		return Risk{Setting: "appendonly", Unknown: true,
			Problem: "is not shown by the server; the append-only file must be on, or a restart loses grants"}
	case aof != "yes":
		return Risk{Setting: "appendonly",
			Problem: fmt.Sprintf("is %s: a restart loses grants and revocations; set it to yes", aof)}
	}
	return Risk{}
}

// checkKeys makes sure that the ACL user may run scripts on every family of
// keys. What it may not would otherwise show only when a grant is refused.
func (s *Store) checkKeys(ctx context.Context) error {
	const look = "return redis.call('EXISTS', KEYS[1])"
	for _, key := range []string{"{p:00}:due", incidentKey("check"), auditHead, "link:check", "flow:check"} {
		err := s.c.Client.Eval(ctx, look, []string{key}).Err()
		if redis.HasErrorPrefix(err, "NOPERM") {
			return fmt.Errorf("redisstore: the Redis user may not run scripts on keys like %s; docs/operations.md has the ACL that it needs", key)
		}
		if err != nil {
			return unavailable("check keys", err)
		}
	}
	return nil
}

// setting reads one setting of a server.
func setting(ctx context.Context, node *redis.Client, name string) (string, error) {
	m, err := node.ConfigGet(ctx, name).Result()
	if err != nil {
		return "", err
	}
	v, ok := m[name]
	if !ok {
		return "", fmt.Errorf("redisstore: no setting %s", name)
	}
	return strings.ToLower(v), nil
}
