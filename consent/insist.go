package consent

import (
	"context"
	"errors"
	"time"

	"github.com/consentd/consentd/token"
)

// How fast a write that concludes a trip is repeated.
const (
	insistFirst = 50 * time.Millisecond
	insistMost  = 2 * time.Second
)

// insist repeats what the store did not answer, until it does or ctx ends.
func (s *Service) insist(ctx context.Context, write func() error) error {
	pause := insistFirst
	for {
		err := write()
		if !errors.Is(err, token.ErrStoreUnavailable) {
			return err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
		pause = min(2*pause, insistMost)
	}
}
