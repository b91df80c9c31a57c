package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// held is what any kind of token turns out to be.
type held struct {
	grant   *grant
	kind    string
	scopes  []string
	issued  time.Time
	expires time.Time
	usable  bool
}

// lookUp finds a token of either kind; a hint would only save time.
func (b *Bank) lookUp(token string, now time.Time) (held, bool) {
	if t, g, ok := b.ledger.byAccess(token, now); ok {
		return held{g, "access_token", t.scopes, t.issued, t.expires, true}, true
	}
	if g, usable, ok := b.ledger.byRefresh(token, now); ok {
		return held{g, "refresh_token", g.scopes, g.approved, g.ends, usable}, true
	}
	return held{}, false
}

// revoke ends the grant of a token, RFC 7009. A token that is not known is
// revoked already; another client's is refused.
func (b *Bank) revoke(w http.ResponseWriter, r *http.Request) {
	client, form, refusal := b.authenticated(r)
	if refusal == nil && form.Get("token") == "" {
		refusal = refuse("invalid_request", "token is missing")
	}
	if refusal != nil {
		writeRefusal(w, r, refusal)
		return
	}
	if t, ok := b.lookUp(form.Get("token"), b.now()); ok {
		if t.grant.clientID != client.ID {
			writeRefusal(w, r, refuse("unauthorized_client", "the token was given to another client"))
			return
		}
		b.ledger.end(t.grant.id)
		b.log.Info("grant revoked", "user", t.grant.user.UserName, "client_id", client.ID)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// inspection is the answer of RFC 7662.
type inspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	UserName  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	Expiry    int64  `json:"exp,omitempty"`
}

// introspect says what a token is worth now. Another client's token is as
// inactive as an unknown one.
func (b *Bank) introspect(w http.ResponseWriter, r *http.Request) {
	client, form, refusal := b.authenticated(r)
	if refusal == nil && form.Get("token") == "" {
		refusal = refuse("invalid_request", "token is missing")
	}
	if refusal != nil {
		writeRefusal(w, r, refusal)
		return
	}
	t, ok := b.lookUp(form.Get("token"), b.now())
	if !ok || !t.usable || t.grant.clientID != client.ID {
		writeJSON(w, http.StatusOK, inspection{})
		return
	}
	answer := inspection{
		Active: true, Scope: strings.Join(t.scopes, " "), ClientID: client.ID,
		UserName: t.grant.user.UserName, Subject: t.grant.user.UserName,
		Issuer: b.cfg.Issuer, Audience: b.cfg.Issuer,
		IssuedAt: t.issued.Unix(), Expiry: t.expires.Unix(),
	}
	if t.kind == "access_token" {
		answer.TokenType = "Bearer"
	}
	writeJSON(w, http.StatusOK, answer)
}
