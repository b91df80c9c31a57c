package email

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

func (c Config) withDefaults() Config {
	if c.TLS == "" {
		c.TLS = StartTLS
	}
	if c.Port == 0 {
		c.Port = map[string]int{ImplicitTLS: 465, NoTLS: 25}[c.TLS]
	}
	if c.Port == 0 {
		c.Port = 587
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// check reports all mistakes, each starting with the field's name, and reads
// From.
func (c Config) check() (*mail.Address, error) {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf("email: "+format, args...))
		}
	}
	wrong(c.Host == "", "Host is missing")
	wrong(!plainName(c.Host), "Host %q is not the name or address of a server (the port has its own place)", c.Host)
	wrong(c.Port < 1 || c.Port > 65535, "Port %d is not between 1 and 65535", c.Port)
	wrong(c.TLS != StartTLS && c.TLS != ImplicitTLS && c.TLS != NoTLS, "TLS %q is not starttls, implicit or none", c.TLS)
	wrong(c.TLS == NoTLS && !c.Insecure, "TLS none needs Insecure: mails would travel in the clear")
	wrong(c.TLS == NoTLS && c.Username != "", "Username with TLS none would show the password to the network")
	wrong(c.Username != "" && c.Password == "", "Password is missing, Username is set")
	wrong(c.Username == "" && c.Password != "", "Username is missing, Password is set")
	wrong(!plainName(c.Hello), "Hello %q is not a host name", c.Hello)
	wrong(c.Timeout < 0, "Timeout %s is below zero", c.Timeout)
	from, err := parseAddress(c.From)
	wrong(c.From == "", "From is missing")
	wrong(c.From != "" && err != nil, "From %q is not an e-mail address, such as %q", c.From, "Name <no-reply@example.is>")
	return from, errors.Join(problems...)
}

// plainName reports whether name has nothing that could end a line, name a
// port or hide in a URL. IPv6 addresses have colons, and are fine.
func plainName(name string) bool {
	if net.ParseIP(name) != nil {
		return true
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`:/\@[]<>"`, r)
	})
}

var errAddress = errors.New("not an address")

// parseAddress reads an address with or without a name, and puts its domain
// into ASCII, which every mail server understands. Its error holds nothing of
// the text.
func parseAddress(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return nil, errAddress
	}
	at := strings.LastIndexByte(a.Address, '@')
	domain, err := idna.Lookup.ToASCII(a.Address[at+1:])
	if err != nil || domain == "" {
		return nil, errAddress
	}
	a.Address = a.Address[:at+1] + domain
	return a, nil
}

func domainOf(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
