package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/sandbox/workforce"
)

// settings are what the command line says.
type settings struct {
	addr string
	bank sandbox.Config

	staffAddr string // empty: no identity provider
	company   workforce.Config
}

// defaultClient is the app that a bank without -client knows.
const defaultClient = "demo:demo-secret:demo-apikey:http://localhost:8080/callback"

func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("sandboxbank", flag.ContinueOnError)
	flags.SetOutput(stdout)
	flags.StringVar(&s.addr, "addr", "localhost:8082", "`host:port` to listen on")
	flags.StringVar(&s.bank.Issuer, "issuer", "", "`address` of the bank as its callers see it (default http://<addr>)")
	flags.Func("client", "an app as `id:secret:apikey:redirect[,redirect]`; may be repeated (default "+defaultClient+")", func(v string) error {
		c, err := parseClient(v)
		s.bank.Clients = append(s.bank.Clients, c)
		return err
	})
	flags.DurationVar(&s.bank.AccessTTL, "access-ttl", 0, "life of an access token (default 5m)")
	flags.DurationVar(&s.bank.GrantLife, "grant-life", 0, "life of a grant (default 2160h, 90 days)")
	flags.Func("rotation", "of refresh tokens: none, grace:`30s` or strict (default none)", func(v string) (err error) {
		s.bank.Rotation, err = sandbox.ParseRotation(v)
		return err
	})
	flags.BoolVar(&s.bank.RequirePAR, "require-par", false, "take pushed authorization requests only")
	flags.StringVar(&s.bank.AdminToken, "admin-token", "", "bearer `token` of the admin API (default $"+adminTokenVariable+"; none: no admin API)")
	flags.StringVar(&s.staffAddr, "staff-addr", "", "`host:port` of the sign-in of a company's staff, for the staff console (default: there is none)")
	flags.StringVar(&s.company.Issuer, "staff-issuer", "", "`address` of that sign-in as its callers see it (default http://<staff-addr>)")
	flags.Func("staff-client", "the staff console as `id:secret:address`", func(v string) error { return parseConsole(&s.company, v) })
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if (s.staffAddr == "") != (s.company.ClientID == "") {
		return settings{}, errors.New("-staff-addr and -staff-client go together")
	}
	if s.bank.AdminToken == "" {
		s.bank.AdminToken = adminTokenDefault()
	}
	if len(s.bank.Clients) == 0 {
		c, err := parseClient(defaultClient)
		if err != nil {
			return settings{}, err
		}
		s.bank.Clients = []sandbox.Client{c}
	}
	return s, nil
}

// parseConsole splits at the first two colons.
func parseConsole(c *workforce.Config, v string) error {
	parts := strings.SplitN(v, ":", 3)
	if len(parts) != 3 {
		return fmt.Errorf("want id:secret:address, got %d parts", len(parts))
	}
	c.ClientID, c.ClientSecret = parts[0], parts[1]
	c.RedirectURIs, c.BackChannel = []string{parts[2] + "/callback"}, parts[2]+"/back-channel-logout"
	return nil
}

// parseClient splits at the first three colons; addresses have some of their own.
func parseClient(v string) (sandbox.Client, error) {
	parts := strings.SplitN(v, ":", 4)
	if len(parts) != 4 {
		return sandbox.Client{}, fmt.Errorf("want id:secret:apikey:redirect, got %d parts", len(parts))
	}
	return sandbox.Client{
		ID: parts[0], Secret: parts[1], APIKey: parts[2], Name: parts[0],
		RedirectURIs: strings.Split(parts[3], ","),
	}, nil
}
