package assembly

import (
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/web"
	"github.com/consentd/consentd/web/workload"
)

// callers are the apps as package web knows them.
func callers(c config.Config) []web.AppKeys {
	apps := make([]web.AppKeys, 0, len(c.Apps))
	for _, a := range c.Apps {
		limit := c.LimitOf(a)
		w := web.AppKeys{App: domainApp(a), Colour: string(a.Colour), Operations: []web.Operation{}, Certificates: a.Certificates,
			Limit: web.Limit{Requests: limit.Requests, Per: limit.Per, Burst: limit.Burst}}
		for _, h := range a.KeyHashes {
			w.KeyHashes = append(w.KeyHashes, hex.EncodeToString(h[:]))
		}
		for _, o := range a.Operations {
			w.Operations = append(w.Operations, web.Operation(o))
		}
		if slices.Contains(w.Operations, web.OpEgress) {
			w.Calls, w.CallsAtOnce = a.Egress.Paths, a.Egress.InFlight
		}
		for _, program := range a.Workloads {
			w.Workloads = append(w.Workloads, web.Workload(program))
		}
		apps = append(apps, w)
	}
	return apps
}

// issuers verify the tokens of workloads; nil when there are none.
func issuers(c config.Config, o Outside) (*workload.Issuers, error) {
	if len(c.WorkloadIssuers) == 0 {
		return nil, nil
	}
	w := workload.Config{Now: o.Now}
	for _, i := range c.WorkloadIssuers {
		roots, err := authorities(i.CAFile)
		if err != nil {
			return nil, fmt.Errorf("workload issuer %s: %w", i.ID, err)
		}
		audience := i.Audience
		if audience == "" {
			audience = c.PublicURL
		}
		w.Issuers = append(w.Issuers, workload.Issuer{ID: i.ID, Issuer: i.Issuer, Audience: audience, JWKSURL: i.JWKSURL, RootCAs: roots})
	}
	return workload.New(w)
}
