package config

import (
	"fmt"
	"strings"
)

// Warnings returns what is allowed and yet worth a word at every start.
func (c Config) Warnings() []string {
	var all []string
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if c.Environment != Production {
		warn("environment: %s accepts plain http and private addresses; not for customers", c.Environment)
	}
	if c.Redis.AllowVolatile {
		warn("redis.allow_volatile: Redis may evict or forget grants; every customer may have to go to the bank again")
	}
	if c.Redis.Attested {
		warn("redis.attested: nobody but the operator knows that Redis keeps its data")
	}
	if c.Redis.AllowPlaintext {
		warn("redis.allow_plaintext: the line to Redis is not encrypted by consentd")
	}
	if len(c.Apps) == 0 {
		warn("apps: none, so nobody can ask for a consent")
	}
	if static := c.staticKeysOnly(); c.Environment == Production && len(static) > 0 {
		warn("apps.key_hashes: nothing but static keys for %s; whoever copies one can use it until it is removed. "+
			"workloads or certificates need none: see Apps without a key in docs/operations.md", strings.Join(static, ", "))
	}
	if c.Mail.Host == "" {
		warn("mail.host: none, so customers are not warned before a consent ends")
	}
	if len(c.Warn.Days) == 0 {
		warn("warn.days: none, so nobody is warned before a consent ends")
	}
	for _, b := range c.Banks {
		for _, text := range b.warnings() {
			warn("banks.%s.%s", b.ID, text)
		}
	}
	return all
}

// staticKeysOnly are the apps that are known in no other way.
func (c Config) staticKeysOnly() []string {
	var ids []string
	for _, a := range c.Apps {
		if len(a.Workloads) == 0 && len(a.Certificates) == 0 {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

func (b Bank) warnings() []string {
	var all []string
	if !b.Verified {
		all = append(all, "verified: not checked against the bank. "+b.VerifiedNote)
	}
	if b.PKCE == PKCEOff {
		all = append(all, "pkce: off, so a stolen code can be used by others")
	}
	if b.PrivateNetwork {
		all = append(all, "private_network: the bank's name may resolve to a private address")
	}
	return all
}
