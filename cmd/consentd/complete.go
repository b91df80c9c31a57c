package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/token"
)

// keysComplete is for an update that seals or signs with a new kind of key.
func (p *program) keysComplete() *cobra.Command {
	return &cobra.Command{
		Use: "complete FILE", Short: "Add the keys that a file of an earlier version lacks", Args: wants("FILE"),
		Long: "Add the keys that a file of an earlier version lacks, and touch no other. A file that has all of them\n" +
			"is left as it is. The earlier version does not start with the new file: keep the old one to go back.",
		RunE: p.action(func(_ *cobra.Command, args []string) error { return p.completeKeys(args[0]) }),
	}
}

func (p *program) completeKeys(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	keys, added, err := token.CompleteKeyring(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(added) == 0 {
		_, err = fmt.Fprintf(p.talk, "%s has a key for each purpose, and is left as it is.\n", path)
		return err
	}
	if err := replaceKeys(path, keys); err != nil {
		return fmt.Errorf("replace %s: %w; look at it with: consentd keys status %s", path, err, path)
	}
	for _, purpose := range added {
		fmt.Fprintf(p.talk, "Added a key for %s. ", purpose)
	}
	_, err = fmt.Fprintln(p.talk, "Give this very file to every replica before it starts with this version. Keep a copy of the file somewhere safe.")
	return err
}
