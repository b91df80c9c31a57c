package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

func (p *program) consentRevoke() *cobra.Command {
	var f format
	var reason string
	c := &cobra.Command{
		Use: "revoke ID", Short: "End a consent, as staff", Args: wants("ID"),
		Long: "End a consent, as staff. No replica hands out its token any more when the command returns; the bank,\n" +
			"the app and the customer are told in the background. What ended before stays as it ended.",
		Example: "  consentd consent revoke cns_7f01k4zj7m9te0vq3y2x8w5r6s7t --reason fraud-report",
		PreRunE: func(*cobra.Command, []string) error {
			if !consent.IsCode(reason) {
				return errors.New("--reason wants a short code of lower-case letters, digits and hyphens, such as customer-call; nothing that names a person")
			}
			return nil
		},
		RunE: p.action(func(c *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				ended, err := s.StopByStaff(ctx, p.staff(), id, reason)
				if err != nil {
					return err
				}
				view := viewFound([]consent.Consent{ended}, s.Now())
				if err := f.write(p.out, view[0], view.text); err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.talk, "%s is %s.\n", id, view[0].statusText())
				return err
			})
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "`code` that says why, such as customer-call")
	f.flag(c)
	return c
}

// erasing is whom to erase.
type erasing struct {
	app      string
	customer bool
	yes      bool
	reason   string
}

func (p *program) consentErase() *cobra.Command {
	var f format
	var e erasing
	c := &cobra.Command{
		Use: "erase", Short: "End and delete everything about a customer of an app", Args: cobra.NoArgs,
		Long: "End and delete everything about a customer of an app, and leave a proof that names nobody. Banks are\n" +
			"still told that their grants are over. Without --yes it shows what would go, and nothing goes.",
		Example: "  printf %s customer-17 | consentd consent erase --app shop --customer-stdin --yes",
		PreRunE: func(*cobra.Command, []string) error {
			if e.app == "" || !e.customer {
				return errors.New("give --app and --customer-stdin: each app has its own names for customers")
			}
			return nil
		},
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			who, err := p.line(search{customer: true}.prompt())
			if err != nil {
				return err
			}
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				return p.erase(ctx, s, e, who, f)
			})
		}),
	}
	flags := c.Flags()
	flags.StringVar(&e.app, "app", "", "`id` of the app that named the customer")
	flags.BoolVar(&e.customer, "customer-stdin", false, "read the app's name for the customer from standard input")
	flags.StringVar(&e.reason, "reason", "asked by the customer", "why, for the audit chain, in at most 200 `characters`")
	flags.BoolVar(&e.yes, "yes", false, "erase; it cannot be undone")
	f.flag(c)
	return c
}

func (p *program) erase(ctx context.Context, s *consent.Service, e erasing, who token.Secret, f format) error {
	by := search{app: e.app, customer: true}
	act := consent.Act{Staff: p.staff(), Action: consent.ActFind, Reason: e.reason, Detail: by.detail()}
	if err := s.Record(ctx, act); err != nil {
		return err
	}
	found, err := by.run(ctx, s, who)
	if err != nil {
		return err
	}
	if !e.yes {
		view := viewFound(found, s.Now())
		return errors.Join(f.write(p.out, view, view.text), errors.New("nothing was erased: the above would go; say --yes to erase it"))
	}
	if len(found) == 0 {
		return errors.New("nothing was erased: the app has no such customer")
	}
	app, _ := s.App(e.app)
	done, err := s.EraseByStaff(ctx, p.staff(), app, who, e.reason)
	if err != nil {
		return fmt.Errorf("erased in part: %w; repeat the command", err)
	}
	view := erasureView(done)
	return f.write(p.out, view, view.text)
}

// erasureView is the proof of an erasure.
type erasureView struct {
	Reference string    `json:"reference"`
	At        time.Time `json:"at"`
	App       string    `json:"app"`
	Consents  int       `json:"consents"`
}

func (v erasureView) text(w io.Writer) {
	fmt.Fprintf(w, "erased\t%s\napp\t%s\nconsents\t%d\nreference\t%s\n", moment(v.At), v.App, v.Consents, v.Reference)
}
