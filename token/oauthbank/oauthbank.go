// Package oauthbank talks to one bank's authorization server: the
// authorization-code flow (RFC 6749, RFC 7636, RFC 9126), refresh, revocation
// (RFC 7009) and the checks of the ID token (OpenID Connect Core). It is the
// only code that does, and what it adds to the standards is a verdict: every
// answer, and every way of getting none, becomes a success or exactly one of
// the errors of package token. See classify for the table.
//
// It knows one bank, keeps no grant and takes no decision about a consent.
//
// What holds for every call:
//
//   - One call of Redeem or Refresh is at most one request to the token
//     endpoint. Nothing here repeats it, and redirects are not followed.
//   - "Not done" is claimed only where no connection was there to send the
//     request over, or where the bank itself says that it did not act.
//   - After the bank issued tokens on a refresh, no further request stands
//     between them and the caller.
//   - Nothing that the bank wrote, and no secret of ours, reaches an error or
//     a log; an OAuth error code does, if it looks like one.
package oauthbank

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/consentd/consentd/token"
)

// Bank is one bank. It is safe for concurrent use; make it with [New].
type Bank struct {
	cfg      Config
	client   *http.Client
	log      *slog.Logger
	metadata *remote[metadata] // nil: the endpoints are configured
	keys     *keySet
}

var _ token.Bank = (*Bank)(nil)

// New checks c, reports everything that is wrong with it at once and makes no
// network call: a bank that is down does not keep us from starting.
func New(c Config) (*Bank, error) {
	c = c.withDefaults()
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("oauthbank: bank %q: %w", c.ID, err)
	}
	b := &Bank{cfg: c, log: c.Log.With("bank", c.ID)}
	transport := c.Transport
	if transport == nil {
		transport = ownTransport(c.AllowInsecure, c.Deadline, c.RootCAs, c.Proxy)
	}
	b.client = newClient(transport)
	if c.DiscoveryURL != "" {
		b.metadata = &remote[metadata]{now: c.Now, pause: metadataPause, read: b.discover}
	}
	b.keys = newKeySet(b)
	return b, nil
}

// ownTransport is what is used unless another one is given.
func ownTransport(insecure bool, deadline time.Duration, roots *x509.CertPool, proxy *url.URL) *http.Transport {
	own := newTransport(insecure || proxy != nil, deadline)
	own.TLSClientConfig.RootCAs = roots
	if proxy != nil {
		own.Proxy = http.ProxyURL(proxy)
	}
	return own
}

// CheckIssuer implements [token.Bank]. Where the bank's metadata decide
// whether iss may be absent and have not been read yet, it reads them; if
// that fails, an absent iss is refused.
func (b *Bank) CheckIssuer(iss string) error {
	if iss == b.cfg.Issuer {
		return nil
	}
	if iss != "" {
		return b.failure("authorize", &fault{err: token.ErrAnswerRejected, code: "iss_mismatch"})
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.cfg.Deadline)
	defer cancel()
	m, err := b.endpoints(ctx)
	if err != nil {
		return b.failure("authorize", err)
	}
	if m.SendsIssuer {
		return b.failure("authorize", &fault{err: token.ErrAnswerRejected, code: "iss_missing"})
	}
	return nil
}
