package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
)

// checkDeadline is how long the start waits for Redis' answers. A Redis that
// needs longer is not one to rely on; whoever supervises us starts us again.
const checkDeadline = 10 * time.Second

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Serve customers, apps and operators until told to stop", Args: cobra.NoArgs,
		Long: "Serve customers, apps and operators.\n\n" +
			"SIGINT and SIGTERM stop it: no new connections, running requests and refreshes finish within\n" +
			"shutdown_timeout. A second signal ends it at once.",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			settings, err := p.load()
			if err != nil {
				return err
			}
			ctx, release := untilSignal(c.Context())
			defer release()
			return p.serve(ctx, settings)
		}),
	}
}

// serve refuses to start on anything that could lose a grant, and says what.
func (p *program) serve(ctx context.Context, c config.Config) error {
	log := newLog(p.talk, c.LogFormat, c.LogLevel)
	log.InfoContext(ctx, "starting", slog.String("version", versionText()), slog.String("environment", string(c.Environment)))
	for _, warning := range c.Warnings() {
		log.WarnContext(ctx, "configuration", slog.String("warning", warning))
	}
	bridgeRedis(log)
	built, err := assembly.Build(c, assembly.Outside{Log: log, Version: buildVersion()})
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	if err := p.fit(ctx, built, c.Redis); err != nil {
		return errors.Join(fmt.Errorf("cannot start: %w", err), built.Close(ctx))
	}
	listeners, err := listen(ctx, c)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot start: %w", err), built.Close(ctx))
	}
	log.InfoContext(ctx, "serving", slog.String("public_url", c.PublicURL), slog.String("listen", listeners.Public.Addr().String()),
		slog.String("admin_listen", listeners.Admin.Addr().String()), slog.String("staff_listen", addressOf(listeners.Staff)), slog.Int("banks", len(c.Banks)), slog.Int("apps", len(c.Apps)))
	if err := built.Serve(ctx, listeners, c.ShutdownTimeout); err != nil {
		return err
	}
	log.InfoContext(context.WithoutCancel(ctx), "stopped")
	return nil
}

func (p *program) fit(ctx context.Context, built *assembly.Program, c config.Redis) error {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	return built.Check(ctx, c)
}

// listen opens all listeners or none.
func listen(ctx context.Context, c config.Config) (assembly.Listeners, error) {
	var all assembly.Listeners
	for _, one := range []struct {
		setting, address string
		to               *net.Listener
	}{{"listen", c.Listen, &all.Public}, {"admin_listen", c.AdminListen, &all.Admin}, {"staff.listen", c.Staff.Listen, &all.Staff}} {
		if one.address == "" {
			continue // no console
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", one.address)
		if err != nil {
			return assembly.Listeners{}, errors.Join(fmt.Errorf("%s: %w", one.setting, err), all.Close())
		}
		*one.to = l
	}
	return all, nil
}

// addressOf is where a listener listens, empty for none.
func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}
