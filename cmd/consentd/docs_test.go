package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/consentd/consentd/config"
)

func TestConfigurationReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	if read(t, "docs/configuration.md") != config.Reference() {
		t.Error("docs/configuration.md is out of date; run: go run ./cmd/consentd config reference > docs/configuration.md")
	}
}

// TestDocumentedCommandsExist finds each "consentd …" of the documents among
// the commands, with its flags.
func TestDocumentedCommandsExist(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile("(?m)(?:^|`|: |\\./cmd/)consentd ([a-z-]+[^`#\n>]*)")
	groups := []string{"config", "keys", "consent", "app-key", "messages", "index"}
	found := 0
	for _, doc := range []string{"README.md", "docs/operations.md", "docs/security.md", "docs/adding-a-bank.md", "docker-compose.yml", "cmd/consentd/Dockerfile"} {
		for _, m := range command.FindAllStringSubmatch(read(t, doc), -1) {
			root := (&program{}).rootCommand()
			c, rest, err := root.Find(strings.Fields(m[1]))
			if err != nil || c == root || slices.Contains(groups, c.Name()) {
				t.Errorf("%s: there is no command %q", doc, m[1])
				continue
			}
			found++
			for _, word := range rest {
				if name, isFlag := strings.CutPrefix(word, "--"); isFlag && c.Flag(name) == nil && root.PersistentFlags().Lookup(name) == nil {
					t.Errorf("%s: %s has no flag --%s", doc, c.CommandPath(), name)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("%d commands found in the documents; is the pattern still right?", found)
	}
}

// TestDocumentedBankIsGood loads the YAML of adding-a-bank.md.
func TestDocumentedBankIsGood(t *testing.T) {
	t.Parallel()
	_, text, _ := strings.Cut(read(t, "docs/adding-a-bank.md"), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	path := write(t, "public_url: https://consent.example.is\nkeys_file: k\n"+text)
	consentd(t, []string{"CONSENTD_BANKS_EXAMPLE_BANK_CLIENT_SECRET=a", "CONSENTD_BANKS_LANDSBANKINN_SANDBOX_CLIENT_SECRET=b"}, "",
		"config", "check", "--config", path).says(t, exitOK)
}
