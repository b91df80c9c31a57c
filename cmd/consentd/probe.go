package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

// consentProbe is for the hours after a bank's outage: what customers withdrew
// meanwhile shows only when the bank is asked.
func (p *program) consentProbe() *cobra.Command {
	return &cobra.Command{
		Use: "probe BANK", Short: "Ask a bank about every live consent, within its budget", Args: wants("BANK"),
		Long: "Make every live consent at a bank due to be asked about, as after an outage. The running replicas ask,\n" +
			"no faster than probe.per_minute allows.",
		RunE: p.action(func(c *cobra.Command, args []string) error {
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				if _, known := s.Bank(args[0]); !known {
					return fmt.Errorf("%s is no bank of this configuration", args[0])
				}
				n, err := s.ProbeAll(ctx, args[0])
				if err != nil {
					return fmt.Errorf("after %d consents: %w", n, err)
				}
				_, err = fmt.Fprintf(p.out, "%d consents are due to be asked about\n", n)
				return err
			})
		}),
	}
}
