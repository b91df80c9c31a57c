package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

func (p *program) handOutsCommand() *cobra.Command {
	var since, reason string
	c := &cobra.Command{
		Use: "handouts", Short: "Write the hand-outs on record as lines of JSON", Args: cobra.NoArgs,
		Long: "Write the hand-outs since a moment as lines of JSON, allowed and denied: when, which consent, which app,\n" +
			"which request, what came of it. Only the newest of each of 256 partitions are kept, about 10,000: run it\n" +
			"often enough, for example each hour with --since two hours ago, and drop the lines that you have. It\n" +
			"fails, after writing what there is, when some may be missing. The export itself is on record.",
		Example: "  consentd handouts --since 2026-11-21T08:00:00Z > handouts.ndjson",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			from, err := time.Parse(time.RFC3339, since)
			if err != nil {
				return fmt.Errorf("--since wants a time such as 2026-11-21T08:00:00Z")
			}
			return p.withServiceFor(c.Context(), exportDeadline, func(ctx context.Context, s *consent.Service) error {
				act := consent.Act{Staff: p.staff(), Action: consent.ActExport, Reason: reason, Detail: "hand-outs, since " + moment(from)}
				if err := s.Record(ctx, act); err != nil {
					return err
				}
				return p.exportHandOuts(ctx, s, from)
			})
		}),
	}
	c.Flags().StringVar(&since, "since", "", "`time` of the first one")
	p.whyFlag(c, &reason, "exported from the command line")
	return p.acts(c)
}

func (p *program) exportHandOuts(ctx context.Context, s *consent.Service, since time.Time) error {
	out := json.NewEncoder(p.out)
	cut, err := s.HandOutLog(ctx, since, func(r consent.HandOutRecord) error {
		return out.Encode(handOutView(r))
	})
	if err == nil && cut > 0 {
		err = fmt.Errorf("in %d of the partitions older hand-outs than the oldest shown may be gone: export more often", cut)
	}
	return err
}

type handOutView struct {
	At        time.Time       `json:"at"`
	Consent   consent.ID      `json:"consent_id"`
	App       string          `json:"app"`
	RequestID string          `json:"request_id"`
	Outcome   consent.Outcome `json:"outcome"`
}
