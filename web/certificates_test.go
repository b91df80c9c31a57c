package web

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"testing"
)

// TestCertificateIsLeftAsItIs: two calls on one HTTP/2 connection look at the
// same certificate at once.
func TestCertificateIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	names := append(make([]string, 0, 4), "a.test", "b.test", "c.test") // with room, as crypto/x509 leaves it
	name := "spiffe://example.is/shop"
	u, err := url.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	all := certificates{name: (&client{}).caller(byCertificate, name)}
	state := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{DNSNames: names, URIs: []*url.URL{u}}}}}
	if _, err := all.caller(state); err != nil {
		t.Error(err)
	}
	if got := names[:4][3]; got != "" {
		t.Errorf("%q was written into the certificate", got)
	}
}
