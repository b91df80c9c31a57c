package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// readDeadline bounds one look at Redis, a search over all partitions among
// them.
const readDeadline = 15 * time.Second

// exportDeadline bounds reading everything of a kind.
const exportDeadline = 15 * time.Minute

// closeDeadline is how long a command that ended a consent waits while the
// bank is told: longer than the domain tries. After a look there is nothing to
// wait for.
const closeDeadline = 75 * time.Second

func (p *program) consentCommand() *cobra.Command {
	return p.acts(p.group("consent", "Look at consents and end them, for support",
		p.consentShow(), p.consentFind(), p.consentRevoke(), p.consentErase(), p.consentProbe()))
}

func (p *program) consentShow() *cobra.Command {
	var f format
	var reason string
	c := &cobra.Command{
		Use: "show ID", Short: "Show a consent and what happened to it", Args: wants("ID"),
		Long: "Show a consent, why it is as it is, and what happened to it. Secrets and personal data are not shown.\n" +
			"That it was looked at is on record, there too.",
		RunE: p.action(func(c *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				h, err := s.See(ctx, p.staff(), id, reason)
				if err != nil {
					return err
				}
				view := viewHistory(h, s.Now())
				return f.write(p.out, view, view.text)
			})
		}),
	}
	p.whyFlag(c, &reason, "looked at from the command line")
	f.flag(c)
	return c
}

func parseID(text string) (consent.ID, error) {
	id, err := consent.ParseID(text)
	if err != nil {
		return "", fmt.Errorf("%.40q is not the id of a consent, which looks like cns_7f01jd8e…, 32 characters in all", text)
	}
	return id, nil
}

// search is what a consent is looked for by.
type search struct {
	app        string
	customer   bool
	nationalID bool
	country    string
}

func (p *program) consentFind() *cobra.Command {
	var f format
	var by search
	var reason string
	c := &cobra.Command{
		Use: "find", Short: "Find a customer's consents", Args: cobra.NoArgs,
		Long: "Find a customer's consents, by the app's own name for the customer or by the national id with\n" +
			"which they were granted. Both are read from standard input, so that no shell history keeps them.",
		Example: "  printf %s customer-17 | consentd consent find --app shop --customer-stdin\n" +
			"  consentd consent find --national-id-stdin --country IS",
		PreRunE: func(*cobra.Command, []string) error { return by.check() },
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			what, err := p.line(by.prompt())
			if err != nil {
				return err
			}
			return p.withService(c.Context(), func(ctx context.Context, s *consent.Service) error {
				act := consent.Act{Staff: p.staff(), Action: consent.ActFind, Reason: reason, Detail: by.detail()}
				if err := s.Record(ctx, act); err != nil {
					return err
				}
				found, err := by.run(ctx, s, what)
				if err != nil {
					return err
				}
				if found, err = s.SeeList(ctx, p.staff(), idsOf(found), reason); err != nil {
					return err
				}
				view := viewFound(found, s.Now())
				return f.write(p.out, view, view.text)
			})
		}),
	}
	flags := c.Flags()
	flags.StringVar(&by.app, "app", "", "`id` of the app that named the customer")
	flags.BoolVar(&by.customer, "customer-stdin", false, "read the app's name for the customer from standard input")
	flags.BoolVar(&by.nationalID, "national-id-stdin", false, "read the customer's national id from standard input")
	flags.StringVar(&by.country, "country", "", "`country` of the national id: IS or SE")
	p.whyFlag(c, &reason, "looked at from the command line")
	f.flag(c)
	return c
}

func idsOf(all []consent.Consent) (ids []consent.ID) {
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids
}

func (b search) check() error {
	_, known := nationalIDs[b.country]
	switch {
	case b.customer == b.nationalID:
		return errors.New("give either --customer-stdin or --national-id-stdin")
	case b.customer && b.app == "":
		return errors.New("--customer-stdin needs --app: each app has its own names")
	case b.nationalID && !known:
		return errors.New("--national-id-stdin needs --country IS or --country SE")
	}
	return nil
}

var nationalIDs = map[string]consent.NationalIDKind{"IS": consent.Kennitala, "SE": consent.Personnummer}

// detail says what was searched by, and not for whom.
func (b search) detail() string {
	if b.nationalID {
		return "national id, " + b.country
	}
	return "customer of app " + b.app
}

func (b search) prompt() string {
	if b.customer {
		return "The app's name for the customer: "
	}
	return "National id: "
}

func (b search) run(ctx context.Context, s *consent.Service, what token.Secret) ([]consent.Consent, error) {
	if b.nationalID {
		return s.FindByPerson(ctx, nationalIDs[b.country], what)
	}
	if _, known := s.App(b.app); !known {
		return nil, fmt.Errorf("the configuration has no app %q", b.app)
	}
	return s.FindByCustomer(ctx, b.app, what)
}

// longestLine is more than any name or number that is asked for.
const longestLine = 4 << 10

// line reads what must not stand on a command line. Only somebody at a
// terminal is asked for it.
func (p *program) line(prompt string) (token.Secret, error) {
	if f, ok := p.in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&fs.ModeCharDevice != 0 {
			fmt.Fprint(p.talk, prompt)
		}
	}
	text, err := bufio.NewReader(io.LimitReader(p.in, longestLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("standard input: %w", err)
	}
	if text = strings.TrimRight(text, "\r\n"); text == "" {
		return "", errors.New("standard input is empty; it should hold what to look for, in one line")
	}
	return token.Secret(text), nil
}

// withService opens the domain for one look, or one act. Only warnings, and
// the entry of the audit chain, are worth a line beside the data.
func (p *program) withService(ctx context.Context, look func(context.Context, *consent.Service) error) error {
	return p.withServiceFor(ctx, readDeadline, look)
}

// withServiceFor is withService for what takes longer than a look.
func (p *program) withServiceFor(ctx context.Context, limit time.Duration, look func(context.Context, *consent.Service) error) error {
	return p.withBuilt(ctx, limit, func(ctx context.Context, _ config.Config, built *assembly.Program) error {
		return look(ctx, built.Service)
	})
}

// withBuilt opens everything that is configured.
func (p *program) withBuilt(ctx context.Context, limit time.Duration, look func(context.Context, config.Config, *assembly.Program) error) error {
	c, err := p.load()
	if err != nil {
		return err
	}
	log := newLog(p.talk, config.LogText, max(c.LogLevel, slog.LevelWarn))
	bridgeRedis(log)
	built, err := assembly.Build(c, assembly.Outside{Log: log})
	if err != nil {
		return err
	}
	looking, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = look(looking, c, built)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
	defer cancel()
	return errors.Join(err, built.Service.Settle(closing), built.Close(closing))
}
