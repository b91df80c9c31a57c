package webhook

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"time"
)

// waits are those of the Standard Webhooks scheme, between its ten attempts.
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Schedule returns the waits between attempts, without their jitter. The
// caller may keep and change it.
func Schedule() []time.Duration { return slices.Clone(waits) }

// Backoff returns how long to wait after an attempt that failed, counted from
// one, or false when that was the last one. The wait is up to a tenth longer
// or shorter, so that the events of an outage do not all come back at once,
// and the same whenever the same is asked. Wait for [Error.RetryAfter] if it
// is longer.
func Backoff(id string, attempt int) (wait time.Duration, again bool) {
	if attempt < 1 || attempt > len(waits) {
		return 0, false
	}
	wait = waits[attempt-1]
	sum := sha256.Sum256([]byte(id + "." + strconv.Itoa(attempt)))
	tenth := uint64(wait / 10)
	return wait - wait/10 + time.Duration(binary.BigEndian.Uint64(sum[:8])%(2*tenth+1)), true
}
