package oauthbank

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// checkEndpoint tells whether a URL may be called, or a browser sent to it:
// https, a host name with a dot, no user info, no fragment (RFC 6749 section
// 3.1). It is the first line of defence against being led into our own
// network; the dial guard, which sees addresses, is the second.
func checkEndpoint(raw string, insecure bool) error {
	u, err := parseURL(raw, insecure)
	if err != nil {
		return err
	}
	if !insecure {
		return checkHost(u.Hostname())
	}
	return nil
}

func checkIssuerURL(raw string, insecure bool) error {
	u, err := parseURL(raw, insecure)
	if err != nil {
		return err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return errors.New("must not have a query")
	}
	return nil
}

func checkRedirectURI(raw string, insecure bool) error {
	_, err := parseURL(raw, insecure)
	return err
}

func parseURL(raw string, insecure bool) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("missing")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "https" && (!insecure || u.Scheme != "http"):
		return nil, errors.New("must be https")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("has no host")
	case u.User != nil:
		return nil, errors.New("must not have user info")
	case strings.Contains(raw, "#"):
		return nil, errors.New("must not have a fragment")
	}
	return u, nil
}

// checkHost refuses addresses, in any notation that a resolver may take for
// one, and names that only have a meaning inside a network.
func checkHost(host string) error {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return errors.New("must not be an IP address")
	}
	dot := strings.LastIndexByte(host, '.')
	if dot < 0 {
		return errors.New("must be a full host name")
	}
	switch last := host[dot+1:]; {
	case last == "":
		return errors.New("must be a full host name")
	case last[0] >= '0' && last[0] <= '9':
		return errors.New("must not be an IP address")
	case last == "localhost", last == "local", last == "internal":
		return errors.New("must not be inside our network")
	}
	return nil
}

// hostOf is the host with its port, in the form in which hosts are compared.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	port := u.Port()
	if port == "" && u.Scheme == "http" {
		port = "80"
	}
	if port == "" {
		port = "443"
	}
	return host + ":" + port
}
