package config

import (
	"fmt"
	"reflect"
	"strings"
)

const referenceHead = `# Configuration

<!-- Made by config.Reference from the structs of package config. Change their tags, not this file. -->

consentd reads one YAML file and lays the environment over it. Unknown keys and
variables are refused, and everything wrong is reported at once.

- A setting's variable is its name in capitals, with ` + "`_`" + ` for dots and hyphens, behind
  ` + "`CONSENTD_`" + `: ` + "`refresh.lease`" + ` is ` + "`CONSENTD_REFRESH_LEASE`" + `. Lists are separated by commas.
  An empty variable counts as not set.
- Banks and apps are named by their id, ` + "`CONSENTD_BANKS_LANDSBANKINN_CLIENT_SECRET`" + `, or by
  their position from 0, ` + "`CONSENTD_BANKS_0_CLIENT_SECRET`" + `. Prefer the id: a position means
  another bank once the list is sorted anew. A position one past the end adds an entry.
- A secret can come from a file: add ` + "`_file`" + ` to its key, or ` + "`_FILE`" + ` to its variable. A newline at
  the end of the file is dropped.
- Durations have a unit: ` + "`60s`, `10m`, `2160h`" + `.
- YAML anchors, aliases and tags are refused. Put values that begin with
  ` + "`* & ! % @`" + ` or a backquote into quotes.
`

// Reference returns the table of all settings in Markdown, made from the tags
// of the structs.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	root := reflect.TypeFor[Config]()
	table(&b, "General", root, "")
	for _, f := range fieldsOf(root) {
		switch f.shape {
		case shapeSection:
			table(&b, "`"+f.key+"`", f.typ, f.key+".")
		case shapeList:
			table(&b, "`"+f.key+"`: each entry", f.typ.Elem(), f.key+"[].")
		}
	}
	profilesTable(&b)
	return b.String()
}

// table writes the settings of one section, and of the sections inside it.
func table(b *strings.Builder, title string, t reflect.Type, prefix string) {
	fmt.Fprintf(b, "\n## %s\n\n| Setting | Default | Meaning |\n|---|---|---|\n", title)
	for _, f := range fieldsOf(t) {
		switch {
		case f.shape == shapeSection && prefix != "":
			walk(f.typ, prefix+f.key+".", func(name string, f field) { row(b, name, f) })
		case f.shape == shapeList && prefix != "":
			row(b, prefix+f.key, f)
			walk(f.typ.Elem(), prefix+f.key+"[].", func(name string, f field) { row(b, name, f) })
		case f.shape != shapeSection && f.shape != shapeList:
			row(b, prefix+f.key, f)
		}
	}
}

func row(b *strings.Builder, name string, f field) {
	meaning := f.doc
	if f.values != nil {
		meaning += " One of `" + strings.Join(f.values, "`, `") + "`."
	}
	if f.later != nil {
		meaning += " Known, not supported yet: `" + strings.Join(f.later, "`, `") + "`."
	}
	if f.secret() {
		meaning += " Secret."
	}
	def := ""
	switch {
	case f.need != "":
		def = "*required*"
	case f.def != "":
		def = "`" + f.def + "`"
	}
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, def, strings.ReplaceAll(meaning, "|", `\|`))
}

func profilesTable(b *strings.Builder) {
	b.WriteString("\n## Shipped bank profiles\n\nEvery field of a profile can be changed in the bank's entry.\n\n")
	b.WriteString("| Profile | Bank | Country | Verified | Note |\n|---|---|---|---|---|\n")
	for _, name := range Profiles() {
		bank := profileBank(name)
		verified := "no"
		if bank.Verified {
			verified = "yes"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", name, bank.Name, bank.Country, verified, bank.VerifiedNote)
	}
}

// profileBank returns a shipped profile by itself.
func profileBank(name string) Bank {
	var bank Bank
	r := newReport(name)
	v := reflect.ValueOf(&bank).Elem()
	setDefaults(v)
	if t, ok := profileTree(name, r); ok {
		t.decode(v, "", r)
	}
	return bank
}
