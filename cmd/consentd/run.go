package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/config"
)

// The exit codes. 78 is sysexits' EX_CONFIG.
const (
	exitOK        = 0
	exitFailure   = 1
	exitUsage     = 2
	exitBadConfig = 78
)

// program is what the commands share: where they read from and write to.
// Data goes to out; everything that is said about it goes to talk.
type program struct {
	environ []string
	in      io.Reader
	out     io.Writer
	talk    io.Writer

	configFile string
	as         string // who acts, when it is not the user of the operating system
	began      bool   // the command line was understood
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{environ: environ, in: stdin, out: stdout, talk: stderr}
	root := p.rootCommand()
	root.SetArgs(slices.Concat([]string{}, args)) // nil would mean the arguments of the process
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "consentd:", err)
	if _, bad := errors.AsType[*config.Error](err); bad {
		return exitBadConfig
	}
	if !p.began {
		fmt.Fprintln(stderr, "For the commands and their options: consentd --help")
		return exitUsage
	}
	return exitFailure
}

const about = `Keeps the two clocks of open banking: the customer's consent and the access token.`

const examples = `  consentd keys init /etc/consentd/keys.json
  consentd serve --config /etc/consentd/consentd.yaml`

func (p *program) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "consentd", Short: about, Long: about + "\n\nDocumentation: docs/operations.md", Example: examples,
		Version: versionText(), SilenceErrors: true, SilenceUsage: true, Args: noSuchCommand,
		RunE: p.action(help),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.PersistentFlags().StringVar(&p.configFile, "config", "",
		"configuration `file` (default $"+config.ConfigVariable+"; without one, the environment alone)")
	root.AddCommand(p.serveCommand(), p.configCommand(), p.keysCommand(), p.appKeyCommand(), p.consentCommand(),
		p.purgeCommand(), p.messagesCommand(), p.auditCommand(), p.handOutsCommand(), p.incidentsCommand(), p.indexCommand(),
		p.healthcheckCommand(), p.versionCommand())
	return root
}

// group is a command that only has others below it.
func (p *program) group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short, Args: noSuchCommand, RunE: p.action(help)}
	g.AddCommand(commands...)
	return g
}

func help(c *cobra.Command, _ []string) error { return c.Help() }

// noSuchCommand refuses a word where a command was expected.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s has no command %q", c.CommandPath(), args[0])
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}

// wants refuses anything but the arguments that are named.
func wants(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return fmt.Errorf("%s wants %s and nothing else", c.CommandPath(), strings.Join(names, " "))
	}
}

// action marks where a mistake stops being one of the command line's.
func (p *program) action(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		p.began = true
		return f(c, args)
	}
}

// load reads the configuration that the flag or the environment names.
func (p *program) load() (config.Config, error) {
	path := p.configFile
	if path == "" {
		path = p.variable(config.ConfigVariable)
	}
	return config.Load(path, p.environ)
}

// variable returns an environment variable, the last of that name.
func (p *program) variable(name string) string {
	for _, entry := range slices.Backward(p.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
