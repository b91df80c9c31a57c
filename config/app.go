package config

import "time"

// App is a payment service.
type App struct {
	ID           string            `yaml:"id" need:"give the app a short name of lower-case letters, digits and hyphens" doc:"Short name in the API, logs and statistics: lower-case letters, digits and hyphens. Consents belong to it: never reuse it."`
	Name         string            `yaml:"name" need:"give the name that customers know the service by" doc:"Name shown to customers."`
	Colour       Colour            `yaml:"colour" doc:"Colour of the pages about the app: six hex digits, such as 0b5a54. Made darker or lighter where text in it could not be read. None: our own."`
	KeyHashes    []KeyHash         `yaml:"key_hashes" doc:"Hash of each API key, 64 hex digits, as consentd app-key new prints it. At most two, so that one key can follow another without a gap."`
	Workloads    []Workload        `yaml:"workloads" doc:"Programs that the app is known by, in place of a key or besides."`
	Certificates []string          `yaml:"certificates" doc:"Names (DNS or URI, in the certificate's subjectAltName) that the app is known by, in place of a key or besides; see listen_tls.client_ca_file."`
	Banks        []string          `yaml:"banks" need:"list the ids of the banks that the app may use" doc:"Ids of the banks it may ask consents at."`
	Scopes       []string          `yaml:"scopes" doc:"Optional scopes that it may ask for, beyond those that the bank requires."`
	Operations   []string          `yaml:"operations" default:"create,read,token,renew,revoke,confirm,report,erase" values:"create|read|token|renew|revoke|confirm|report|erase|egress" doc:"What it may do; anything else is refused and on record. token hands out access tokens, read is whatever changes nothing."`
	Egress       Egress            `yaml:"egress"`
	RateLimit    AppRateLimit      `yaml:"rate_limit"`
	ReturnURLs   map[string]string `yaml:"return_urls" need:"give at least one, such as done: https://shop.example.is/bank/done" doc:"Where customers return to, by an id that requests name. https; http only to this machine and not in production."`
	Webhook      Webhook           `yaml:"webhook"`
}

// Egress says which calls to a bank's API an app may make through consentd.
type Egress struct {
	Paths    []string `yaml:"paths" doc:"With egress in operations: the calls that the app may make, each a method and a path below the bank's api_base_url, such as GET /v1/payments/*. * is one segment; ** at the end is any that follow."`
	InFlight int      `yaml:"in_flight" default:"16" doc:"How many of these calls the app may have open at once, counted by each replica for itself; one more is answered 429. 0: any number."`
}

// RateLimit says how often each app may call.
type RateLimit struct {
	Requests int           `yaml:"requests" default:"6000" doc:"Calls that each app may make in every per, counted by each replica for itself: three replicas let through three times as many. 0: no limit."`
	Per      time.Duration `yaml:"per" default:"1m" doc:"The time that requests are for."`
	Burst    int           `yaml:"burst" default:"0" doc:"How many of them may come at once. 0: all."`
}

// AppRateLimit is an app's own limit, where it has one.
type AppRateLimit struct {
	Requests int           `yaml:"requests" default:"0" doc:"In place of rate_limit.requests. 0: as there, and so for the two below."`
	Per      time.Duration `yaml:"per" default:"0s" doc:"In place of rate_limit.per."`
	Burst    int           `yaml:"burst" default:"0" doc:"In place of rate_limit.burst."`
}

// PageRateLimit says how often customers' browsers may call.
type PageRateLimit struct {
	Requests int           `yaml:"requests" default:"300" doc:"Pages that one address (in IPv6, one /64 network) may ask for in every per, counted by each replica for itself. Many customers may share an address. 0: no limit."`
	Per      time.Duration `yaml:"per" default:"1m" doc:"The time that requests are for."`
}

// LimitOf is how often an app may call: by its own limit, or the one for all.
func (c Config) LimitOf(a App) RateLimit {
	l := c.RateLimit
	if a.RateLimit.Requests > 0 {
		l.Requests, l.Burst = a.RateLimit.Requests, 0
	}
	if a.RateLimit.Per > 0 {
		l.Per = a.RateLimit.Per
	}
	if a.RateLimit.Burst > 0 {
		l.Burst = a.RateLimit.Burst
	}
	return l
}
