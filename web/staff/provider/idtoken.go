package provider

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/consentd/consentd/token"
)

// claims are those that go-oidc leaves to its caller.
type claims struct {
	Subject  string           `json:"sub"`
	Session  string           `json:"sid"`
	Audience texts            `json:"aud"`
	Party    *string          `json:"azp"`
	IssuedAt *float64         `json:"iat"`
	Nonce    string           `json:"nonce"`
	AuthTime *float64         `json:"auth_time"`
	ACR      string           `json:"acr"`
	AMR      texts            `json:"amr"`
	Name     string           `json:"name"`
	Events   *json.RawMessage `json:"events"`
}

// texts is a claim that is a text or a list of texts.
type texts []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// check makes every check of OpenID Connect Core section 3.1.3.7.
func (p *Provider) check(ctx context.Context, m metadata, t Trip, raw, access string) (Person, error) {
	if kind, ok := kindOf(raw); !ok || kind != "" && kind != "jwt" { // such as logout+jwt and at+jwt
		return Person{}, refused("a token of another kind")
	}
	now := p.c.Now()
	verified, err := p.verifier(m, now).Verify(ctx, raw)
	if err != nil {
		return Person{}, refused("the ID token is not valid") // the library's error quotes claims
	}
	var c claims
	var all map[string]json.RawMessage
	if verified.Claims(&c) != nil || verified.Claims(&all) != nil {
		return Person{}, refused("a claim is of the wrong form")
	}
	if verified.AccessTokenHash != "" && verified.VerifyAccessToken(access) != nil {
		return Person{}, refused("at_hash")
	}
	if fault := p.faultIn(c, t.Nonce, now); fault != "" {
		return Person{}, refused(fault)
	}
	if fault := p.weakness(c, now); fault != "" {
		return Person{}, fmt.Errorf("%w: %s", ErrWeak, fault)
	}
	var groups texts
	if raw, ok := all[p.c.GroupsClaim]; ok && json.Unmarshal(raw, &groups) != nil {
		return Person{}, refused("the groups claim is of the wrong form")
	}
	return Person{Subject: c.Subject, Session: c.Session, Name: shown(c.Name), Groups: groups}, nil
}

func (p *Provider) verifier(m metadata, now time.Time) *oidc.IDTokenVerifier {
	return oidc.NewVerifier(p.c.Issuer, p.keys, &oidc.Config{
		ClientID: p.c.ClientID, SupportedSigningAlgs: m.algs, Now: func() time.Time { return now.Add(-clockSkew) },
	})
}

func (p *Provider) faultIn(c claims, nonce token.Secret, now time.Time) string {
	others := slices.ContainsFunc(c.Audience, func(a string) bool { return a != p.c.ClientID })
	switch {
	case nonce == "" || !nonce.Equal(token.Secret(c.Nonce)):
		return "another nonce"
	case c.Events != nil:
		return "a token of another kind"
	case c.Subject == "" || !isName(c.Subject):
		return "sub"
	case !isName(c.Session):
		return "sid"
	case len(c.Audience) == 0 || others:
		return "aud"
	case c.Party != nil && *c.Party != p.c.ClientID:
		return "azp"
	case c.IssuedAt == nil || instant(*c.IssuedAt).After(now.Add(clockSkew)) || instant(*c.IssuedAt).Before(now.Add(-mostTokenAge)):
		return "iat"
	}
	return ""
}

// weakness says in what the sign-in falls short of what is required.
func (p *Provider) weakness(c claims, now time.Time) string {
	switch {
	case c.AuthTime == nil:
		return "auth_time is missing"
	case instant(*c.AuthTime).After(now.Add(clockSkew)), instant(*c.AuthTime).Before(now.Add(-p.c.MaxAge - clockSkew)):
		return "auth_time"
	case len(p.c.ACR) > 0 && !slices.Contains(p.c.ACR, c.ACR):
		return "acr"
	}
	for _, method := range p.c.AMR {
		if !slices.Contains(c.AMR, method) {
			return "amr"
		}
	}
	return ""
}

func instant(seconds float64) time.Time { return time.Unix(int64(seconds), 0) }

// isName reports whether a name that the provider gives, of a person or of a
// session, is one that can be kept and logged. Empty is one.
func isName(s string) bool {
	return len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// kindOf is what a token's header says that it is (RFC 8725 section 3.11), in
// lower-case letters; false for what is no token.
func kindOf(raw string) (string, bool) {
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return "", false
	}
	var header struct {
		Type string `json:"typ"`
	}
	err = json.Unmarshal(text, &header)
	return strings.TrimPrefix(strings.ToLower(header.Type), "application/"), err == nil
}

// shown is a name as it may stand on a page and on record.
func shown(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, name))
	if r := []rune(name); len(r) > 100 {
		return string(r[:100])
	}
	return name
}
