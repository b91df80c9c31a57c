package config

import (
	"slices"
	"strconv"
)

// WorkloadIssuer is who gives tokens to programs.
type WorkloadIssuer struct {
	ID       string `yaml:"id" need:"give the issuer a short name of lower-case letters, digits and hyphens" doc:"Short name, by which workloads refer to it."`
	Issuer   string `yaml:"issuer" need:"give the iss of its tokens, letter for letter" doc:"iss of its tokens, letter for letter. Without jwks_url, its metadata are looked for below it (/.well-known/openid-configuration)."`
	Audience string `yaml:"audience" doc:"What its tokens must name in aud. Empty: public_url."`
	JWKSURL  string `yaml:"jwks_url" doc:"Address of its keys, where they are not to be discovered. For Kubernetes: /openid/v1/jwks of the API server, which must be readable without a sign-in."`
	CAFile   string `yaml:"ca_file" doc:"PEM file with the authority that signed its certificate. Empty: the system's authorities."`
}

// Workload is a program that an app is known by.
type Workload struct {
	Issuer  string            `yaml:"issuer" need:"give the id of one of workload_issuers" doc:"Id of the issuer of its tokens."`
	Subject string            `yaml:"subject" need:"give the sub of its tokens" doc:"sub of its tokens, letter for letter, such as system:serviceaccount:payments:shop."`
	Claims  map[string]string `yaml:"claims" doc:"Claims that its tokens must have besides, each with that text, alone or in a list."`
}

func (r *report) checkWorkloadIssuers(c Config) {
	seen, issuers := map[string]string{}, map[string]string{}
	for i, w := range c.WorkloadIssuers {
		at := r.elements["workload_issuers"][i].name
		r.checkID(at, w.ID, seen)
		rules := urlRules{plain: c.Environment != Production}
		r.checkURL(at+".issuer", w.Issuer, rules)
		rules.query = true
		r.checkURL(at+".jwks_url", w.JWKSURL, rules)
		if first, taken := issuers[w.Issuer]; taken && w.Issuer != "" {
			r.bad(at+".issuer", "is the issuer of %s too; keep one", first)
		}
		issuers[w.Issuer] = at
	}
	r.checkWorkloads(c)
}

// checkWorkloads reports programs of unknown issuers, and those by which two
// apps would be known.
func (r *report) checkWorkloads(c Config) {
	type owner struct {
		Workload
		app, at string
	}
	var ids []string
	for _, i := range c.WorkloadIssuers {
		ids = append(ids, i.ID)
	}
	var all []owner
	for i, app := range c.Apps {
		for j, w := range app.Workloads {
			at := r.elements["apps"][i].name + ".workloads[" + strconv.Itoa(j) + "]"
			if w.Issuer != "" && !slices.Contains(ids, w.Issuer) {
				r.bad(at+".issuer", "no issuer in workload_issuers has this id%s", didYouMean(w.Issuer, ids))
			}
			for _, other := range all {
				if other.app != app.ID && w.Subject != "" && w.overlaps(other.Workload) {
					r.bad(at, "can be the same program as %s; one token must not be two apps", other.at)
				}
			}
			all = append(all, owner{w, app.ID, at})
		}
	}
}

// overlaps reports whether a token could be both: their claims do not
// contradict each other.
func (w Workload) overlaps(other Workload) bool {
	if w.Issuer != other.Issuer || w.Subject != other.Subject {
		return false
	}
	for claim, value := range w.Claims {
		if wanted, ok := other.Claims[claim]; ok && wanted != value {
			return false
		}
	}
	return true
}
