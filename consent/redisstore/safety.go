package redisstore

import (
	"context"
	"fmt"
	"strings"

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

// Check asks Redis how well it keeps what it is given. Its error is
// [token.ErrStoreUnavailable]; risks are for the caller to judge.
func (s *Store) Check(ctx context.Context) ([]Risk, error) {
	if err := s.c.Client.Ping(ctx).Err(); err != nil {
		return nil, unavailable("ping", err)
	}
	if err := s.checkKeys(ctx); err != nil {
		return nil, err
	}
	var risks []Risk
	policy, err := s.setting(ctx, "maxmemory-policy")
	switch {
	case err != nil:
		risks = append(risks, Risk{Setting: "maxmemory-policy", Unknown: true,
			Problem: "is not shown by the server; it must be noeviction, or grants are thrown away when memory runs out"})
	case policy != "noeviction":
		risks = append(risks, Risk{Setting: "maxmemory-policy",
			Problem: fmt.Sprintf("is %s: Redis may throw grants away when memory runs out; set it to noeviction", policy)})
	}
	aof, err := s.setting(ctx, "appendonly")
	switch {
	case err != nil:
		risks = append(risks, Risk{Setting: "appendonly", Unknown: true,
			Problem: "is not shown by the server; the append-only file must be on, or a restart loses grants"})
	case aof != "yes":
		risks = append(risks, Risk{Setting: "appendonly",
			Problem: fmt.Sprintf("is %s: a restart loses grants and revocations; set it to yes", aof)})
	}
	return risks, nil
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

// setting reads one setting of the server.
func (s *Store) setting(ctx context.Context, name string) (string, error) {
	m, err := s.c.Client.ConfigGet(ctx, name).Result()
	if err != nil {
		return "", err
	}
	v, ok := m[name]
	if !ok {
		return "", fmt.Errorf("redisstore: no setting %s", name)
	}
	return strings.ToLower(v), nil
}
