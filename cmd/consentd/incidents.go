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

// incidentsCommand is for the hour in which a bank refuses everything.
func (p *program) incidentsCommand() *cobra.Command {
	var f format
	c := p.acts(p.group("incidents", "Look at banks that refuse many grants at once, and end the doubt", p.incidentsLift()))
	c.Long = "List the banks that refused so many grants at once that they are not believed, within a week. During an\n" +
		"incident no refusal ends a consent, and what the first ones ended is given back within two minutes."
	c.RunE = p.action(func(c *cobra.Command, _ []string) error {
		return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
			all, err := s.Incidents(ctx)
			if err != nil {
				return err
			}
			view := viewIncidents(all, s.Now())
			return f.write(p.out, view, view.text)
		})
	})
	f.flag(c)
	return c
}

func (p *program) incidentsLift() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "lift BANK", Short: "Believe a bank's refusals again", Args: wants("BANK"),
		Long: "Believe a bank's refusals again, for two hours however many they are: once the bank has said that it means\n" +
			"them. Consents end as their grants are refused, and customers and apps are told. Do nothing where the\n" +
			"bank was at fault: an incident ends by itself, 15 minutes after the last minute with too many refusals.",
		Example: "  consentd incidents lift landsbankinn --reason 'bank confirms: app was blocked'",
		RunE: p.action(func(c *cobra.Command, args []string) error {
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				err := s.LiftIncident(ctx, p.staff(), args[0], reason)
				if errors.Is(err, consent.ErrNotFound) {
					return fmt.Errorf("%s has no incident", args[0])
				}
				if err == nil {
					_, err = fmt.Fprintf(p.talk, "Refusals of %s are believed again.\n", args[0])
				}
				return err
			})
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit chain, in at most 200 `characters`")
	return c
}

type incidentView struct {
	Bank     string       `json:"bank"`
	On       bool         `json:"on"`
	From     time.Time    `json:"first_refusal_at"`
	Since    time.Time    `json:"since"`
	Until    time.Time    `json:"until"`
	Lifted   time.Time    `json:"lifted_at,omitzero"`
	Refusals int64        `json:"refusals"`
	Doubted  []consent.ID `json:"consent_ids"`
}

type incidentsView []incidentView

func viewIncidents(all []consent.Incident, now time.Time) incidentsView {
	v := incidentsView{}
	for _, i := range all {
		v = append(v, incidentView{Bank: i.Bank, On: i.On(now), From: i.From, Since: i.Since, Until: i.Until, Lifted: i.Lifted,
			Refusals: i.Refusals, Doubted: append([]consent.ID{}, i.Doubted...)})
	}
	return v
}

func (v incidentsView) text(w io.Writer) {
	fmt.Fprintln(w, "BANK\tNOW\tSINCE\tUNTIL\tREFUSALS\tCONSENTS")
	for _, i := range v {
		now := "over"
		switch {
		case i.On:
			now = "doubted"
		case !i.Lifted.IsZero():
			now = "lifted"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\n", i.Bank, now, moment(i.Since), moment(i.Until), i.Refusals, len(i.Doubted))
	}
}
