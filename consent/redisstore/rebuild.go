package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

// scanned is how many keys one look of a rebuild takes: few, so that Redis
// answers others in between.
const scanned = 500

// Rebuild implements [consent.Books]. A new epoch of a partition's books makes
// every entry of the old one void, so that what changes meanwhile is entered
// once.
func (s *Store) Rebuild(ctx context.Context, holder func(context.Context, consent.Consent) (consent.Holder, error)) (int64, error) {
	lists, err := s.allLists(ctx)
	if err != nil {
		return 0, err
	}
	epoch := rand.Text()
	for p := range partitions {
		k := keys{partition: partition(p)}
		all := append([]string{k.counts(), k.tagged("lapses")}, lists[k.tagged("")]...)
		if err := s.verdict(ctx, "reset", nil, all, epoch); err != nil {
			return 0, err
		}
	}
	var mu sync.Mutex
	var total int64
	err = s.scan(ctx, "{p:*}:consent:*", func(node redis.UniversalClient, found []string) error {
		n, err := s.reindex(ctx, node, found, holder)
		mu.Lock()
		defer mu.Unlock()
		total += n
		return err
	})
	return total, err
}

// allLists finds every list by end and by change there is, by partition.
func (s *Store) allLists(ctx context.Context) (map[string][]string, error) {
	var mu sync.Mutex
	out := make(map[string][]string)
	for _, pattern := range []string{"{p:*}:ends:*", "{p:*}:changed:*"} {
		err := s.scan(ctx, pattern, func(_ redis.UniversalClient, found []string) error {
			mu.Lock()
			defer mu.Unlock()
			for _, key := range found {
				tag, _, _ := strings.Cut(key, "}:")
				out[tag+"}:"] = append(out[tag+"}:"], key)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// scan shows every key of a pattern to see, a few at a time. In a cluster it
// goes through all nodes, side by side.
func (s *Store) scan(ctx context.Context, pattern string, see func(redis.UniversalClient, []string) error) error {
	node := func(ctx context.Context, c *redis.Client) error {
		for cursor := uint64(0); ; {
			found, next, err := c.Scan(ctx, cursor, pattern, scanned).Result()
			if err != nil {
				return unavailable("scan", err)
			}
			if err := see(c, found); err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	return s.eachNode(ctx, node)
}

// reindex enters consents in the books, and says how many there were.
func (s *Store) reindex(
	ctx context.Context, node redis.UniversalClient, keys []string, holder func(context.Context, consent.Consent) (consent.Holder, error),
) (int64, error) {
	records, err := readRecords(ctx, node, keys)
	if err != nil {
		return 0, err
	}
	if err := node.ScriptLoad(ctx, sources["reindex"]).Err(); err != nil {
		return 0, unavailable("load reindex", err)
	}
	pipe := node.Pipeline()
	words := make([]*redis.Cmd, len(keys))
	for i, key := range keys {
		h, err := holder(ctx, records[i])
		if err != nil {
			return 0, err
		}
		words[i] = pipe.EvalSha(ctx, scripts["reindex"].Hash(), []string{key}, records[i].Version, hex.EncodeToString(h.Person), hex.EncodeToString(h.Subject))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, unavailable("reindex", err)
	}
	var n int64
	for _, w := range words {
		if w.Val() == "OK" {
			n++
		}
	}
	return n, nil
}

// readRecords reads the consents with these keys; one that is gone is zero.
func readRecords(ctx context.Context, node redis.UniversalClient, keys []string) ([]consent.Consent, error) {
	pipe := node.Pipeline()
	found := make([]*redis.MapStringStringCmd, len(keys))
	for i, key := range keys {
		found[i] = pipe.HGetAll(ctx, key)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, unavailable("records", err)
	}
	out := make([]consent.Consent, len(keys))
	for i, key := range keys {
		if _, id, ok := strings.Cut(key, ":consent:"); ok && len(found[i].Val()) > 0 {
			out[i] = record(consent.ID(id), found[i].Val())
		}
	}
	return out, nil
}
