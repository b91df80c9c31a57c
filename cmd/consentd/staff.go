package main

import (
	"cmp"
	"fmt"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/consentd/consentd/consent"
)

// acts gives the commands of a group, whose acts go on record, a way to say
// who acts.
func (p *program) acts(c *cobra.Command) *cobra.Command {
	c.PersistentFlags().StringVar(&p.as, "as", "", "`name` of whoever acts, on record (default: the user of the operating system)")
	return c
}

// whyFlag is the reason that goes on record.
func (p *program) whyFlag(c *cobra.Command, reason *string, fallback string) {
	c.Flags().StringVar(reason, "reason", fallback, "why, for the audit chain, in at most 200 `characters`")
}

// staff is who acts. Whoever may run this program has the keys: the name helps
// colleagues, and proves nothing.
func (p *program) staff() consent.Staff {
	name := fmt.Sprintf("uid %d", os.Geteuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return consent.Staff{ID: cmp.Or(p.as, name), Name: name, Role: "operator"}
}
