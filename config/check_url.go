package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// urlRules say which addresses a setting accepts, beyond plain https ones.
type urlRules struct {
	plain  bool // http, as in test and demo
	local  bool // http to this machine
	query  bool // a query
	bare   bool // nothing behind the host
	public bool // only hosts with a public name, so that no setting points into our own network
}

// checkURL reports an address that breaks the rules. Empty ones pass: whether
// a setting must be given is not decided here.
func (r *report) checkURL(setting, text string, rules urlRules) {
	if text == "" {
		return
	}
	if fault := rules.fault(text); fault != "" {
		r.bad(setting, "%s", fault)
	}
}

func (rules urlRules) fault(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "want an address such as https://host.example/path"
	}
	if u.Scheme == "http" && !rules.plain && (!rules.local || !isLoopback(u.Hostname())) {
		return "must begin with https://; http is only for environment test and demo" + rules.localHint()
	}
	switch {
	case u.User != nil:
		return "must not hold a user name or password"
	case strings.Contains(text, "#"):
		return "must not have a fragment (#)"
	case !rules.query && strings.Contains(text, "?"):
		return "must not have a query (?)"
	case rules.bare && strings.Trim(u.Path, "/") != "":
		return "must not have a path; consentd wants a host of its own"
	case rules.public && !publicName(u.Hostname()):
		return "must name a public host, not an IP address or a local name"
	}
	return ""
}

func (rules urlRules) localHint() string {
	if rules.local {
		return ", and there only to this machine (localhost)"
	}
	return ""
}

// publicName refuses what certainly is not a bank's public host. What a name
// resolves to is for whoever dials it to check.
func publicName(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(host); err == nil || isLoopback(host) {
		return false
	}
	last := host[strings.LastIndex(host, ".")+1:]
	return strings.Contains(host, ".") && last != "local" && last != "internal" && strings.Trim(last, "0123456789") != ""
}
