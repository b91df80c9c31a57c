package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/cmd/internal/assembly"
	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/web"
)

func (p *program) appKeyCommand() *cobra.Command {
	var f format
	c := &cobra.Command{
		Use: "new", Short: "Make an API key for an app, and its hash for the configuration", Args: cobra.NoArgs,
		Long: "Make an API key for an app. The key is printed once, to standard output, and is for the app;\n" +
			"its hash goes into the configuration. Only the hash is kept: nobody can look the key up later.",
		RunE: p.action(func(*cobra.Command, []string) error { return p.newAppKey(f) }),
	}
	f.flag(c)
	return p.group("app-key", "Make API keys for apps, and see which are used", c, p.appKeyList())
}

func (p *program) appKeyList() *cobra.Command {
	var f format
	c := &cobra.Command{
		Use: "list", Short: "List the API keys of the configuration, and when each was used last", Args: cobra.NoArgs,
		Long: "List the API keys of the configuration, and when each was used last, to the minute. The id is the part\n" +
			"of a key between its first and its second underscore, and the beginning of its hash.",
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			return p.withBuilt(c.Context(), readDeadline, func(ctx context.Context, settings config.Config, built *assembly.Program) error {
				view, err := listKeys(ctx, settings.Apps, built.Store)
				if err != nil {
					return err
				}
				return f.write(p.out, view, view.text)
			})
		}),
	}
	f.flag(c)
	return c
}

type keyView struct {
	App      string    `json:"app"`
	ID       string    `json:"key_id"`
	LastUsed time.Time `json:"last_used_at,omitzero"`
}

type keysView []keyView

func listKeys(ctx context.Context, apps []config.App, uses web.Uses) (keysView, error) {
	all := keysView{}
	for _, a := range apps {
		used, err := uses.CredentialUses(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		for _, hash := range a.KeyHashes {
			id, name := web.KeyName(hash)
			all = append(all, keyView{App: a.ID, ID: id, LastUsed: used[name]})
		}
	}
	return all, nil
}

func (v keysView) text(w io.Writer) {
	fmt.Fprintln(w, "APP\tKEY\tLAST USED")
	for _, k := range v {
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.App, k.ID, moment(k.LastUsed))
	}
}

func (p *program) newAppKey(f format) error {
	key, hash := web.NewAPIKey()
	// The one place where a key is printed: there is no other way to its owner.
	data := map[string]string{"key": key.Reveal(), "key_hash": hash}
	if err := f.write(p.out, data, func(w io.Writer) { fmt.Fprintln(w, key.Reveal()) }); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.talk, "\nThe key is above; it is not kept anywhere. Give it to the app, and this to consentd:\n\n"+
		"  key_hashes:\n    - %s\n", hash)
	return err
}
