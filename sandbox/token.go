package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tokenAnswer is the success answer of the token endpoint.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope"`
	IDToken      string `json:"id_token,omitempty"`
}

// accessClaims make an access token, RFC 9068 with the bank's kennitala.
type accessClaims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	ClientID  string `json:"client_id"`
	Scope     string `json:"scope"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	Expiry    int64  `json:"exp"`
	Kennitala string `json:"kennitala"`
}

// idClaims make an ID token.
type idClaims struct {
	Issuer     string `json:"iss"`
	Subject    string `json:"sub"`
	Audience   string `json:"aud"`
	IssuedAt   int64  `json:"iat"`
	Expiry     int64  `json:"exp"`
	AuthTime   int64  `json:"auth_time"`
	Nonce      string `json:"nonce,omitempty"`
	AccessHash string `json:"at_hash"`
	Kennitala  string `json:"kennitala,omitempty"`
	Name       string `json:"name,omitempty"`
	Gender     string `json:"gender,omitempty"`
	Birthdate  string `json:"birthdate,omitempty"`
}

// idTokenLife is how long an ID token may be believed, however short-lived
// the access token beside it is.
const idTokenLife = 5 * time.Minute

// token is the token endpoint.
func (b *Bank) token(w http.ResponseWriter, r *http.Request) {
	client, form, refusal := b.authenticated(r)
	var answer *tokenAnswer
	if refusal == nil {
		switch form.Get("grant_type") {
		case "authorization_code":
			answer, refusal = b.exchange(client, form)
		case "refresh_token":
			answer, refusal = b.refresh(client, form)
		case "":
			refusal = refuse("invalid_request", "grant_type is missing")
		default:
			refusal = refuse("unsupported_grant_type", "grant_type is not supported")
		}
	}
	if refusal != nil {
		b.log.Info("token refused", "error", refusal.Code, "why", refusal.Description)
		writeRefusal(w, r, refusal)
		return
	}
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, http.StatusOK, answer)
}

func (b *Bank) exchange(client *Client, form url.Values) (*tokenAnswer, *oauthError) {
	now := b.now()
	g, c, refresh, refusal := b.ledger.redeem(client.ID, form.Get("code"), form.Get("redirect_uri"), form.Get("code_verifier"), now)
	if refusal != nil {
		return nil, refusal
	}
	b.log.Info("grant opened", "user", g.user.UserName, "client_id", client.ID, "scopes", g.scopes, "ends", g.ends)
	return b.issue(g, g.scopes, refresh, c.nonce, now)
}

func (b *Bank) refresh(client *Client, form url.Values) (*tokenAnswer, *oauthError) {
	now := b.now()
	g, scopes, refresh, refusal := b.ledger.refresh(client.ID, form.Get("refresh_token"), readScopes(form.Get("scope")), now)
	if refusal != nil {
		return nil, refusal
	}
	return b.issue(g, scopes, refresh, "", now)
}

// issue signs the tokens of a grant. No access token outlives its grant.
func (b *Bank) issue(g *grant, scopes []string, refresh, nonce string, now time.Time) (*tokenAnswer, *oauthError) {
	expires := now.Add(b.cfg.AccessTTL)
	if expires.After(g.ends) {
		expires = g.ends
	}
	access, err := b.keys.sign("at+jwt", accessClaims{
		Issuer: b.cfg.Issuer, Subject: g.user.UserName, Audience: b.cfg.Issuer, ClientID: g.clientID,
		Scope: strings.Join(scopes, " "), ID: rand.Text(), Kennitala: g.user.Kennitala,
		IssuedAt: now.Unix(), Expiry: expires.Unix(),
	})
	if err != nil {
		return nil, refuse("server_error", "the access token cannot be signed")
	}
	b.ledger.record(access, accessToken{grantID: g.id, scopes: scopes, issued: now, expires: expires})
	answer := &tokenAnswer{
		AccessToken: access, TokenType: "Bearer", ExpiresIn: int(expires.Sub(now) / time.Second),
		RefreshToken: refresh, Scope: strings.Join(scopes, " "),
	}
	if slices.Contains(g.scopes, "openid") {
		if answer.IDToken, err = b.keys.sign("JWT", b.identify(g, access, nonce, now)); err != nil {
			return nil, refuse("server_error", "the ID token cannot be signed")
		}
	}
	return answer, nil
}

// identify says who the customer is, as far as the scopes allow.
func (b *Bank) identify(g *grant, access, nonce string, now time.Time) idClaims {
	hash := sha256.Sum256([]byte(access))
	claims := idClaims{
		Issuer: b.cfg.Issuer, Subject: g.user.UserName, Audience: g.clientID, Nonce: nonce,
		IssuedAt: now.Unix(), Expiry: now.Add(idTokenLife).Unix(), AuthTime: g.authTime.Unix(),
		AccessHash: base64.RawURLEncoding.EncodeToString(hash[:len(hash)/2]),
	}
	if slices.Contains(g.scopes, "customer") {
		claims.Kennitala, claims.Name = g.user.Kennitala, g.user.Name
	}
	if slices.Contains(g.scopes, "profile") {
		claims.Name, claims.Gender, claims.Birthdate = g.user.Name, g.user.gender, g.user.birthdate
	}
	return claims
}
