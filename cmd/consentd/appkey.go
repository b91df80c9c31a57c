package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

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
	return p.group("app-key", "Make API keys for apps", c)
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
