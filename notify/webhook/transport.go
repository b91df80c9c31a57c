package webhook

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/consentd/consentd/internal/publicnet"
)

const dialTimeout = 5 * time.Second

// newTransport trusts no proxy settings of the environment. Each attempt has
// a connection of its own: they are hours apart, and every one is guarded.
func newTransport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !allowPrivate {
		dialer.ControlContext = publicnet.Guard
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		Protocols:              protocols,
	}
}
