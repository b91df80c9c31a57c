package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

// soon is how far ahead a dry run looks. What is due now is mostly gone
// already, since serve purges by itself.
const soon = 30 * 24 * time.Hour

func (p *program) purgeCommand() *cobra.Command {
	var f format
	var dry bool
	var within time.Duration
	c := &cobra.Command{
		Use: "purge", Short: "Show which records clean-up deletes, and why", Args: cobra.NoArgs,
		Long: "Show which records clean-up deletes, and why. It deletes nothing: serve does that by itself, when\n" +
			"the retention time of a record is over.",
		Example: "  consentd purge --dry-run --within 720h",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			if !dry {
				_, err := fmt.Fprintln(p.talk, "Purging happens by itself, while serve runs. What would go next: consentd purge --dry-run")
				return err
			}
			if within < 0 {
				return errors.New("--within wants a time ahead, such as 720h")
			}
			settings, err := p.load()
			if err != nil {
				return err
			}
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				all, err := s.DryPurge(ctx, s.Now().Add(within))
				if err != nil {
					return err
				}
				view := viewPurge(all, settings.Retention)
				return f.write(p.out, view, view.text)
			})
		}),
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "list what would go, and delete nothing")
	c.Flags().DurationVar(&within, "within", soon, "how far ahead to look")
	f.flag(c)
	return c
}

type purgeView []purgeRow

type purgeRow struct {
	ID    consent.ID `json:"id"`
	Ended time.Time  `json:"ended_at"`
	Due   time.Time  `json:"purge_at"`
	Why   string     `json:"why"`
}

func viewPurge(all []consent.Purgeable, retention time.Duration) purgeView {
	v := purgeView{}
	for _, x := range all {
		v = append(v, purgeRow{ID: x.ID, Ended: x.Ended, Due: x.Due, Why: fmt.Sprintf("retention of %s is over", daysText(retention))})
	}
	return v
}

func (v purgeView) text(w io.Writer) {
	fmt.Fprintln(w, "CONSENT\tENDED\tPURGED FROM\tWHY")
	for _, x := range v {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", x.ID, moment(x.Ended), moment(x.Due), x.Why)
	}
}

// daysText writes whole days as such.
func daysText(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}
