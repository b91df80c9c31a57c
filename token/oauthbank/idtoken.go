package oauthbank

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/consentd/consentd/token"
)

// maxIDTokenAge is how old an ID token of a login just finished may be.
const maxIDTokenAge = 10 * time.Minute

// signature is the key set as go-oidc wants it. It keeps what go-oidc does
// not pass on: why verifying failed, and the payload when claims fail.
type signature struct {
	keys    *keySet
	payload []byte
	err     error
}

// VerifySignature implements [oidc.KeySet].
func (s *signature) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	s.payload, s.err = s.keys.verify(ctx, raw)
	return s.payload, s.err
}

// checkIDToken makes every check of OpenID Connect Core section 3.1.3.7,
// those that go-oidc leaves to its caller included, and returns who the
// token is about.
func (b *Bank) checkIDToken(ctx context.Context, a *answer, nonce token.Secret) (token.Identity, error) {
	raw := a.idToken.Reveal()
	if raw == "" {
		return token.Identity{}, rejected("id_token_missing")
	}
	if !hasJWTType(raw) {
		return token.Identity{}, rejected("id_token_typ")
	}
	now := b.cfg.Now()
	signed := &signature{keys: b.keys}
	verified, err := oidc.NewVerifier(b.cfg.Issuer, signed, &oidc.Config{
		ClientID:             b.cfg.ClientID,
		SupportedSigningAlgs: b.cfg.IDTokenAlgs,
		Now:                  func() time.Time { return now.Add(-b.cfg.ClockSkew) },
	}).Verify(ctx, raw)
	if signed.err != nil {
		return token.Identity{}, signed.err
	}
	if signed.payload == nil {
		return token.Identity{}, rejected("id_token_malformed")
	}
	claims, parseErr := parseObject(signed.payload)
	if parseErr != nil {
		return token.Identity{}, rejected("id_token_malformed")
	}
	if code := b.faultIn(claims, nonce, now); code != "" {
		return token.Identity{}, rejected(code)
	}
	if err != nil {
		return token.Identity{}, rejected("id_token_invalid")
	}
	if claims.has("at_hash") && verified.VerifyAccessToken(a.access.Reveal()) != nil {
		return token.Identity{}, rejected("id_token_at_hash")
	}
	return b.identity(claims), nil
}

// faultIn names the first claim of a signed ID token that is wrong.
func (b *Bank) faultIn(claims object, nonce token.Secret, now time.Time) string {
	got, gotOK := claims.text("nonce")
	expiry, expiryOK := claims.instant("exp")
	issued, issuedOK := claims.instant("iat")
	start, startOK := claims.instant("nbf")
	skew := b.cfg.ClockSkew
	switch {
	case claims.has("events"): // a logout or security event token
		return "id_token_events"
	case !gotOK || nonce == "" || !nonce.Equal(token.Secret(got)):
		return "id_token_nonce"
	case !expiryOK || !now.Before(expiry.Add(skew)):
		return "id_token_exp"
	case !issuedOK || issued.After(now.Add(skew)) || issued.Before(now.Add(-maxIDTokenAge)):
		return "id_token_iat"
	case claims.has("nbf") && (!startOK || start.After(now.Add(skew))):
		return "id_token_nbf"
	}
	return b.faultInParties(claims)
}

// faultInParties checks who issued a token, about whom, and for whom.
func (b *Bank) faultInParties(claims object) string {
	issuer, issuerOK := claims.text("iss")
	subject, subjectOK := claims.text("sub")
	audience, audienceOK := claims.texts("aud")
	party, partyOK := claims.text("azp")
	switch {
	case !issuerOK || issuer != b.cfg.Issuer:
		return "id_token_iss"
	case !subjectOK || subject == "" || len(subject) > 255 || !within(token.Secret(subject), ' ', '~'):
		return "id_token_sub"
	case !audienceOK || !slices.Contains(audience, b.cfg.ClientID):
		return "id_token_aud"
	case slices.ContainsFunc(audience, func(a string) bool {
		return a != b.cfg.ClientID && !slices.Contains(b.cfg.TrustedAudiences, a)
	}):
		return "id_token_aud"
	case !partyOK || claims.has("azp") && party != b.cfg.ClientID:
		return "id_token_azp"
	case len(audience) > 1 && !claims.has("azp"):
		return "id_token_azp"
	}
	return ""
}

// sameIdentity checks the ID token of a refresh (OpenID Connect Core section
// 12.2). It came straight from the bank over TLS, which section 3.1.3.7 item
// 6 lets stand for the signature: fetching keys here could lose a refresh
// token that the bank has already rotated.
func (b *Bank) sameIdentity(raw token.Secret, who token.Identity) error {
	claims, err := unverifiedClaims(raw.Reveal())
	if err != nil {
		return &fault{err: token.ErrOutcomeUnknown, code: "id_token_malformed"}
	}
	if code := b.faultInParties(claims); code != "" {
		return rejected(code)
	}
	subject, _ := claims.text("sub")
	if who.Subject != "" && subject != who.Subject {
		return rejected("id_token_sub")
	}
	return nil
}

func unverifiedClaims(raw string) (object, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return object{}, errors.New("no compact JWS")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return object{}, err
	}
	return parseObject(payload)
}

// hasJWTType refuses tokens of another kind, such as logout+jwt and at+jwt
// (RFC 8725 section 3.11).
func hasJWTType(raw string) bool {
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return false
	}
	header, err := parseObject(text)
	if err != nil {
		return false
	}
	kind, ok := header.text("typ")
	kind = strings.TrimPrefix(strings.ToLower(kind), "application/")
	return ok && (kind == "" || kind == "jwt")
}

// identity is whom the claims name. What is written between the digits of a
// national id is dropped: the next bank writes it another way.
func (b *Bank) identity(claims object) token.Identity {
	subject, _ := claims.text("sub")
	who := token.Identity{Issuer: b.cfg.Issuer, Subject: subject, Name: plain(claims, "name", 200)}
	if b.cfg.NationalIDClaim != "" {
		id := plain(claims, b.cfg.NationalIDClaim, 64).Reveal()
		who.NationalID = token.Secret(strings.NewReplacer("-", "", " ", "").Replace(id))
	}
	return who
}

// plain is a claim that is short printable text; another counts as absent.
func plain(claims object, name string, limit int) token.Secret {
	text, ok := claims.text(name)
	if !ok || utf8.RuneCountInString(text) > limit || strings.ContainsFunc(text, unprintable) {
		return ""
	}
	return token.Secret(text)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
