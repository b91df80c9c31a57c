package sandbox

import "net/http"

// Paths as PingFederate has them, and as the bank's documentation shows.
const (
	pathAuthorize  = "/as/authorization.oauth2"
	pathToken      = "/as/token.oauth2"
	pathRevoke     = "/as/revoke_token.oauth2"
	pathIntrospect = "/as/introspect.oauth2"
	pathPAR        = "/as/par.oauth2"
	pathJWKS       = "/pf/JWKS"
)

// metadata is the discovery document: OpenID Connect Discovery 1.0 with the
// additions of RFC 8414, 9126 and 9207.
type metadata struct {
	Issuer             string   `json:"issuer"`
	Authorization      string   `json:"authorization_endpoint"`
	Token              string   `json:"token_endpoint"`
	JWKS               string   `json:"jwks_uri"`
	Revocation         string   `json:"revocation_endpoint"`
	Introspection      string   `json:"introspection_endpoint"`
	PAR                string   `json:"pushed_authorization_request_endpoint"`
	RequirePAR         bool     `json:"require_pushed_authorization_requests"`
	IssuerInAnswer     bool     `json:"authorization_response_iss_parameter_supported"`
	Scopes             []string `json:"scopes_supported"`
	ResponseTypes      []string `json:"response_types_supported"`
	ResponseModes      []string `json:"response_modes_supported"`
	GrantTypes         []string `json:"grant_types_supported"`
	SubjectTypes       []string `json:"subject_types_supported"`
	IDTokenAlgs        []string `json:"id_token_signing_alg_values_supported"`
	AuthMethods        []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs           []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevokeAuthMethods  []string `json:"revocation_endpoint_auth_methods_supported"`
	InspectAuthMethods []string `json:"introspection_endpoint_auth_methods_supported"`
	Challenges         []string `json:"code_challenge_methods_supported"`
	Claims             []string `json:"claims_supported"`
	RequestObjects     bool     `json:"request_parameter_supported"`
	RequestURIs        bool     `json:"request_uri_parameter_supported"`
}

func (b *Bank) discovery(w http.ResponseWriter, _ *http.Request) {
	methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	algs := make([]string, len(assertionAlgs))
	for i, alg := range assertionAlgs {
		algs[i] = string(alg)
	}
	issuer := b.cfg.Issuer
	writeJSON(w, http.StatusOK, metadata{
		Issuer:             issuer,
		Authorization:      issuer + pathAuthorize,
		Token:              issuer + pathToken,
		JWKS:               issuer + pathJWKS,
		Revocation:         issuer + pathRevoke,
		Introspection:      issuer + pathIntrospect,
		PAR:                issuer + pathPAR,
		RequirePAR:         b.cfg.RequirePAR,
		IssuerInAnswer:     true,
		Scopes:             scopeNames(),
		ResponseTypes:      []string{"code"},
		ResponseModes:      []string{"query"},
		GrantTypes:         []string{"authorization_code", "refresh_token"},
		SubjectTypes:       []string{"public"},
		IDTokenAlgs:        []string{"RS256"},
		AuthMethods:        methods,
		AuthAlgs:           algs,
		RevokeAuthMethods:  methods,
		InspectAuthMethods: methods,
		Challenges:         []string{"S256"},
		Claims: []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash",
			"kennitala", "name", "gender", "birthdate"},
	})
}
