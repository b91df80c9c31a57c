package redisstore

import (
	"context"
	"time"
)

func onceKey(app, key string) string { return "once:" + app + ":" + key }

// Reserve implements [consent.OnceStore].
func (s *Store) Reserve(ctx context.Context, app, key string, box []byte, until time.Time) ([]byte, bool, error) {
	r, err := s.run(ctx, "reserve", []string{onceKey(app, key)}, box, millis(until)).Slice()
	if err != nil {
		return nil, false, unavailable("reserve", err)
	}
	stands, _ := r[0].(string)
	return []byte(stands), r[1] != nil, nil
}

// Made implements [consent.OnceStore].
func (s *Store) Made(ctx context.Context, app, key string) error {
	return s.verdict(ctx, "made", nil, []string{onceKey(app, key)})
}
