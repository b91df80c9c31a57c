package oauthbank

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/consentd/consentd/token"
)

// readTimeout bounds one read of a document, whoever waits for it.
const readTimeout = 5 * time.Second

// readLately is the code of a renewal that would come too soon.
const readLately = "read_lately"

// remote is a document of the bank that is read when first needed and again
// when it has aged. Reads are shared, belong to no caller's context, and a
// failed one is not repeated before pause has gone by.
type remote[T any] struct {
	read  func(context.Context) (T, time.Duration, error) // the document and how long it is fresh
	now   func() time.Time
	pause time.Duration

	mu     sync.Mutex
	value  *T            // the last good copy
	since  time.Time     // when it came
	fresh  time.Duration // for how long from then
	tried  time.Time
	forced time.Time
	err    error         // of the last read
	flight chan struct{} // closed when the running read ends; nil: none runs
}

// get returns a fresh copy, or an error together with the old copy, which
// is nil if there never was one.
func (r *remote[T]) get(ctx context.Context) (*T, error) {
	r.mu.Lock()
	now := r.now()
	if r.value != nil && isWithin(now, r.since, r.fresh) {
		defer r.mu.Unlock()
		return r.value, nil
	}
	if r.flight == nil && r.err != nil && isWithin(now, r.tried, r.pause) {
		defer r.mu.Unlock()
		return r.value, postponed(r.err, r.tried.Add(r.pause).Sub(now))
	}
	return r.join(ctx)
}

// postponed is the error of the last read, repeated to somebody who came
// before the next one is due.
func postponed(err error, wait time.Duration) error {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		return err
	}
	again := *f
	again.retryAfter = wait
	return &again
}

// renew returns a copy newer than seen although that one is still fresh. It
// causes at most one read each pause, however often it is called; these are
// counted apart from those of get, so that a document which changes right
// after it was read is found.
func (r *remote[T]) renew(ctx context.Context, seen *T) (*T, error) {
	r.mu.Lock()
	if r.value != seen {
		defer r.mu.Unlock()
		return r.value, nil
	}
	if r.flight == nil {
		now := r.now()
		if isWithin(now, r.forced, r.pause) {
			defer r.mu.Unlock()
			return seen, &fault{err: token.ErrNotDone, code: readLately}
		}
		r.forced = now
	}
	return r.join(ctx)
}

// isWithin is false when the clock was put back to before start: a copy, or
// a pause, must not last until the clock is there again.
func isWithin(now, start time.Time, d time.Duration) bool {
	elapsed := now.Sub(start)
	return elapsed >= 0 && elapsed < d
}

// join waits for the running read and starts it if there is none. It is
// called with the lock held and gives it back.
func (r *remote[T]) join(ctx context.Context) (*T, error) {
	if r.flight == nil {
		r.flight = make(chan struct{})
		r.tried = r.now()
		go r.run(context.WithoutCancel(ctx), r.flight)
	}
	flight := r.flight
	r.mu.Unlock()
	select {
	case <-flight:
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.value, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value, r.err
}

// run ends within readTimeout, and everybody who needs it waits for that.
func (r *remote[T]) run(ctx context.Context, done chan<- struct{}) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	value, fresh, err := r.read(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if err == nil {
		r.value = &value
		r.since, r.fresh = r.now(), fresh
	}
	r.flight = nil
	close(done)
}
