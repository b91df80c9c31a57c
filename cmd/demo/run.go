package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// run shows the demonstration until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if s.verbose {
		level = slog.LevelDebug
	}
	d, err := start(s, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	d.greet(stdout)
	select {
	case <-ctx.Done():
	case err = <-d.failed:
	}
	fmt.Fprintln(stdout, "\nEnding. Everything is forgotten.")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return errors.Join(err, d.stop(ctx))
}

const shutdownTime = 20 * time.Second

// greet tells a stranger what to do. One address is enough; the others are
// for the curious.
func (d *demo) greet(w io.Writer) {
	fmt.Fprintf(w, "Open  %s\n\n", d.at.shop)
	fmt.Fprintf(w, "Fika Pay, a payment service that is not real, pays 10 ISK from a bank account\n")
	fmt.Fprintf(w, "after its customer has let it in; consentd looks after that permission.\n\n")
	fmt.Fprintf(w, "NOTHING IS KEPT: consents and tokens live in this process and end with it.\n\n")
	fmt.Fprintf(w, "  inbox     %s/inbox  what consentd sends to customers\n", d.at.shop)
	fmt.Fprintf(w, "  clock     curl %s/clock -d '{\"days\": 7}'  lets a week pass\n", d.at.shop)
	fmt.Fprintf(w, "  support   %s  what staff see; sign in as Auður\n", d.at.desk)
	fmt.Fprintf(w, "  bank      %s  any password will do\n", d.at.bank)
	fmt.Fprintf(w, "  consentd  %s\n\n", d.at.consentd)
	d.greetOwn(w)
	fmt.Fprintf(w, "Ctrl-C ends it.\n")
}
