package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
)

func (p *program) configCommand() *cobra.Command {
	return p.group("config", "Check and show settings",
		p.configCheck(),
		p.simple("print", "Print the settings in effect, with where each comes from; secrets are redacted", func(io.Writer) error {
			c, err := p.load()
			if err != nil {
				return err
			}
			return c.Print(p.out)
		}),
		p.simple("example", "Print a configuration file to start from", func(w io.Writer) error {
			_, err := w.Write(config.Example())
			return err
		}),
		p.simple("reference", "Print the table of all settings, in Markdown", func(w io.Writer) error {
			_, err := io.WriteString(w, config.Reference())
			return err
		}),
		p.configProfiles())
}

// simple is a command without options that writes data.
func (p *program) simple(name, short string, write func(io.Writer) error) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs,
		RunE: p.action(func(*cobra.Command, []string) error { return write(p.out) })}
}

func (p *program) configCheck() *cobra.Command {
	var files bool
	c := &cobra.Command{
		Use: "check", Short: "Report everything that is wrong with the settings, at once", Args: cobra.NoArgs,
		Long: "Report everything that is wrong with the settings, at once, with exit code 78.\n" +
			"It talks to nobody: Redis is looked at when serve starts.",
		RunE: p.action(func(cmd *cobra.Command, _ []string) error {
			settings, err := p.load()
			if err != nil {
				return err
			}
			if files {
				if err := openFiles(cmd.Context(), settings); err != nil {
					return err
				}
			}
			for _, w := range settings.Warnings() {
				fmt.Fprintln(p.talk, "warning:", w)
			}
			fmt.Fprintln(p.talk, "The configuration is good.")
			return nil
		}),
	}
	c.Flags().BoolVar(&files, "files", false, "open the key and certificate files too, as serve would")
	return c
}

// openFiles builds the program, which reads every file and dials nobody.
func openFiles(ctx context.Context, c config.Config) error {
	built, err := assembly.Build(c, assembly.Outside{})
	if err != nil {
		return err
	}
	return built.Close(ctx)
}

func (p *program) configProfiles() *cobra.Command {
	var f format
	c := p.simple("profiles", "List the bank profiles that come with consentd", func(io.Writer) error {
		return f.write(p.out, config.Profiles(), func(w io.Writer) {
			fmt.Fprintln(w, strings.Join(config.Profiles(), "\n"))
		})
	})
	f.flag(c)
	return c
}
