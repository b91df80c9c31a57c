package token

import (
	"context"
	"log/slog"
	"time"
)

// Grant is what a bank gave for a consent. It lives in memory only between
// the bank's answer and its sealing.
type Grant struct {
	Access       Secret
	TokenType    string    // as the bank spells it, for the Authorization header
	AccessExpiry time.Time // never zero: a bank that says nothing gets its profile's default
	Refresh      Secret    // empty when the bank gives none
	Scopes       []string  // what was granted; what was asked for when the bank does not say
	IssuedAt     time.Time // when we asked for it
	End          time.Time // the bank's own end of the whole grant; zero when it does not say
}

// LogValue says nothing of the tokens.
func (g Grant) LogValue() slog.Value {
	return slog.GroupValue(slog.Time("access_expiry", g.AccessExpiry), slog.Any("scopes", g.Scopes))
}

// Identity is the person who stood before the bank, out of a checked ID
// token. (Issuer, Subject) is the identity; the national id and the name are
// claims about it and may be empty.
type Identity struct {
	Issuer     string
	Subject    string
	NationalID Secret
	Name       Secret
}

// LogValue says nothing of the person.
func (Identity) LogValue() slog.Value { return slog.StringValue(redacted) }

// AuthorizationRequest is one trip of a browser to the bank. State, Nonce
// and Verifier are fresh for each trip.
type AuthorizationRequest struct {
	State    Secret
	Nonce    Secret
	Verifier Secret // PKCE code verifier (RFC 7636 section 4.1); the bank sees its S256 challenge
	Scopes   []string
	Anew     bool // the bank is to ask who it is, although it knows the browser (prompt=login)
}

// Redemption exchanges the code that a trip brought back.
type Redemption struct {
	Code     Secret
	Verifier Secret
	Nonce    Secret
	Scopes   []string // those asked for
}

// Revocation tells how far a revocation at the bank got.
type Revocation string

// The outcomes of telling a bank that a grant is over.
const (
	RevocationConfirmed   Revocation = "confirmed"   // the bank answered 200 (RFC 7009 section 2.2)
	RevocationUnsupported Revocation = "unsupported" // the bank has no revocation endpoint
	RevocationFailed      Revocation = "failed"      // not known to have happened
)

// Bank is one bank's authorization server. Implementations are safe for
// concurrent use and make at most one request to the token endpoint for each
// call of Redeem or Refresh. Their errors are *BankError values, which wrap
// one of [ErrRefused], [ErrMisconfigured], [ErrNotDone], [ErrOutcomeUnknown]
// and, from Redeem and Refresh, [ErrAnswerRejected].
type Bank interface {
	// AuthorizationURL returns where to send the browser. It talks to the
	// bank only where the bank wants its parameters pushed (RFC 9126).
	AuthorizationURL(ctx context.Context, r AuthorizationRequest) (string, error)

	// Redeem exchanges a code, checks the ID token in full and returns who
	// granted what. When a check fails after the bank issued tokens, it has
	// tried to revoke them before it returns [ErrAnswerRejected].
	Redeem(ctx context.Context, r Redemption) (Grant, Identity, error)

	// Refresh redeems a refresh token. In the returned grant, an empty
	// Refresh means that the old one stays in use. An ID token in the answer
	// that names somebody other than who is [ErrAnswerRejected].
	Refresh(ctx context.Context, refresh Secret, scopes []string, who Identity) (Grant, error)

	// Revoke ends the grant at the bank.
	Revoke(ctx context.Context, g Grant) (Revocation, error)

	// CheckIssuer compares the iss parameter of an authorization response
	// with the bank's issuer (RFC 9207 section 2.4). An absent iss (empty)
	// is refused where the bank is known to send it.
	CheckIssuer(iss string) error
}
