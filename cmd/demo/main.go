// Demo shows consentd at work, in one process that keeps nothing: an embedded
// Redis, the sandbox bank, consentd, a sample payment service and an inbox.
//
//	go run ./cmd/demo
//
// It prints the address to open. Its parts speak to each other over HTTP on
// this machine, as they would in life, each with the keys that it would have.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
