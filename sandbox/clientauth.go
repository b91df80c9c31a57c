package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = 5 * time.Minute  // how far ahead an assertion may expire
	clockSkew     = 10 * time.Second // how far a client's clock may run ahead
)

var assertionAlgs = []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA, jose.RS256}

// credentials are what a request offers to say which client sent it.
type credentials struct {
	id, secret string
	assertion  string
}

// authenticated reads the form of a client's direct request and proves who
// sent it.
func (b *Bank) authenticated(r *http.Request) (*Client, url.Values, *oauthError) {
	form, refusal := readForm(r)
	if refusal != nil {
		return nil, nil, refusal
	}
	offered, refusal := readCredentials(r, form)
	if refusal != nil {
		return nil, nil, refusal
	}
	client, known := b.clients[offered.id]
	switch {
	case !known:
		return nil, nil, refuse("invalid_client", "client is unknown")
	case offered.assertion != "":
		refusal = b.checkAssertion(client, offered.assertion)
	case client.Secret == "" || !sameSecret(offered.secret, client.Secret):
		refusal = refuse("invalid_client", "client secret is wrong")
	}
	return client, form, refusal
}

// readForm accepts a form in the body, no parameter twice.
func readForm(r *http.Request) (url.Values, *oauthError) {
	if err := r.ParseForm(); err != nil {
		return nil, refuse("invalid_request", "the form cannot be read")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, refuse("invalid_request", "parameter is repeated: "+name)
		}
	}
	return r.PostForm, nil
}

// readCredentials finds the one method of authentication that the request
// uses. RFC 6749 2.3 forbids more than one.
func readCredentials(r *http.Request, form url.Values) (credentials, *oauthError) {
	var found []credentials
	if id, secret, ok := r.BasicAuth(); ok {
		// RFC 6749 2.3.1: both are form-encoded before they are joined.
		id, errID := url.QueryUnescape(id)
		secret, errSecret := url.QueryUnescape(secret)
		if errID != nil || errSecret != nil {
			return credentials{}, refuse("invalid_client", "basic credentials are not form-encoded")
		}
		found = append(found, credentials{id: id, secret: secret})
	}
	if form.Has("client_secret") {
		found = append(found, credentials{id: form.Get("client_id"), secret: form.Get("client_secret")})
	}
	if form.Has("client_assertion") {
		if form.Get("client_assertion_type") != assertionType {
			return credentials{}, refuse("invalid_request", "client_assertion_type is unknown")
		}
		assertion := form.Get("client_assertion")
		found = append(found, credentials{id: assertedClient(assertion), assertion: assertion})
	}
	if len(found) == 0 {
		return credentials{}, refuse("invalid_client", "client did not authenticate")
	}
	if len(found) > 1 {
		return credentials{}, refuse("invalid_request", "client authenticated in more than one way")
	}
	if id := form.Get("client_id"); id != "" && id != found[0].id {
		return credentials{}, refuse("invalid_client", "client_id is not the client that authenticated")
	}
	return found[0], nil
}

// assertedClient reads, without trusting it, whose key should verify assertion.
func assertedClient(assertion string) string {
	token, err := jwt.ParseSigned(assertion, assertionAlgs)
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return ""
	}
	return claims.Subject
}

// assertion holds the claims of RFC 7523. The audience stays raw: only the
// issuer as a plain string is taken, so that an assertion meant for several
// banks opens none.
type assertion struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience json.RawMessage  `json:"aud"`
	ID       string           `json:"jti"`
	Expiry   *jwt.NumericDate `json:"exp"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	Before   *jwt.NumericDate `json:"nbf"`
}

// checkAssertion verifies a private_key_jwt.
func (b *Bank) checkAssertion(client *Client, signed string) *oauthError {
	token, err := jwt.ParseSigned(signed, assertionAlgs)
	if err != nil || client.JWKS == nil {
		return refuse("invalid_client", "client assertion cannot be verified")
	}
	var key any = client.JWKS
	if len(client.JWKS.Keys) == 1 && token.Headers[0].KeyID == "" {
		key = client.JWKS.Keys[0]
	}
	var claims assertion
	if err := token.Claims(key, &claims); err != nil {
		return refuse("invalid_client", "client assertion cannot be verified")
	}
	now := b.now()
	if problem := claims.problem(client.ID, b.cfg.Issuer, now); problem != "" {
		return refuse("invalid_client", "client assertion: "+problem)
	}
	if !b.desk.firstUse(client.ID+" "+claims.ID, claims.Expiry.Time(), now) {
		return refuse("invalid_client", "client assertion: jti was used before")
	}
	return nil
}

// problem says what is wrong with a, or nothing.
func (a assertion) problem(clientID, issuer string, now time.Time) string {
	var audience string
	switch {
	case a.Issuer != clientID || a.Subject != clientID:
		return "iss and sub must be the client id"
	case json.Unmarshal(a.Audience, &audience) != nil || audience != issuer:
		return "aud must be the issuer as a string"
	case a.ID == "":
		return "jti is missing"
	case a.Expiry == nil || !now.Before(a.Expiry.Time()):
		return "exp is missing or past"
	case a.Expiry.Time().Sub(now) > assertionLife+clockSkew:
		return "exp is more than five minutes ahead"
	case a.IssuedAt != nil && a.IssuedAt.Time().Sub(now) > clockSkew,
		a.Before != nil && a.Before.Time().Sub(now) > clockSkew:
		return "it is not valid yet"
	}
	return ""
}

// sameSecret compares in a time that tells nothing, not even the length.
func sameSecret(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
