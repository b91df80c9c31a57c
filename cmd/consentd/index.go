package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

// rebuildDeadline is far more than tens of millions of records take.
const rebuildDeadline = 6 * time.Hour

func (p *program) indexCommand() *cobra.Command {
	return p.group("index", "See to the lists and counters of consents", p.indexRebuild())
}

func (p *program) indexRebuild() *cobra.Command {
	return &cobra.Command{
		Use: "rebuild", Short: "Make the lists and counters of consents anew from the records", Args: cobra.NoArgs,
		Long: "Make the lists and counters of consents anew from the records. Needed once after an update from a version\n" +
			"that had none, when all replicas are updated. Replicas may go on serving; until it is done, lists and the\n" +
			"overview miss some consents, and customers find some of theirs missing. Nothing else is touched, and it can be repeated.",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			return p.withServiceFor(c.Context(), rebuildDeadline, func(ctx context.Context, s *consent.Service) error {
				n, err := s.RebuildBooks(ctx)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.out, "consents entered: %d\n", n)
				return err
			})
		}),
	}
}
