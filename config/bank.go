package config

import (
	"net/url"
	"slices"
	"strings"
	"time"

	// The minimal image has no time zones of its own.
	_ "time/tzdata"
)

// Bank is a bank profile with the operator's entry laid over it. All of it is
// data; nothing here is particular to one bank.
type Bank struct {
	ID           string          `yaml:"id" doc:"Short name in the API, callbacks and logs. The profile's name when not given. Never reuse it."`
	Profile      string          `yaml:"profile" doc:"Shipped profile to start from. Without one, everything is given here."`
	Name         string          `yaml:"name" need:"give the name that customers know the bank by" doc:"Name shown to customers."`
	Country      string          `yaml:"country" need:"give the two-letter country code, such as IS" doc:"ISO 3166 code of two letters."`
	Verified     bool            `yaml:"verified" default:"false" doc:"Somebody has checked these settings against the bank itself."`
	VerifiedNote string          `yaml:"verified_note" doc:"What was checked, what was assumed, whom to ask."`
	Environment  BankEnvironment `yaml:"environment" default:"production" values:"sandbox|production" doc:"Whether the bank moves real money there."`

	ClientID     string `yaml:"client_id" need:"take it from the bank's developer portal" doc:"Our client id at the bank."`
	ClientSecret Secret `yaml:"client_secret" doc:"Our secret at the bank, for client_secret_basic and client_secret_post."`
	APIKey       Secret `yaml:"api_key" doc:"Value of the api_key_header, for calls that apps make to the bank's API through consentd (egress)."`

	AuthorizationKind AuthorizationKind `yaml:"authorization_kind" default:"oauth_code" values:"oauth_code" later:"berlin_group_redirect_oauth|decoupled_poll" doc:"How a customer lets us in."`
	Issuer            string            `yaml:"issuer" need:"give the bank's issuer, letter for letter as its ID tokens have it" doc:"Issuer of its ID tokens, letter for letter."`
	DiscoveryURL      string            `yaml:"discovery_url" excludes:"endpoints" doc:"Address of its metadata. {issuer} stands for the issuer. Setting it drops the profile's endpoints, and the reverse."`
	Endpoints         Endpoints         `yaml:"endpoints" excludes:"discovery_url"`
	AllowedHosts      []string          `yaml:"allowed_hosts" doc:"Hosts, besides the issuer's, that its metadata may name. Other hosts are refused."`
	PrivateNetwork    bool              `yaml:"private_network" default:"false" doc:"The bank is reached over a private line: its name may resolve to a private address in production too."`
	CAFile            string            `yaml:"ca_file" doc:"PEM file with the authority that signed the bank's certificates. Empty: the system's authorities."`
	ProxyURL          string            `yaml:"proxy_url" doc:"HTTP proxy on the way to the bank. HTTP_PROXY and its like are not heeded."`

	ClientAuth          ClientAuth `yaml:"client_auth" default:"client_secret_basic" values:"client_secret_basic|client_secret_post|private_key_jwt" later:"tls_client_auth" doc:"How we prove who we are. Fixed, because guessing sends a refresh token twice."`
	SigningKeyFile      string     `yaml:"signing_key_file" doc:"PEM file with our private key, for private_key_jwt. One key for each bank."`
	PKCE                PKCE       `yaml:"pkce" default:"S256" values:"S256|off" doc:"Proof key for the code. off only for a bank that refuses requests with it."`
	RequirePAR          bool       `yaml:"require_par" default:"false" doc:"Push the authorization request (RFC 9126), and never fall back to the browser's address bar."`
	RequireIssParameter bool       `yaml:"require_iss_parameter" default:"false" doc:"Refuse a callback without iss (RFC 9207), also when the metadata does not announce it."`
	IDTokenAlgs         []string   `yaml:"id_token_algs" default:"RS256" doc:"Signature algorithms of its ID tokens."`

	NationalIDClaim string     `yaml:"national_id_claim" doc:"ID-token claim that holds the customer's national id."`
	NationalID      NationalID `yaml:"national_id"`
	Scopes          Scopes     `yaml:"scopes"`

	AccessTTLFallback    time.Duration `yaml:"access_ttl_fallback" default:"300s" doc:"Life of an access token when the bank does not say."`
	Refresh              RefreshKind   `yaml:"refresh" default:"rotating" values:"none|static|rotating" doc:"Whether it gives refresh tokens, and new ones at each refresh. A returned one is always stored."`
	Rotation             Rotation      `yaml:"rotation" default:"strict" doc:"What happens to a refresh token used twice: none, grace:30s (accepted for that long), strict (ends the grant)."`
	RenewalReplacesGrant bool          `yaml:"renewal_replaces_grant" default:"true" doc:"A renewal's grant takes the old one's place at the bank. false: the old one stays alive there until it is revoked, which is then done. true where unknown: revoking it could end the new one."`
	GrantClock           GrantClock    `yaml:"grant_clock" default:"fixed_from_authorisation" values:"fixed_from_authorisation" later:"sliding" doc:"Whether a refresh moves the end of the consent."`
	Consent              ConsentRules  `yaml:"consent"`
	DeadCodes            []string      `yaml:"dead_codes" default:"invalid_grant" doc:"OAuth error codes that prove a grant ended. Everything else is a disturbance."`
	BusinessCodes        []string      `yaml:"business_codes" doc:"Error codes of the bank's API that come with 401 or 403 and are not about the token. An app that reports one is told so, and the grant is left alone."`

	RequestIDForm          RequestIDForm `yaml:"request_id_form" default:"uuid" values:"alnum32|uuid" doc:"Form of X-Request-ID in calls to the bank's API: alnum32 is 1 to 35 letters and digits. Others are refused before they cost a call."`
	APIKeyHeader           string        `yaml:"api_key_header" doc:"Name of the header with the API key, besides the access token, in calls to the bank's API."`
	APIBaseURL             string        `yaml:"api_base_url" doc:"Address of the bank's API, for apps with egress."`
	MaxInFlight            int           `yaml:"max_in_flight" default:"16" doc:"Most requests of one process that are open at the bank at once."`
	APIMaxInFlight         int           `yaml:"api_max_in_flight" default:"64" doc:"How many calls of apps to the bank's API one process has open at once; one more is answered 503. 0: any number."`
	OnlineBankWithdrawHint bool          `yaml:"online_bank_withdraw_hint" default:"false" doc:"Tell customers that they can also withdraw access in the online bank."`
	SignIn                 bool          `yaml:"sign_in" default:"false" doc:"Let customers prove at the bank who they are (a sign-in with openid alone), to see all their accesses. Only where such a sign-in leaves the grants that there are as they are: renewal_replaces_grant must be false."`
	StatusPoll             time.Duration `yaml:"status_poll" default:"0s" doc:"How often to ask the bank whether a consent still stands. 0s: never. Anything else is known, not supported yet."`
}

// Endpoints are the addresses of an authorization server that are configured
// rather than discovered.
type Endpoints struct {
	Authorization string `yaml:"authorization" doc:"Where the browser goes."`
	Token         string `yaml:"token" doc:"Where codes and refresh tokens are redeemed."`
	JWKS          string `yaml:"jwks" doc:"Keys of its ID tokens."`
	Revocation    string `yaml:"revocation" doc:"RFC 7009. Without it the customer is told to withdraw at the bank too."`
	PAR           string `yaml:"par" doc:"RFC 9126."`
}

// NationalID says which national ids the bank's customers have.
type NationalID struct {
	Country         string     `yaml:"country" values:"IS|SE" doc:"Whose form it has: IS kennitala, SE personnummer. Empty: not looked at."`
	IndividualsOnly bool       `yaml:"individuals_only" default:"false" doc:"Refuse companies' ids."`
	CheckDigit      CheckDigit `yaml:"check_digit" default:"off" values:"off|strict" later:"warn" doc:"Icelandic ids issued since 18 February 2026 have no valid check digit: leave it off there."`
}

// Scopes are the rights asked for at a bank.
type Scopes struct {
	Required []string `yaml:"required" need:"list the scopes without which a consent is of no use" doc:"Always asked for. A consent with fewer is not handed out."`
	Optional []string `yaml:"optional" doc:"May be asked for by an app that lists them."`
	Template string   `yaml:"template" doc:"Scope that names the consent, with {id} for its id at the bank, such as AIS:{id}. Known, not supported yet."`
}

// ConsentRules say how long a consent lasts. Either Validity or ValidityDays
// is set, never both.
type ConsentRules struct {
	Validity       time.Duration  `yaml:"validity" default:"2160h" excludes:"validity_days" doc:"From authorization to end, to the second. 2160h is 90 days."`
	ValidityDays   int            `yaml:"validity_days" default:"0" excludes:"validity" doc:"In place of validity: calendar days in time_zone."`
	InclusiveDates bool           `yaml:"inclusive_dates" default:"false" doc:"With validity_days: the last day counts until its midnight. Also how the bank's own dates are read."`
	TimeZone       *time.Location `yaml:"time_zone" default:"UTC" doc:"Where the bank's days begin, such as Europe/Stockholm."`
	Margin         time.Duration  `yaml:"margin" default:"10m" doc:"How long before the end handing out stops, because the bank's clock is not ours."`
}

// BankEnvironment tells a bank's sandbox from the bank.
type BankEnvironment string

// AuthorizationKind is how a customer lets us in.
type AuthorizationKind string

// ClientAuth is how we authenticate at the token endpoint.
type ClientAuth string

// PKCE says whether a proof key goes with the code.
type PKCE string

// RefreshKind says which refresh tokens a bank gives.
type RefreshKind string

// GrantClock says whether refreshing moves the end of a consent.
type GrantClock string

// CheckDigit says what a wrong check digit in a national id leads to.
type CheckDigit string

// RequestIDForm is the form of X-Request-ID.
type RequestIDForm string

// The words of a bank profile.
const (
	BankSandbox    BankEnvironment = "sandbox"
	BankProduction BankEnvironment = "production"

	OAuthCode                AuthorizationKind = "oauth_code"
	BerlinGroupRedirectOAuth AuthorizationKind = "berlin_group_redirect_oauth" // not supported yet
	DecoupledPoll            AuthorizationKind = "decoupled_poll"              // not supported yet

	ClientSecretBasic ClientAuth = "client_secret_basic"
	ClientSecretPost  ClientAuth = "client_secret_post"
	PrivateKeyJWT     ClientAuth = "private_key_jwt"
	TLSClientAuth     ClientAuth = "tls_client_auth" // not supported yet

	PKCES256 PKCE = "S256"
	PKCEOff  PKCE = "off"

	RefreshNone     RefreshKind = "none"
	RefreshStatic   RefreshKind = "static"
	RefreshRotating RefreshKind = "rotating"

	ClockFixed   GrantClock = "fixed_from_authorisation"
	ClockSliding GrantClock = "sliding" // not supported yet

	CheckDigitOff    CheckDigit = "off"
	CheckDigitWarn   CheckDigit = "warn" // not supported yet
	CheckDigitStrict CheckDigit = "strict"

	RequestIDAlnum32 RequestIDForm = "alnum32"
	RequestIDUUID    RequestIDForm = "uuid"
)

// Hosts lists the hosts that belong to the bank: those of its configured
// addresses, and those that its metadata may name besides.
func (b Bank) Hosts() []string {
	hosts := slices.Clone(b.AllowedHosts)
	for _, address := range []string{
		b.Issuer, b.DiscoveryURL, b.APIBaseURL,
		b.Endpoints.Authorization, b.Endpoints.Token, b.Endpoints.JWKS, b.Endpoints.Revocation, b.Endpoints.PAR,
	} {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			hosts = append(hosts, strings.ToLower(u.Host))
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
