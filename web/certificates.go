package web

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
)

// certificates are the callers by the names in their certificates.
type certificates map[string]caller

func newCertificates(clients []*client) (certificates, error) {
	all := make(certificates)
	var errs []error
	for _, c := range clients {
		for _, name := range c.Certificates {
			if other, taken := all[name]; taken {
				errs = append(errs, fmt.Errorf("web: apps %q and %q have the same certificate", other.App.ID, c.App.ID))
			}
			all[name] = c.caller(byCertificate, name)
		}
	}
	return all, errors.Join(errs...)
}

// caller is who showed a certificate on this connection. Only one that our own
// TLS has verified counts, never what a header says of one.
func (all certificates) caller(t *tls.ConnectionState) (caller, error) {
	if t == nil || len(t.VerifiedChains) == 0 || len(t.VerifiedChains[0]) == 0 {
		return caller{}, errUnauthorized
	}
	leaf := t.VerifiedChains[0][0]
	names := slices.Clone(leaf.DNSNames) // the certificate is shared by all of a connection
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	var who caller
	for _, name := range names {
		found, known := all[name]
		if !known {
			continue
		}
		if who.client != nil && who.client != found.client {
			return caller{}, errUnauthorized // two apps at once are none
		}
		who = found
	}
	if who.client == nil {
		return caller{}, errUnauthorized
	}
	return who, nil
}
