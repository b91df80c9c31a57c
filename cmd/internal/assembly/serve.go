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

// Listeners are where a program is reached.
type Listeners struct {
	Public, Admin net.Listener
	Staff         net.Listener // nil when there is no console
}

// Close closes those that are open.
func (l Listeners) Close() error {
	var errs []error
	for _, one := range []net.Listener{l.Public, l.Admin, l.Staff} {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}

// Serve serves and does what is due until ctx ends, then stops in order within
// grace: no new connections, running requests, scheduled work, background work
// and refreshes, Redis. Operators are answered until the work has ended, so
// that they see what is going on.
func (p *Program) Serve(ctx context.Context, l Listeners, grace time.Duration) error {
	front, desk, back := NewServer(p.Public, p.log), NewServer(p.Staff, p.log), NewServer(p.Admin, p.log)
	front.TLSConfig = p.tls
	front.RegisterOnShutdown(p.Service.EndWaits)
	failed := make(chan error, 3)
	go serveOn(front, l.Public, failed)
	go serveOn(back, l.Admin, failed)
	if l.Staff != nil {
		go serveOn(desk, l.Staff, failed)
	}
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	worked := make(chan error, 1)
	go func() { worked <- p.schedule.Run(working) }()

	var err error
	select {
	case <-ctx.Done():
		p.log.InfoContext(ctx, "stopping")
	case err = <-failed:
	}
	p.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = errors.Join(err, front.Shutdown(ctx), desk.Shutdown(ctx))
	p.Service.Drain()
	stopWork()
	return errors.Join(err, p.stopped(ctx, worked), back.Shutdown(ctx), p.Close(ctx))
}

func serveOn(s *http.Server, l net.Listener, failed chan<- error) {
	serve := s.Serve
	if s.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
}

// stopped waits for the schedule, whose jobs end with their context.
func (p *Program) stopped(ctx context.Context, worked <-chan error) error {
	select {
	case err := <-worked:
		return err
	case <-ctx.Done():
		return fmt.Errorf("scheduled work still running: %w", ctx.Err())
	}
}
