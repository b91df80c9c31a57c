package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	countryForm  = regexp.MustCompile(`^[A-Z]{2}$`)
	scopeForm    = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`) // RFC 6749 section 3.3
	codeForm     = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	businessForm = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)
	headerForm   = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	hostForm     = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?$`)

	// none and HS256 are missing on purpose.
	signatureAlgs = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

	// These say that we or the bank have a fault, never that a grant ended.
	neverDead = []string{
		"invalid_client", "unauthorized_client", "invalid_request", "invalid_scope", "unsupported_grant_type",
		"server_error", "temporarily_unavailable", "slow_down",
	}
)

func (r *report) checkBanks(c Config) {
	if len(c.Banks) == 0 && !r.has("banks") {
		r.bad("banks", "give at least one, such as: - profile: %s", strings.Join(Profiles(), " or "))
	}
	seen := map[string]string{}
	for i, b := range c.Banks {
		e := r.elements["banks"][i]
		if b.ID == "" {
			r.bad(e.name+".id", "missing; give the bank a short name, or a profile")
		}
		r.checkID(e.name, b.ID, seen)
		if !e.whole {
			continue
		}
		r.checkBankClient(b, e.name)
		r.checkBankAddresses(c, b, e.name)
		r.checkBankScopes(b, e.name)
		r.checkBankWords(b, e.name)
		r.checkBankConsent(b, e.name)
	}
}

func (r *report) checkBankClient(b Bank, at string) {
	switch b.ClientAuth {
	case PrivateKeyJWT:
		if b.SigningKeyFile == "" {
			r.bad(at+".signing_key_file", "missing; client_auth private_key_jwt signs with it")
		}
		if b.ClientSecret != "" {
			r.bad(at+".client_secret", "has no effect with client_auth private_key_jwt; remove it")
		}
	default:
		if b.ClientSecret == "" && !r.has(at+".client_secret"+fileSuffix) {
			name := envPrefix + envName(at) + "_CLIENT_SECRET"
			r.bad(at+".client_secret", "missing; set %s or %s_FILE", name, name)
		}
		if b.SigningKeyFile != "" {
			r.bad(at+".signing_key_file", "has no effect with client_auth %s; remove it", b.ClientAuth)
		}
	}
}

func (r *report) checkBankAddresses(c Config, b Bank, at string) {
	rules := urlRules{plain: c.Environment != Production, public: c.Environment == Production}
	r.checkURL(at+".issuer", b.Issuer, rules)
	rules.query = true
	for _, a := range []struct{ key, url string }{
		{"endpoints.authorization", b.Endpoints.Authorization},
		{"endpoints.token", b.Endpoints.Token},
		{"endpoints.jwks", b.Endpoints.JWKS},
		{"endpoints.revocation", b.Endpoints.Revocation},
		{"endpoints.par", b.Endpoints.PAR},
	} {
		r.checkURL(at+"."+a.key, a.url, rules)
	}
	r.checkURL(at+".api_base_url", b.APIBaseURL, urlRules{plain: rules.plain, public: rules.public})
	if !r.has(at + ".issuer") { // what is made from a faulty issuer would only repeat its fault
		r.checkURL(at+".discovery_url", b.DiscoveryURL, rules)
	}
	r.checkURL(at+".proxy_url", b.ProxyURL, urlRules{plain: true, bare: true})
	if b.DiscoveryURL == "" && !r.has(at+".discovery_url") {
		r.checkEndpoints(b, at)
	}
	for i, host := range b.AllowedHosts {
		if !hostForm.MatchString(host) {
			r.bad(at+".allowed_hosts["+strconv.Itoa(i)+"]", "want a host in lower case, such as auth.bank.example")
		}
	}
}

// checkEndpoints reports what is missing where nothing is discovered.
func (r *report) checkEndpoints(b Bank, at string) {
	const hint = "missing; take it from the bank's documentation, or set discovery_url in place of all endpoints"
	for _, e := range []struct{ key, url string }{
		{"authorization", b.Endpoints.Authorization},
		{"token", b.Endpoints.Token},
		{"jwks", b.Endpoints.JWKS},
	} {
		if e.url == "" {
			r.bad(at+".endpoints."+e.key, hint)
		}
	}
	if b.RequirePAR && b.Endpoints.PAR == "" {
		r.bad(at+".endpoints.par", "missing; require_par pushes requests there")
	}
}

func (r *report) checkBankScopes(b Bank, at string) {
	all := slices.Concat(b.Scopes.Required, b.Scopes.Optional)
	for i, scope := range all {
		name := at + ".scopes.required[" + strconv.Itoa(i) + "]"
		if n := i - len(b.Scopes.Required); n >= 0 {
			name = at + ".scopes.optional[" + strconv.Itoa(n) + "]"
		}
		switch {
		case !scopeForm.MatchString(scope):
			r.bad(name, "want one scope, without spaces and quotes")
		case slices.Contains(all[:i], scope):
			r.bad(name, "stands there twice; keep one")
		}
	}
	if b.NationalIDClaim != "" && len(b.Scopes.Required) > 0 && !slices.Contains(b.Scopes.Required, "openid") {
		r.bad(at+".scopes.required", "lacks openid, without which there is no ID token to take national_id_claim from")
	}
	if b.SignIn && b.RenewalReplacesGrant {
		r.bad(at+".sign_in", "would put the grant of a sign-in in the place of the customer's live one; leave it off, or set renewal_replaces_grant: false if the bank has said that both live")
	}
	if b.Scopes.Template != "" {
		r.bad(at+".scopes.template", "is known, not supported yet; remove it")
	}
}

func (r *report) checkBankWords(b Bank, at string) {
	if b.Country != "" && !countryForm.MatchString(b.Country) {
		r.bad(at+".country", "want two capital letters, such as IS or SE")
	}
	if b.APIKeyHeader != "" && !headerForm.MatchString(b.APIKeyHeader) {
		r.bad(at+".api_key_header", "want the name of a header, such as apikey")
	}
	if b.MaxInFlight < 1 {
		r.bad(at+".max_in_flight", "must be at least 1")
	}
	if len(b.IDTokenAlgs) == 0 {
		r.bad(at+".id_token_algs", "is empty; list at least one, such as RS256")
	}
	for i, alg := range b.IDTokenAlgs {
		if !slices.Contains(signatureAlgs, alg) {
			r.bad(at+".id_token_algs["+strconv.Itoa(i)+"]", "want one of %s; none and HS256 are no proof", oneOf(signatureAlgs))
		}
	}
	if len(b.DeadCodes) == 0 {
		r.bad(at+".dead_codes", "is empty, so that no grant could ever be found ended; list at least invalid_grant")
	}
	for i, code := range b.DeadCodes {
		name := at + ".dead_codes[" + strconv.Itoa(i) + "]"
		switch {
		case slices.Contains(neverDead, code):
			r.bad(name, "%s is a fault of ours or the bank's, never proof that a grant ended; remove it", code)
		case !codeForm.MatchString(code):
			r.bad(name, "want an OAuth error code, such as invalid_grant")
		}
	}
	r.checkBusinessCodes(b, at)
	if b.StatusPoll > 0 {
		r.bad(at+".status_poll", "is known, not supported yet; remove it, and see probe.after")
	}
	r.checkNationalID(b, at)
}

func (r *report) checkBusinessCodes(b Bank, at string) {
	for i, code := range b.BusinessCodes {
		name := at + ".business_codes[" + strconv.Itoa(i) + "]"
		switch {
		case !businessForm.MatchString(code):
			r.bad(name, "want an error code of the bank's API, such as ERR_80102_110")
		case slices.Contains(b.BusinessCodes[:i], code):
			r.bad(name, "stands there twice; keep one")
		}
	}
}

// checkNationalID reports rules that could not be applied.
func (r *report) checkNationalID(b Bank, at string) {
	rules := b.NationalID
	wanted := rules.IndividualsOnly || rules.CheckDigit != CheckDigitOff
	if wanted && rules.Country == "" {
		r.bad(at+".national_id.country", "missing; individuals_only and check_digit need to know the form of the id")
	}
	if wanted && b.NationalIDClaim == "" {
		r.bad(at+".national_id_claim", "missing; individuals_only and check_digit look at it")
	}
}

func (r *report) checkBankConsent(b Bank, at string) {
	at += ".consent"
	rules := b.Consent
	const most = 3650
	length := rules.Validity
	if rules.ValidityDays > 0 {
		length = days(rules.ValidityDays)
	}
	setting := at + ".validity"
	if _, ok := r.origins[at+".validity_days"]; ok {
		setting += "_days"
	}
	switch {
	case r.has(setting):
	case length <= 0:
		r.bad(setting, "must be more than zero; give validity: 2160h or validity_days: 90")
	case length > days(most) || rules.ValidityDays > most:
		r.bad(setting, "is more than ten years")
	case rules.Margin >= length:
		r.bad(at+".margin", "must be shorter than the consent itself")
	}
	if rules.InclusiveDates && rules.ValidityDays == 0 {
		r.bad(at+".inclusive_dates", "has no effect on validity; give validity_days")
	}
	if b.AccessTTLFallback <= 0 && !r.has(at+".access_ttl_fallback") {
		r.bad(strings.TrimSuffix(at, ".consent")+".access_ttl_fallback", "must be more than zero")
	}
}
