package sandbox

import "time"

// shelf keeps values until they expire, so that the bank's memory follows what
// is alive and not what was ever asked. Its owner locks.
type shelf[V any] struct {
	items   map[string]shelved[V]
	sweepAt int
}

type shelved[V any] struct {
	value V
	until time.Time
}

// put stores v until the given moment. Expired neighbours are swept each time
// that the shelf has doubled, which costs a constant amount for each put.
func (s *shelf[V]) put(key string, v V, until, now time.Time) {
	if s.items == nil {
		s.items = make(map[string]shelved[V])
	}
	if len(s.items) >= s.sweepAt {
		for k, item := range s.items {
			if !now.Before(item.until) {
				delete(s.items, k)
			}
		}
		s.sweepAt = max(64, 2*len(s.items))
	}
	s.items[key] = shelved[V]{v, until}
}

// get returns what is under key and has not expired.
func (s *shelf[V]) get(key string, now time.Time) (V, bool) {
	item, ok := s.items[key]
	if !ok || !now.Before(item.until) {
		var none V
		return none, false
	}
	return item.value, true
}

// take is get, once.
func (s *shelf[V]) take(key string, now time.Time) (V, bool) {
	v, ok := s.get(key, now)
	delete(s.items, key)
	return v, ok
}

func (s *shelf[V]) remove(key string) { delete(s.items, key) }

// all returns what has not expired, in no order.
func (s *shelf[V]) all(now time.Time) []V {
	var values []V
	for _, item := range s.items {
		if now.Before(item.until) {
			values = append(values, item.value)
		}
	}
	return values
}
