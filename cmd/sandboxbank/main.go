// Sandboxbank serves the sandbox bank by itself, for developers of payment
// services: see package sandbox for what it can do. Everything is kept in
// memory and forgotten at the end.
//
//	go run ./cmd/sandboxbank -client id:secret:apikey:http://localhost:8080/callback
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
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sandboxbank:", err)
		os.Exit(1)
	}
}
