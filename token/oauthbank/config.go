package oauthbank

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/internal/jwks"
	"github.com/consentd/consentd/token"
)

// The ways of proving to the bank who we are (OpenID Connect Core section 9).
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	PrivateKeyJWT     = "private_key_jwt"
)

// Endpoints are the URLs of a bank. Where the bank has discovery they are
// what is used for members that its document lacks, and their hosts may be
// named by it.
type Endpoints struct {
	Authorization string // required without discovery
	Token         string // required without discovery
	JWKS          string // required to ask for the scope openid
	Revocation    string // empty: the bank has none
	PAR           string // pushed authorization requests (RFC 9126); empty: the bank has none
}

// Config describes a bank and our registration there. It comes from reviewed
// configuration only, never from a request.
type Config struct {
	ID     string // required: our name of the bank
	Issuer string // required: compared byte for byte

	// DiscoveryURL is the address of the bank's metadata document, or an
	// issuer to which the path rules of OpenID Connect Discovery and of RFC
	// 8414 section 3.1 are applied. Empty: Endpoints are all there is.
	DiscoveryURL string
	Endpoints    Endpoints

	ClientID     string
	ClientSecret token.Secret  // for client_secret_basic and client_secret_post
	ClientAuth   string        // required: one of the constants above
	SigningKey   crypto.Signer // for private_key_jwt: P-256 signs ES256, RSA signs PS256
	SigningKeyID string        // sent as kid when set

	PKCE                bool   // send an S256 challenge (RFC 7636)
	RequirePAR          bool   // also when the bank's metadata say so
	RedirectURI         string // required
	RequireIssParameter bool   // RFC 9207; also when the bank's metadata say so

	IDTokenAlgs      []string // accepted signatures; default RS256. Symmetric ones and none are refused
	TrustedAudiences []string // further audiences that an ID token may name
	NationalIDClaim  string   // claim of the ID token; empty: none

	AcceptTokenType  string        // default Bearer
	DefaultAccessTTL time.Duration // when the bank gives no usable expires_in; default 300 s
	// GrantEndField names the member of the token answer that holds the end
	// of the whole grant: Unix seconds or RFC 3339, not a number of seconds
	// from now. Empty: the bank says nothing.
	GrantEndField string
	DeadCodes     []string // error codes that prove a grant dead; default invalid_grant

	ClockSkew time.Duration // tolerated in ID tokens; default 60 s
	Deadline  time.Duration // for one call in all, before best-effort revocation; default 20 s

	// AllowedHosts are further hosts that the bank's metadata may name, with
	// their ports where they have one.
	AllowedHosts []string
	RootCAs      *x509.CertPool // nil: the system's
	// Proxy is what to go through; nil: straight to the bank. The guard
	// against internal addresses is then the proxy's business.
	Proxy *url.URL

	// AllowInsecure permits http and addresses inside our network. For a
	// sandbox on the same machine only.
	AllowInsecure bool
	// Transport replaces our own, and with it the guard against internal
	// addresses. An error of a transport that does not report to
	// net/http/httptrace counts as "unknown whether the bank acted".
	Transport http.RoundTripper
	Now       func() time.Time // default time.Now
	Log       *slog.Logger     // default: discarded
}

func (c Config) withDefaults() Config {
	c.IDTokenAlgs = slices.Clone(c.IDTokenAlgs)
	if len(c.IDTokenAlgs) == 0 {
		c.IDTokenAlgs = []string{"RS256"}
	}
	c.DeadCodes = slices.Clone(c.DeadCodes)
	if len(c.DeadCodes) == 0 {
		c.DeadCodes = []string{"invalid_grant"}
	}
	c.TrustedAudiences = slices.Clone(c.TrustedAudiences)
	setDefault(&c.AcceptTokenType, "Bearer")
	setDefault(&c.DefaultAccessTTL, 300*time.Second)
	setDefault(&c.ClockSkew, 60*time.Second)
	setDefault(&c.Deadline, 20*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) check() error {
	return errors.Join(
		required("ID", c.ID),
		required("ClientID", c.ClientID),
		c.checkURLs(),
		c.checkClientAuth(),
		c.checkAlgs(),
		c.checkDeadCodes(),
		inRange("DefaultAccessTTL", c.DefaultAccessTTL, maxAccessTTL),
		inRange("ClockSkew", c.ClockSkew, 5*time.Minute),
		inRange("Deadline", c.Deadline, 5*time.Minute),
	)
}

func (c Config) checkURLs() error {
	errs := []error{
		named("Issuer", checkIssuerURL(c.Issuer, c.AllowInsecure)),
		named("RedirectURI", checkRedirectURI(c.RedirectURI, c.AllowInsecure)),
	}
	for _, u := range []struct {
		name, url string
		required  bool
	}{
		{"DiscoveryURL", c.DiscoveryURL, false},
		{"Endpoints.Authorization", c.Endpoints.Authorization, c.DiscoveryURL == ""},
		{"Endpoints.Token", c.Endpoints.Token, c.DiscoveryURL == ""},
		{"Endpoints.JWKS", c.Endpoints.JWKS, false},
		{"Endpoints.Revocation", c.Endpoints.Revocation, false},
		{"Endpoints.PAR", c.Endpoints.PAR, c.DiscoveryURL == "" && c.RequirePAR},
	} {
		switch {
		case u.url != "":
			errs = append(errs, named(u.name, checkEndpoint(u.url, c.AllowInsecure)))
		case u.required:
			errs = append(errs, required(u.name, ""))
		}
	}
	return errors.Join(errs...)
}

func (c Config) checkClientAuth() error {
	switch c.ClientAuth {
	case ClientSecretBasic, ClientSecretPost:
		return required("ClientSecret", c.ClientSecret.Reveal())
	case PrivateKeyJWT:
		return named("SigningKey", checkSigningKey(c.SigningKey))
	default:
		return fmt.Errorf("ClientAuth: unknown method %q", c.ClientAuth)
	}
}

func checkSigningKey(key crypto.Signer) error {
	if key == nil {
		return errors.New("missing")
	}
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return errors.New("an EC key must be on P-256")
		}
	case *rsa.PublicKey:
		if public.N.BitLen() < jwks.MinRSABits {
			return fmt.Errorf("an RSA key needs %d bits", jwks.MinRSABits)
		}
	default:
		return fmt.Errorf("unsupported type %T", public)
	}
	return nil
}

func (c Config) checkAlgs() error {
	var errs []error
	for _, alg := range c.IDTokenAlgs {
		if !jwks.Known(alg) {
			errs = append(errs, fmt.Errorf("IDTokenAlgs: %q is not an accepted signature", alg))
		}
	}
	return errors.Join(errs...)
}

// checkDeadCodes refuses codes that say something about us or about the
// bank's own state: a wrong secret of ours must not end every consent. Only
// invalid_request is let through, which some banks answer to a dead token.
func (c Config) checkDeadCodes() error {
	var errs []error
	for _, code := range c.DeadCodes {
		_, known := codeOutcomes[code]
		if known && code != "invalid_request" || strings.TrimSpace(code) == "" {
			errs = append(errs, fmt.Errorf("DeadCodes: %q proves nothing about a grant", code))
		}
	}
	return errors.Join(errs...)
}

func required(name, value string) error {
	if value == "" {
		return fmt.Errorf("%s: missing", name)
	}
	return nil
}

func named(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func inRange(name string, d, limit time.Duration) error {
	if d < 0 || d > limit {
		return fmt.Errorf("%s: %s is not between 0 and %s", name, d, limit)
	}
	return nil
}
