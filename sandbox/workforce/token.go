package workforce

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// idTokenLife is how long an ID token may be believed.
const idTokenLife = 5 * time.Minute

// claims make an ID token.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expiry   int64    `json:"exp"`
	AuthTime int64    `json:"auth_time"`
	Nonce    string   `json:"nonce,omitempty"`
	Session  string   `json:"sid"`
	ACR      string   `json:"acr"`
	AMR      []string `json:"amr"`
	Groups   []string `json:"groups,omitempty"`
	Name     string   `json:"name"`
	Email    string   `json:"email"`
}

// token exchanges a code, once. Whoever comes with a wrong verifier or address
// is not who asked, and has used the code up.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if !p.authenticated(r) {
		refuse(w, http.StatusUnauthorized, "invalid_client", "the client did not authenticate by client_secret_basic")
		return
	}
	if r.PostFormValue("grant_type") != "authorization_code" {
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "grant_type must be authorization_code")
		return
	}
	p.mu.Lock()
	a, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	who, works := p.person(a.subject)
	p.mu.Unlock()
	if !ok || !works || p.cfg.Now().After(a.until) || a.redirectURI != r.PostFormValue("redirect_uri") ||
		!answers(r.PostFormValue("code_verifier"), a.challenge) {
		refuse(w, http.StatusBadRequest, "invalid_grant", "the code is unknown, used or expired, or is not this client's trip")
		return
	}
	signed, err := p.identify(a, who)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "server_error", "the ID token cannot be signed")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer",
		"expires_in": int(idTokenLife / time.Second), "scope": "openid profile email groups", "id_token": signed})
}

// authenticated checks client_secret_basic; RFC 6749 2.3.1 has both parts
// form-encoded.
func (p *Provider) authenticated(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	return ok && errID == nil && errSecret == nil && same(id, p.cfg.ClientID) && same(secret, p.cfg.ClientSecret)
}

func same(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func answers(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return same(base64.RawURLEncoding.EncodeToString(sum[:]), challenge)
}

// identify signs who signed in, or what the next fault makes of it.
func (p *Provider) identify(a approval, who Person) (string, error) {
	now := p.cfg.Now()
	c := claims{Issuer: p.cfg.Issuer, Subject: who.Subject, Audience: p.cfg.ClientID, IssuedAt: now.Unix(),
		Expiry: now.Add(idTokenLife).Unix(), AuthTime: a.authTime.Unix(), Nonce: a.nonce, Session: a.session.id,
		ACR: ACRStrong, AMR: []string{"pwd", "otp", "mfa"}, Groups: who.Groups, Name: who.Name, Email: who.Email}
	f := p.nextFault()
	f.distort(&c)
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	if f == FaultUnsigned {
		b64 := base64.RawURLEncoding.EncodeToString
		return b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + b64(body) + ".", nil
	}
	key := p.key
	if f == FaultForeignKey {
		key.Key = otherKey()
	}
	return sign(key, "JWT", body)
}

func sign(key jose.JSONWebKey, kind jose.ContentType, body []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType(kind))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
