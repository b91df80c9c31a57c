package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/consentd/consentd/consent"
)

// PutLink implements [consent.FlowStore].
func (s *Store) PutLink(ctx context.Context, key string, box []byte, until time.Time) error {
	return s.verdict(ctx, "putbox", nil, []string{"link:" + key}, box, millis(until))
}

// Link implements [consent.FlowStore].
func (s *Store) Link(ctx context.Context, key string) ([]byte, error) {
	box, err := s.c.Client.HGet(ctx, "link:"+key, "box").Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, consent.ErrLinkGone
	}
	if err != nil {
		return nil, unavailable("link", err)
	}
	return box, nil
}

// UseLink implements [consent.FlowStore].
func (s *Store) UseLink(ctx context.Context, key, browser string) ([]byte, error) {
	r, err := s.run(ctx, "uselink", []string{"link:" + key}, browser).StringSlice()
	if err != nil {
		return nil, unavailable("use link", err)
	}
	switch r[0] {
	case "GONE":
		return nil, consent.ErrLinkGone
	case "USED":
		return nil, consent.ErrLinkUsed
	}
	return []byte(r[1]), nil
}

// PutFlow implements [consent.FlowStore].
func (s *Store) PutFlow(ctx context.Context, key string, box []byte, until time.Time) error {
	return s.verdict(ctx, "putbox", nil, []string{"flow:" + key}, box, millis(until))
}

// Flow implements [consent.FlowStore].
func (s *Store) Flow(ctx context.Context, key string) (consent.FlowRecord, error) {
	h, err := s.c.Client.HGetAll(ctx, "flow:"+key).Result()
	if err != nil {
		return consent.FlowRecord{}, unavailable("flow", err)
	}
	if len(h) == 0 {
		return consent.FlowRecord{}, consent.ErrFlowGone
	}
	f := consent.FlowRecord{Box: []byte(h["box"]), Taken: h["taken"] != ""}
	if r, ok := h["result"]; ok {
		f.Result = []byte(r)
	}
	return f, nil
}

// TakeFlow implements [consent.FlowStore].
func (s *Store) TakeFlow(ctx context.Context, key, taker string) error {
	words := map[string]error{"GONE": consent.ErrFlowGone, "TAKEN": consent.ErrFlowTaken}
	return s.verdict(ctx, "takeflow", words, []string{"flow:" + key}, taker)
}

// PutResult implements [consent.FlowStore].
func (s *Store) PutResult(ctx context.Context, key string, box []byte, until time.Time) error {
	return s.verdict(ctx, "putresult", nil, []string{"flow:" + key}, box, millis(until))
}
