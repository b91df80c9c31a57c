package config_test

import (
	"slices"
	"strings"
	"testing"
)

func TestStaticKeysInProductionAreWorthAWord(t *testing.T) {
	const issuer = "workload_issuers: [{id: cluster, issuer: 'https://k8s.example'}]\n"
	const program = "  workloads:\n  - {issuer: cluster, subject: a}\n"
	other := "- {id: lender, name: Lender, key_hashes: [" + hash2 + "], banks: [sandbox], return_urls: {a: 'https://x.example'}}\n"
	for name, test := range map[string]struct{ text, want string }{
		"keys alone":         {base + app + other, "apps.key_hashes: nothing but static keys for shop, lender; "},
		"one with a program": {base + app + program + other + issuer, "apps.key_hashes: nothing but static keys for lender; "},
		"a program besides":  {base + app + program + issuer, ""},
		"a test":             {base + app + other + "environment: test\n", ""},
		"no apps":            {base, ""},
	} {
		said := slices.DeleteFunc(mustLoad(t, test.text).Warnings(), func(w string) bool { return !strings.Contains(w, "static keys") })
		switch {
		case test.want == "" && len(said) > 0:
			t.Errorf("%s: %q", name, said)
		case test.want != "" && (len(said) != 1 || !strings.HasPrefix(said[0], test.want)):
			t.Errorf("%s: %q, want one line that begins %q", name, said, test.want)
		}
	}
}
