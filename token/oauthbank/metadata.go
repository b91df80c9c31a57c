package oauthbank

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

const (
	metadataPause = time.Minute
	metadataFresh = 24 * time.Hour
)

// metadata are the parts of the bank's document that we use.
type metadata struct {
	Endpoints
	RequirePAR  bool
	SendsIssuer bool // authorization_response_iss_parameter_supported (RFC 9207 section 3)
}

// endpoints returns where to call. Metadata that cannot be read again go on
// being used: a bank's broken document says nothing about its endpoints.
func (b *Bank) endpoints(ctx context.Context) (metadata, error) {
	m := metadata{Endpoints: b.cfg.Endpoints}
	if b.metadata != nil {
		known, err := b.metadata.get(ctx)
		if known == nil {
			return metadata{}, err
		}
		m = *known
	}
	m.RequirePAR = m.RequirePAR || b.cfg.RequirePAR
	m.SendsIssuer = m.SendsIssuer || b.cfg.RequireIssParameter
	return m, nil
}

// discover reads the document and refuses it whole if any part of it is
// wrong. A refusal is a matter for a human (ErrMisconfigured); not getting
// it is not.
func (b *Bank) discover(ctx context.Context) (metadata, time.Duration, error) {
	var r reply
	var err error
	for _, address := range metadataAddresses(b.cfg.DiscoveryURL) {
		r, err = b.fetch(ctx, address)
		if f, failed := errors.AsType[*fault](err); !failed || f.status == 0 {
			break
		}
	}
	if err == nil {
		var m metadata
		if m, err = b.readMetadata(r.body); err == nil {
			b.noteChanges(m)
			return m, metadataFresh, nil
		}
	}
	code := "metadata"
	if f, ok := errors.AsType[*fault](err); ok {
		code = f.code
	}
	b.log.Error("metadata of the bank not read", "event", "metadata_unread", "code", code)
	return metadata{}, 0, err
}

// metadataAddresses are the places to try: the one given, or the paths that
// OpenID Connect Discovery section 4 and RFC 8414 section 3.1 derive from an
// issuer.
func metadataAddresses(discovery string) []string {
	const root = "/.well-known/"
	u, err := url.Parse(discovery)
	if err != nil || strings.Contains(u.Path, root) {
		return []string{discovery}
	}
	base := strings.TrimSuffix(u.Path, "/")
	u.RawQuery = ""
	u.RawPath = ""
	var list []string
	for _, path := range []string{
		base + root + "openid-configuration",
		root + "oauth-authorization-server" + base,
	} {
		u.Path = path
		list = append(list, u.String())
	}
	return list
}

// fetch reads a public document. Nothing changes at the bank, so whatever
// goes wrong, the call that needed it was not made.
func (b *Bank) fetch(ctx context.Context, address string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{}, &fault{err: token.ErrNotDone, code: "endpoint"}
	}
	req.Header = http.Header{
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"consentd"},
	}
	r, err := b.send(req, maxDocument)
	if f, ok := errors.AsType[*fault](err); ok {
		return reply{}, &fault{err: token.ErrNotDone, code: f.code}
	}
	if r.status != http.StatusOK || r.torn {
		return reply{}, &fault{err: token.ErrNotDone, code: "document_unavailable", status: r.status}
	}
	return r, nil
}

func (b *Bank) readMetadata(text []byte) (metadata, error) {
	body, err := parseObject(text)
	if err != nil {
		return metadata{}, &fault{err: token.ErrNotDone, code: "metadata_unreadable"}
	}
	if issuer, ok := body.text("issuer"); !ok || issuer != b.cfg.Issuer {
		return metadata{}, refused("metadata_issuer")
	}
	configured := b.cfg.Endpoints
	var m metadata
	for _, e := range []struct {
		member, fallback string
		into             *string
	}{
		{"authorization_endpoint", configured.Authorization, &m.Authorization},
		{"token_endpoint", configured.Token, &m.Token},
		{"jwks_uri", configured.JWKS, &m.JWKS},
		{"revocation_endpoint", configured.Revocation, &m.Revocation},
		{"pushed_authorization_request_endpoint", configured.PAR, &m.PAR},
	} {
		address, ok := body.text(e.member)
		switch {
		case !ok:
			return metadata{}, refused("metadata_" + e.member)
		case address == "":
			*e.into = e.fallback
		case checkEndpoint(address, b.cfg.AllowInsecure) != nil || !b.knownHost(address):
			b.log.Error("metadata name a forbidden endpoint",
				"event", "metadata_refused", "member", e.member, "host", printable(hostOf(address)))
			return metadata{}, refused("metadata_" + e.member)
		default:
			*e.into = address
		}
	}
	m.RequirePAR = body.flag("require_pushed_authorization_requests")
	m.SendsIssuer = body.flag("authorization_response_iss_parameter_supported")
	if m.Authorization == "" || m.Token == "" || (m.RequirePAR || b.cfg.RequirePAR) && m.PAR == "" {
		return metadata{}, refused("metadata_incomplete")
	}
	return m, nil
}

func refused(code string) error { return &fault{err: token.ErrMisconfigured, code: code} }

// knownHost tells whether reviewed configuration names the host: as that of
// the issuer, of the metadata or of an endpoint. A document that was tampered
// with cannot have our secrets and codes sent elsewhere.
func (b *Bank) knownHost(address string) bool {
	e := b.cfg.Endpoints
	if slices.ContainsFunc(b.cfg.AllowedHosts, func(h string) bool { return hostOf("https://"+h) == hostOf(address) }) {
		return true
	}
	return slices.ContainsFunc(
		[]string{b.cfg.Issuer, b.cfg.DiscoveryURL, e.Authorization, e.Token, e.JWKS, e.Revocation, e.PAR},
		func(known string) bool { return known != "" && hostOf(known) == hostOf(address) })
}

func (b *Bank) noteChanges(m metadata) {
	b.metadata.mu.Lock()
	old := b.metadata.value
	b.metadata.mu.Unlock()
	if old == nil || *old == m {
		return
	}
	b.log.Warn("metadata of the bank changed", "event", "metadata_changed",
		"authorization_moved", old.Authorization != m.Authorization,
		"token_moved", old.Token != m.Token,
		"jwks_moved", old.JWKS != m.JWKS,
		"revocation_moved", old.Revocation != m.Revocation,
		"par_moved", old.PAR != m.PAR)
}

func printable(host string) string { return host[:min(len(host), 100)] }
