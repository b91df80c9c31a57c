package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/token"
)

// keysRotation are the two steps of changing keys.
func (p *program) keysRotation() (add, promote *cobra.Command) {
	const runbook = "\n\nadd, restart every replica, promote, restart every replica. The old key stays, for reading. See docs/operations.md"
	add = &cobra.Command{
		Use: "add FILE", Short: "Add a key for each purpose, that opens and does not seal yet", Args: wants("FILE"),
		Long: "Add a key for each purpose but the index, that opens and does not seal yet." + runbook,
		RunE: p.action(func(_ *cobra.Command, args []string) error {
			return p.rotate(args[0], (*token.Keyring).Add, "Added keys. Restart every replica with this file, and only then: consentd keys promote "+args[0])
		}),
	}
	promote = &cobra.Command{
		Use: "promote FILE", Short: "Let the newest keys seal", Args: wants("FILE"),
		Long: "Let the newest keys seal. A replica that does not know them yet would take what they sealed for damaged." + runbook,
		RunE: p.action(func(_ *cobra.Command, args []string) error {
			return p.rotate(args[0], (*token.Keyring).Promote, "Promoted the newest keys. Restart every replica with this file.")
		}),
	}
	return add, promote
}

func (p *program) rotate(path string, change func(*token.Keyring) (*token.Keyring, error), done string) error {
	keys, _, err := readKeys(path)
	if err != nil {
		return err
	}
	changed, err := change(keys)
	switch {
	case errors.Is(err, token.ErrNotPromoted):
		return fmt.Errorf("%s has keys that were added and not promoted: restart every replica, then consentd keys promote %s", path, path)
	case errors.Is(err, token.ErrNothingToPromote):
		return fmt.Errorf("the newest keys of %s seal already; for new ones: consentd keys add %s", path, path)
	case err != nil:
		return err
	}
	if err := replaceKeys(path, changed); err != nil {
		return fmt.Errorf("replace %s: %w; look at it with: consentd keys status %s", path, err, path)
	}
	_, err = fmt.Fprintln(p.talk, done+" Keep a copy of the file somewhere safe.")
	return err
}

// replaceKeys writes a key file so that at every moment either the old or the
// new one is there, whole. It keeps its owner, who is the service.
func replaceKeys(path string, keys *token.Keyring) (err error) {
	path, err = filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(keys.Write(f), keepOwner(f, info), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func keepOwner(f *os.File, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return f.Chown(int(stat.Uid), int(stat.Gid))
}

// syncDir makes a rename outlast a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
