package assembly

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server limits. A token request may wait for a refresh at the bank, which
// the write limit must allow.
const (
	headerLimit = 10 * time.Second
	readLimit   = 30 * time.Second
	writeLimit  = 90 * time.Second
	idleLimit   = 2 * time.Minute
	headerBytes = 32 << 10
)

// NewServer makes an HTTP server with limits, which Go's zero value lacks.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit,
		IdleTimeout: idleLimit, MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// Serve serves until ctx ends, then stops in order within grace: no new
// connections, running requests, background work and refreshes, Redis.
func (p *Program) Serve(ctx context.Context, public, admin net.Listener, grace time.Duration) error {
	servers := map[net.Listener]*http.Server{public: NewServer(p.Public, p.log), admin: NewServer(p.Admin, p.log)}
	failed := make(chan error, len(servers))
	for l, s := range servers {
		go func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
			}
		}()
	}
	var err error
	select {
	case <-ctx.Done():
		p.log.InfoContext(ctx, "stopping")
	case err = <-failed:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	for _, s := range []*http.Server{servers[public], servers[admin]} {
		err = errors.Join(err, s.Shutdown(ctx))
	}
	return errors.Join(err, p.Close(ctx))
}
