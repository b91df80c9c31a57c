package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends at the first SIGINT or SIGTERM. The
// second one ends the process at once. release waits for no signal any more.
func untilSignal(ctx context.Context) (_ context.Context, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(ctx)
	released := make(chan struct{})
	go func() {
		for range 2 {
			select {
			case <-signals:
			case <-released:
				return
			}
			if ctx.Err() != nil {
				os.Exit(exitFailure)
			}
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(released)
		cancel()
	}
}
