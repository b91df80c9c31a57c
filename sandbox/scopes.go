package sandbox

import (
	"slices"
	"strings"
)

// scope is one permission, with the words of the bank's page.
type scope struct {
	Name string
	Text string
}

// bankScopes are the four of the page and accounts, which the bank's FAQ asks
// for as well.
func bankScopes() []scope {
	return []scope{
		{"openid", "Verify your identification based on your approval"},
		{"profile", "Access user information, such as age and gender"},
		{"customer", "Access customer details, such as name and Id.No."},
		{"payments", "Initiate domestic payments from your bank accounts"},
		{"accounts", "View your bank accounts and the available amount"},
	}
}

func scopeNames() []string {
	var names []string
	for _, s := range bankScopes() {
		names = append(names, s.Name)
	}
	return names
}

// describe returns the scopes with their texts, in the bank's order.
func describe(names []string) []scope {
	return slices.DeleteFunc(bankScopes(), func(s scope) bool { return !slices.Contains(names, s.Name) })
}

// readScopes splits a scope parameter and drops repeats.
func readScopes(param string) []string {
	var names []string
	for _, name := range strings.Fields(param) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// common returns the members of a that are in b, in a's order.
func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}
