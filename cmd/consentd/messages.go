package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

// mostMessages is how many undelivered messages are looked at.
const mostMessages = 10_000

func (p *program) messagesCommand() *cobra.Command {
	return p.acts(p.group("messages", "Look at messages that were given up, and send them again", p.messagesUndelivered(), p.messagesResend()))
}

func (p *program) messagesUndelivered() *cobra.Command {
	var f format
	c := &cobra.Command{
		Use: "undelivered", Short: "List the messages that were given up, newest first", Args: cobra.NoArgs,
		Long: "List the messages that were given up, newest first. Why is in the consent's history: consentd consent show ID",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				all, err := s.Undelivered(ctx, mostMessages)
				if err != nil {
					return err
				}
				view := viewMessages(all)
				return f.write(p.out, view, view.text)
			})
		}),
	}
	f.flag(c)
	return c
}

func (p *program) messagesResend() *cobra.Command {
	var all bool
	var reason string
	c := &cobra.Command{
		Use: "resend [ID…]", Short: "Try again to deliver messages that were given up",
		Long: "Try again to deliver what was given up: of the consents that are named, or everything. serve sends it at\n" +
			"its next look; what is no longer so, such as a warning after a renewal, is not sent.",
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return errors.New("give either ids of consents or --all")
			}
			return nil
		},
		RunE: p.action(func(c *cobra.Command, args []string) error {
			var ids []consent.ID
			for _, arg := range args {
				id, err := parseID(arg)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				return p.resend(ctx, s, ids, all, reason)
			})
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "every message that was given up")
	p.whyFlag(c, &reason, "sent again by hand")
	return c
}

func (p *program) resend(ctx context.Context, s *consent.Service, ids []consent.ID, all bool, reason string) error {
	messages, err := s.Undelivered(ctx, mostMessages)
	if err != nil {
		return err
	}
	n := 0
	for _, m := range messages {
		if !all && !slices.Contains(ids, m.ID) {
			continue
		}
		if err := s.Resend(ctx, p.staff(), m, reason); errors.Is(err, consent.ErrNotFound) {
			continue // somebody else was faster
		} else if err != nil {
			return errors.Join(fmt.Errorf("after %d messages: %w", n, err))
		}
		n++
	}
	if n == 0 {
		return errors.New("there is no such message")
	}
	_, err = fmt.Fprintf(p.talk, "Due again: %d. serve sends at its next look.\n", n)
	return err
}

type messageView struct {
	ID      consent.ID `json:"consent_id"`
	Channel string     `json:"channel"`
	Event   string     `json:"event"`
	Since   time.Time  `json:"given_up_at"`
}

type messagesView []messageView

func viewMessages(all []consent.Undelivered) messagesView {
	v := messagesView{}
	for _, m := range all {
		v = append(v, messageView{ID: m.ID, Channel: m.Notice.Channel, Event: m.Notice.Event, Since: m.Since})
	}
	return v
}

func (v messagesView) text(w io.Writer) {
	fmt.Fprintln(w, "CONSENT\tCHANNEL\tEVENT\tGIVEN UP")
	for _, m := range v {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.ID, m.Channel, m.Event, moment(m.Since))
	}
}
