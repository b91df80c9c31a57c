package config

import (
	"encoding/base64"
	"net/mail"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of what comes by itself.
const (
	mostWarnDays   = 365
	leastRetention = 24 * time.Hour
	mostWorkEvery  = time.Hour // above, a warning would come hours late
	mostWebhook    = 2         // secrets: the old one and the new one
)

// checkLife reports settings of what happens by itself that cannot be meant.
func (r *report) checkLife(c Config) {
	r.checkWarn(c.Warn)
	if c.Probe.PerMinute < 1 && !r.has("probe.per_minute") {
		r.bad("probe.per_minute", "must be at least 1; to ask no bank, set probe.after: 0s")
	}
	if c.Probe.After > 0 && c.Probe.After < time.Minute {
		r.bad("probe.after", "must be at least 1m, or 0s for never")
	}
	if c.Retention < leastRetention && !r.has("retention") {
		r.bad("retention", "must be at least %s; records are what explains a consent that ended", durationText(leastRetention))
	}
	r.checkWork(c.Work)
	r.checkMail(c)
}

func (r *report) checkWarn(w Warn) {
	if !r.has("warn.days") { // one that is no number has no place in the order
		r.checkWarnDays(w.Days)
	}
	switch {
	case r.has("warn.quiet_from") || r.has("warn.quiet_until"):
	case w.QuietFrom.None() && !w.QuietUntil.None():
		r.bad("warn.quiet_until", "has no effect without quiet_from; give both, or none for both")
	case w.QuietUntil.None() && !w.QuietFrom.None():
		r.bad("warn.quiet_from", "has no effect without quiet_until; give both, or none for both")
	case w.QuietFrom == w.QuietUntil && !w.QuietFrom.None():
		r.bad("warn.quiet_until", "is the same as quiet_from; for no quiet hours, set both to none")
	}
}

func (r *report) checkWarnDays(all []int) {
	for i, days := range all {
		name := "warn.days[" + strconv.Itoa(i) + "]"
		switch {
		case days < 1 || days > mostWarnDays:
			r.bad(name, "want days before the end, 1 to %d; the end itself is always told", mostWarnDays)
		case slices.Contains(all[:i], days):
			r.bad(name, "stands there twice; keep one")
		case i > 0 && days > all[i-1]:
			r.bad(name, "is more than the one before it; list the most days first, such as 30, 14, 7, 3, 1")
		}
	}
}

// checkWork looks at a spec's form. Whether its days exist is for package
// schedule to say, when the program is built.
func (r *report) checkWork(w Work) {
	every, err := time.ParseDuration(w.Every)
	spec := len(strings.Fields(w.Every)) == 5 || strings.HasPrefix(w.Every, "@")
	switch {
	case err != nil && !spec:
		r.bad("work.every", "want a duration such as 30s, or a cron spec such as */5 * * * *")
	case err == nil && (every < time.Second || every%time.Second != 0 || every > mostWorkEvery):
		r.bad("work.every", "want whole seconds, from 1s to %s", durationText(mostWorkEvery))
	}
}

func (r *report) checkMail(c Config) {
	m := c.Mail
	if m.Host == "" {
		for _, s := range []struct{ key, value string }{{"username", m.Username}, {"password", string(m.Password)}, {"from", m.From}} {
			if s.value != "" {
				r.bad("mail."+s.key, "has no effect without mail.host")
			}
		}
		return
	}
	if _, err := netip.ParseAddr(m.Host); err != nil && strings.ContainsAny(m.Host, " /@:[]") {
		r.bad("mail.host", "want the name or address of a server alone, such as mail.example.is; the port has its own setting")
	}
	if m.Port > 65535 {
		r.bad("mail.port", "want a port, up to 65535")
	}
	if m.From == "" {
		r.bad("mail.from", "missing; give the sender, such as Example <no-reply@example.is>")
	} else if _, err := mail.ParseAddress(m.From); err != nil {
		r.bad("mail.from", "want an e-mail address with or without a name, such as Example <no-reply@example.is>")
	}
	r.checkMailSignIn(c)
}

func (r *report) checkMailSignIn(c Config) {
	m := c.Mail
	if m.TLS == MailNoTLS && c.Environment == Production {
		r.bad("mail.tls", "none is only for environment test and demo: mails name customers and carry links")
	}
	if m.TLS == MailNoTLS && m.Username != "" {
		r.bad("mail.username", "would show its password to the network with tls none; remove it, or encrypt the line")
	}
	if m.Username != "" && m.Password == "" && !r.has("mail.password"+fileSuffix) {
		r.bad("mail.password", "missing beside username; set CONSENTD_MAIL_PASSWORD or CONSENTD_MAIL_PASSWORD_FILE")
	}
	if m.Username == "" && m.Password != "" {
		r.bad("mail.password", "has no effect without mail.username")
	}
}

// checkWebhook reports an endpoint that could not be told, or not safely.
func (r *report) checkWebhook(c Config, w Webhook, at string) {
	at += ".webhook"
	r.checkURL(at+".url", w.URL, urlRules{local: c.Environment != Production, query: true, public: c.Environment == Production})
	missing := len(w.Secrets) == 0 && !r.has(at+".secrets") && !r.has(at+".secrets"+fileSuffix)
	switch {
	case w.URL == "" && len(w.Secrets) > 0:
		r.bad(at+".secrets", "has no effect without url")
	case w.URL != "" && missing:
		name := envPrefix + envName(at) + "_SECRETS"
		r.bad(at+".secrets", "missing; without a signature the app could not tell who called. Set %s or %s_FILE", name, name)
	case len(w.Secrets) > mostWebhook:
		r.bad(at+".secrets", "are more than two; keep the app's old one and its new one")
	}
	for i, s := range w.Secrets {
		name := at + ".secrets[" + strconv.Itoa(i) + "]"
		switch {
		case !webhookSecret(s):
			r.bad(name, "want whsec_ and the base64 of 24 to 64 bytes, as made by: echo whsec_$(openssl rand -base64 32)")
		case slices.Contains(w.Secrets[:i], s):
			r.bad(name, "stands there twice; keep one")
		}
	}
}

// webhookSecret knows the form that the Standard Webhooks scheme prescribes.
func webhookSecret(s Secret) bool {
	text, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	return ok && err == nil && len(key) >= 24 && len(key) <= 64
}
