package web

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Uses keeps when the credentials of apps were used last.
type Uses interface {
	CredentialUsed(ctx context.Context, app, credential string, at time.Time) error
	CredentialUses(ctx context.Context, app string) (map[string]time.Time, error)
}

const (
	useEvery    = time.Minute // a credential's use is kept this exactly
	useDeadline = 2 * time.Second
)

// use is when a credential's use was kept last, by this process.
type use struct{ kept atomic.Int64 }

// due reports whether it is time to keep it again, once.
func (u *use) due(now time.Time) bool {
	kept := u.kept.Load()
	since := now.Sub(time.Unix(0, kept))
	return (since >= useEvery || since < 0) && u.kept.CompareAndSwap(kept, now.UnixNano())
}

// used keeps that a credential was used: now and then, and in nobody's way.
func (s *server) used(who caller) {
	now := s.service.Now()
	if s.c.Uses == nil || !who.use.due(now) {
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), useDeadline)
		defer cancel()
		if err := s.c.Uses.CredentialUsed(ctx, who.App.ID, who.credential.String(), now); err != nil {
			s.log.WarnContext(ctx, "last use of a credential not kept", slog.String("app", who.App.ID), slog.Any("error", err))
		}
	}()
}

// lastUse is when the credential was used last; zero when that is not known.
func (s *server) lastUse(ctx context.Context, who caller) time.Time {
	if s.c.Uses == nil {
		return time.Time{}
	}
	all, err := s.c.Uses.CredentialUses(ctx, who.App.ID)
	if err != nil {
		s.log.WarnContext(ctx, "last use of a credential not known", slog.String("app", who.App.ID), slog.Any("error", err))
	}
	return all[who.credential.String()]
}
