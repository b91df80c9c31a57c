package config

import (
	"net/url"
	"regexp"
	"strconv"
)

var dnsForm = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// checkCertificates reports certificates that nobody could show, or by which
// two apps would be known.
func (r *report) checkCertificates(c Config) {
	t := c.ListenTLS
	switch {
	case t.CertFile == "" && t.KeyFile != "":
		r.bad("listen_tls.key_file", "has no effect without cert_file")
	case t.CertFile != "" && t.KeyFile == "":
		r.bad("listen_tls.key_file", "missing; cert_file needs its private key")
	}
	if t.CertFile == "" && t.ClientCAFile != "" {
		r.bad("listen_tls.client_ca_file", "has no effect without cert_file: only a certificate that listen itself verified counts")
	}
	seen := map[string]string{}
	for i, app := range c.Apps {
		for j, name := range app.Certificates {
			at := r.elements["apps"][i].name + ".certificates[" + strconv.Itoa(j) + "]"
			u, err := url.Parse(name)
			switch first, taken := seen[name]; {
			case !dnsForm.MatchString(name) && (err != nil || u.Scheme == "" || u.Host == ""):
				r.bad(at, "want a DNS name in lower case or a URI, such as shop.internal or spiffe://example.is/shop")
			case taken:
				r.bad(at, "is %s too; one certificate must not be two apps", first)
			case t.ClientCAFile == "":
				r.bad(at, "has no effect without listen_tls.client_ca_file")
			}
			seen[name] = at
		}
	}
}
