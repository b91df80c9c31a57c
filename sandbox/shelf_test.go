package sandbox

import (
	"strconv"
	"testing"
	"time"
)

// The shelf is tested from inside: that memory is bounded shows nowhere else.
func TestShelfForgetsWhatExpired(t *testing.T) {
	t.Parallel()
	var s shelf[int]
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	largest := 0
	for i := range 10_000 {
		s.put(strconv.Itoa(i), i, now.Add(10*time.Second), now)
		now = now.Add(time.Second)
		largest = max(largest, len(s.items))
	}
	if largest > 200 {
		t.Errorf("10 live values took %d places, want a small multiple", largest)
	}
	if _, ok := s.get("9989", now); ok {
		t.Error("a value is there after it expired")
	}
	if v, ok := s.take("9999", now); !ok || v != 9999 {
		t.Errorf("take = %d, %t, want 9999", v, ok)
	}
	if _, ok := s.take("9999", now); ok {
		t.Error("a value can be taken twice")
	}
}
