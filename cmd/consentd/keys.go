package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/token"
)

// purposes are the keysets of a key file, in the order in which they are shown.
var purposes = [...]token.Purpose{token.PurposeGrant, token.PurposePerson, token.PurposeFlow, "audit", "index"}

func (p *program) keysCommand() *cobra.Command {
	var f format
	status := &cobra.Command{
		Use: "status FILE", Short: "Show the ids of the keys in a file, and never a key", Args: wants("FILE"),
		RunE: p.action(func(_ *cobra.Command, args []string) error { return p.keysStatus(args[0], f) }),
	}
	f.flag(status)
	add, promote := p.keysRotation()
	return p.group("keys", "Make and look at the keys that seal grants and personal data",
		&cobra.Command{
			Use: "init FILE", Short: "Make a key file that only its owner can read", Args: wants("FILE"),
			Long: "Make a key file that only its owner can read. A file that is there already is left as it is.\n\n" +
				"Whoever has this file and a copy of Redis has every token; whoever loses it has lost every grant.",
			RunE: p.action(func(_ *cobra.Command, args []string) error { return p.keysInit(args[0]) }),
		}, p.keysComplete(), add, promote, status)
}

func (p *program) keysInit(path string) error {
	keys, err := token.NewKeyring()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is left as it is: the grants sealed with its keys would be lost", path)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(keys.Write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path)) // half a key file helps nobody
	}
	fmt.Fprintf(p.talk, "Made %s. Keep a copy somewhere safe, apart from the backups of Redis.\n", path)
	return nil
}

// keyset is what is told of a keyset. The primary key seals, every key opens.
type keyset struct {
	Purpose token.Purpose `json:"purpose"`
	Primary uint32        `json:"primary_key_id"`
	Others  []uint32      `json:"other_key_ids"`
}

func (p *program) keysStatus(path string, f format) error {
	keys, mode, err := readKeys(path)
	if err != nil {
		return err
	}
	var all []keyset
	for _, purpose := range purposes {
		ids := keys.KeyIDs(purpose)
		all = append(all, keyset{Purpose: purpose, Primary: ids[0], Others: append([]uint32{}, ids[1:]...)})
	}
	err = f.write(p.out, all, func(w io.Writer) {
		fmt.Fprintln(w, "PURPOSE\tPRIMARY\tOTHERS")
		for _, k := range all {
			fmt.Fprintf(w, "%s\t%d\t%s\n", k.Purpose, k.Primary, strings.Trim(fmt.Sprint(k.Others), "[]"))
		}
	})
	if err == nil && mode&0o077 != 0 {
		err = fmt.Errorf("%s has mode %04o, so that others can read the keys; serve refuses it: chmod 600 %s", path, mode, path)
	}
	return err
}

func readKeys(path string) (*token.Keyring, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	keys, err := token.ReadKeyring(f)
	if missing, ok := errors.AsType[*token.MissingKeysetsError](err); ok && missing.Completable() {
		return nil, 0, fmt.Errorf("%s: %w; add what is missing with: consentd keys complete %s", path, err, path)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	return keys, info.Mode().Perm(), nil
}
