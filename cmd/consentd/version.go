package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

func (p *program) versionCommand() *cobra.Command {
	return p.simple("version", "Print the version", func(w io.Writer) error {
		_, err := fmt.Fprintln(w, versionText())
		return err
	})
}

// versionText names the version, and what the build knows of its source.
func versionText() string {
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = " " + s.Value
			}
		}
	}
	return fmt.Sprintf("consentd %s%s (%s, %s/%s)", buildVersion(), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// buildVersion is what the linker was told, or else what the build knows.
func buildVersion() string {
	known := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		known = info.Main.Version
	}
	return cmp.Or(version, known, "(devel)")
}
