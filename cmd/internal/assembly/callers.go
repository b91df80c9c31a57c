package assembly

import (
	"encoding/hex"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/web"
)

// callers are the apps as package web knows them.
func callers(c config.Config) []web.AppKeys {
	apps := make([]web.AppKeys, 0, len(c.Apps))
	for _, a := range c.Apps {
		limit := c.LimitOf(a)
		w := web.AppKeys{App: domainApp(a), Operations: []web.Operation{},
			Limit: web.Limit{Requests: limit.Requests, Per: limit.Per, Burst: limit.Burst}}
		for _, h := range a.KeyHashes {
			w.KeyHashes = append(w.KeyHashes, hex.EncodeToString(h[:]))
		}
		for _, o := range a.Operations {
			w.Operations = append(w.Operations, web.Operation(o))
		}
		apps = append(apps, w)
	}
	return apps
}
