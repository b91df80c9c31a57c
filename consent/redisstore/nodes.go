package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// eachNode calls visit for every server that holds keys: in a cluster for all
// masters, side by side.
func (s *Store) eachNode(ctx context.Context, visit func(context.Context, *redis.Client) error) error {
	switch c := s.c.Client.(type) {
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, visit)
	case *redis.Client:
		return visit(ctx, c)
	}
	return fmt.Errorf("redisstore: a %T has no nodes", s.c.Client)
}
