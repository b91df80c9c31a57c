package provider

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// Logout is the provider's word that somebody has signed out there, or was
// signed out (OpenID Connect Back-Channel Logout 1.0).
type Logout struct {
	ID      string    // of the token: the same word may come twice
	Subject string    // whose sessions; empty: only Session is named
	Session string    // which one; empty: all of Subject's
	Expires time.Time // nobody takes the token after this
}

// LoggedOut makes every check of section 2.6 of a logout token, but whether it
// came before.
func (p *Provider) LoggedOut(ctx context.Context, raw string) (Logout, error) {
	if kind, ok := kindOf(raw); !ok || !slices.Contains([]string{"", "jwt", "logout+jwt"}, kind) {
		return Logout{}, refused("a token of another kind")
	}
	m, err := p.discover(ctx)
	if err != nil {
		return Logout{}, err
	}
	now := p.c.Now()
	t, err := p.verifier(m, now).VerifyLogout(ctx, raw)
	if err != nil {
		return Logout{}, refused("the logout token is not valid") // the library's error quotes claims
	}
	var c struct {
		Events map[string]json.RawMessage `json:"events"`
	}
	var event map[string]json.RawMessage
	switch {
	case t.Claims(&c) != nil, json.Unmarshal(c.Events["http://schemas.openid.net/event/backchannel-logout"], &event) != nil || event == nil:
		return Logout{}, refused("events")
	case slices.ContainsFunc(t.Audience, func(a string) bool { return a != p.c.ClientID }):
		return Logout{}, refused("aud")
	case t.IssuedAt.After(now.Add(clockSkew)), t.IssuedAt.Before(now.Add(-mostTokenAge)):
		return Logout{}, refused("iat")
	case t.Expiry.After(now.Add(mostTokenAge + clockSkew)):
		return Logout{}, refused("exp")
	case !isName(t.Subject) || !isName(t.SessionID):
		return Logout{}, refused("sub or sid")
	}
	return Logout{ID: t.TokenID, Subject: t.Subject, Session: t.SessionID, Expires: t.Expiry}, nil
}
