package config

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// mostKeys of an app are valid at a time: the old one and the new one.
const mostKeys = 2

func (r *report) checkApps(c Config) {
	seen := map[string]string{}
	keys := map[KeyHash]string{}
	for i, app := range c.Apps {
		at := r.elements["apps"][i].name
		r.checkID(at, app.ID, seen)
		r.checkAppKeys(app, at, keys)
		r.checkAppBanks(c, app, at)
		r.checkOperations(app, at)
		r.checkEgress(c, app, at)
		r.checkWebhook(c, app.Webhook, at)
		for id, target := range app.ReturnURLs {
			r.checkURL(at+".return_urls."+id, target, urlRules{local: c.Environment != Production, query: true})
		}
	}
}

// checkAppBanks reports banks that do not exist, and scopes that none of the
// app's banks offers.
func (r *report) checkAppBanks(c Config, app App, at string) {
	var known, offered []string
	for _, b := range c.Banks {
		known = append(known, b.ID)
		if slices.Contains(app.Banks, b.ID) {
			offered = append(offered, b.Scopes.Optional...)
		}
	}
	unsure := slices.ContainsFunc(r.elements["banks"], func(e element) bool { return !e.whole })
	for i, id := range app.Banks {
		name := at + ".banks[" + strconv.Itoa(i) + "]"
		switch {
		case slices.Contains(app.Banks[:i], id):
			r.bad(name, "stands there twice; keep one")
		case !slices.Contains(known, id):
			unsure = true
			r.bad(name, "no bank has this id%s", didYouMean(id, known))
		}
	}
	for i, scope := range app.Scopes {
		if !unsure && !slices.Contains(offered, scope) {
			r.bad(at+".scopes["+strconv.Itoa(i)+"]", "none of the app's banks has it in scopes.optional%s", didYouMean(scope, offered))
		}
	}
}

func (r *report) checkAppKeys(app App, at string, keys map[KeyHash]string) {
	if len(app.KeyHashes) == 0 && len(app.Workloads) == 0 && len(app.Certificates) == 0 && !r.has(at+".key_hashes") && !r.has(at+".workloads") {
		r.bad(at+".key_hashes", "missing; give the SHA-256 of at least one API key, in hex, or workloads or certificates")
	}
	if len(app.KeyHashes) > mostKeys {
		r.bad(at+".key_hashes", "are more than two; keep the app's old one and its new one")
	}
	for i, hash := range app.KeyHashes {
		name := at + ".key_hashes[" + strconv.Itoa(i) + "]"
		if first, taken := keys[hash]; taken {
			r.bad(name, "is the key of %s too; each key belongs to one app", first)
		}
		keys[hash] = name
	}
}

func (r *report) checkOperations(app App, at string) {
	at += ".operations"
	if len(app.Operations) == 0 && !r.has(at) {
		r.bad(at, "is empty, so that the app could do nothing; leave it out for all but egress")
	}
	for i, o := range app.Operations {
		if slices.Contains(app.Operations[:i], o) {
			r.bad(at+"["+strconv.Itoa(i)+"]", "stands there twice; keep one")
		}
	}
}

var (
	egressForm = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE) (/(\*\*?|[A-Za-z0-9_~@:=,+-][A-Za-z0-9._~@:=,+-]*))+/?$`)
	egressRest = regexp.MustCompile(`\*\*.`) // ** and something behind it
)

// checkEgress reports calls that nobody could make.
func (r *report) checkEgress(c Config, app App, at string) {
	named := slices.Contains(app.Operations, "egress")
	at += ".egress.paths"
	switch {
	case named && len(app.Egress.Paths) == 0:
		r.bad(at, "missing; egress is in operations, so list the calls, such as GET /v1/payments/*")
	case !named && len(app.Egress.Paths) > 0:
		r.bad(at, "has no effect without egress in operations")
	}
	for i, path := range app.Egress.Paths {
		if !egressForm.MatchString(path) || egressRest.MatchString(path) {
			r.bad(at+"["+strconv.Itoa(i)+"]", "want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end")
		}
	}
	if !named {
		return
	}
	for _, b := range c.Banks {
		if !slices.Contains(app.Banks, b.ID) {
			continue
		}
		if b.APIBaseURL == "" {
			r.badOnce("banks."+b.ID+".api_base_url", "missing; an app has egress in operations")
		}
		if b.APIKeyHeader != "" && b.APIKey == "" && b.APIBaseURL != "" {
			name := envPrefix + envName("banks."+b.ID) + "_API_KEY"
			r.badOnce("banks."+b.ID+".api_key", "missing; an app has egress in operations, and the bank wants api_key_header. Set %s or %s_FILE", name, name)
		}
	}
}

// badOnce reports what several apps would.
func (r *report) badOnce(setting, format string, args ...any) {
	if !r.has(setting) && !r.has(setting+fileSuffix) {
		r.bad(setting, format, args...)
	}
}

// The most that limits can be, which keeps their sums within what numbers hold.
const (
	mostRequests = 1_000_000
	mostPer      = 24 * time.Hour
)

// checkLimits reports limits that could not be kept.
func (r *report) checkLimits(c Config) {
	r.checkLimit("rate_limit", c.RateLimit)
	r.checkLimit("page_rate_limit", RateLimit{Requests: c.PageRateLimit.Requests, Per: c.PageRateLimit.Per})
	for i, app := range c.Apps {
		if app.RateLimit != (AppRateLimit{}) {
			r.checkLimit(r.elements["apps"][i].name+".rate_limit", c.LimitOf(app))
		}
	}
}

func (r *report) checkLimit(at string, l RateLimit) {
	switch {
	case r.has(at+".requests") || r.has(at+".per") || r.has(at+".burst"):
	case l.Requests == 0 && l.Burst > 0:
		r.bad(at+".burst", "has no effect without requests")
	case l.Requests > mostRequests:
		r.bad(at+".requests", "must be at most %d; for no limit, set it to 0", mostRequests)
	case l.Per < time.Second || l.Per > mostPer:
		r.bad(at+".per", "want a time from 1s to %s", durationText(mostPer))
	case l.Burst > l.Requests:
		r.bad(at+".burst", "must be at most requests (%d)", l.Requests)
	}
}
