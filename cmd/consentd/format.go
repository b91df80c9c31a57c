package main

import (
	"encoding/json"
	"errors"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// format is the form of a command's data: for people, or for programs.
type format string

var _ interface { // pflag.Value
	String() string
	Set(string) error
	Type() string
} = (*format)(nil)

func (f *format) flag(c *cobra.Command) {
	c.Flags().VarP(f, "output", "o", "form of the data: text or json")
}

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "form" }

// Set implements pflag.Value.
func (f *format) Set(s string) error {
	if s != "text" && s != "json" {
		return errors.New("want text or json")
	}
	*f = format(s)
	return nil
}

// write writes data as JSON, or calls text with a writer whose cells, which
// end in tabs, are aligned.
func (f *format) write(w io.Writer, data any, text func(io.Writer)) error {
	if *f == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(data)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	text(table)
	return table.Flush()
}
