package oauthbank

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/consentd/consentd/token"
)

// cleanupTime is for revoking tokens that failed a check; it comes on top of
// the deadline of Redeem.
const cleanupTime = 10 * time.Second

// Redeem implements [token.Bank]. The bank's keys are fetched before the
// code is spent. Scopes with openid need a nonce and an ID token in the
// answer; without, the identity is empty.
func (b *Bank) Redeem(ctx context.Context, r token.Redemption) (token.Grant, token.Identity, error) {
	limited, cancel := context.WithTimeout(ctx, b.cfg.Deadline)
	defer cancel()
	a, who, err := b.redeem(limited, r)
	if err != nil {
		if a != nil && (a.access != "" || a.refresh != "") {
			b.discard(ctx, a)
		}
		return token.Grant{}, token.Identity{}, b.failure("redeem", err)
	}
	return b.grant(a, r.Scopes), who, nil
}

// redeem returns the answer also with an error, if the bank issued tokens.
func (b *Bank) redeem(ctx context.Context, r token.Redemption) (*answer, token.Identity, error) {
	nobody := token.Identity{}
	if err := b.checkTrip(r.Code, "code_missing", r.Verifier, r.Nonce, r.Scopes); err != nil {
		return nil, nobody, err
	}
	m, err := b.endpoints(ctx)
	if err != nil {
		return nil, nobody, err
	}
	identified := slices.Contains(r.Scopes, openID)
	if identified {
		if _, err := b.keys.ready(ctx); err != nil {
			return nil, nobody, err
		}
	}
	form := url.Values{
		"grant_type":   {"authorization_code"},
		"code":         {r.Code.Reveal()},
		"redirect_uri": {b.cfg.RedirectURI},
	}
	if b.cfg.PKCE {
		form.Set("code_verifier", r.Verifier.Reveal())
	}
	a, err := b.requestToken(ctx, m.Token, form)
	if err != nil || !identified {
		return a, nobody, err
	}
	who, err := b.checkIDToken(ctx, a, r.Nonce)
	return a, who, withStatus(err, http.StatusOK)
}

// discard tries to take back what the bank issued and we do not keep. The
// client that started the trip may be gone by now.
func (b *Bank) discard(ctx context.Context, a *answer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	outcome, err := b.revoke(ctx, token.Grant{Access: a.access, Refresh: a.refresh})
	f, _ := errors.AsType[*fault](err)
	if f == nil {
		f = &fault{}
	}
	b.log.WarnContext(ctx, "tokens of a rejected answer discarded",
		"revocation", string(outcome), "status", f.status, "code", f.code)
}

// Refresh implements [token.Bank]. It sends no scope, which asks for those of
// the grant (RFC 6749 section 6); scopes are what a silent bank is taken to
// have given.
//
// [token.ErrAnswerRejected] is only an ID token that names another person,
// issuer or client: that ends a consent. Tokens that are malformed or come
// without the rest of their answer prove nothing about the grant, so they are
// dropped as [token.ErrOutcomeUnknown]. Neither are revoked, which could end
// a grant that the bank mixed up with this one.
func (b *Bank) Refresh(
	ctx context.Context, refresh token.Secret, scopes []string, who token.Identity,
) (token.Grant, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Deadline)
	defer cancel()
	a, err := b.refresh(ctx, refresh, who)
	if err != nil {
		return token.Grant{}, b.failure("refresh", err)
	}
	return b.grant(a, scopes), nil
}

func (b *Bank) refresh(ctx context.Context, refresh token.Secret, who token.Identity) (*answer, error) {
	if refresh == "" {
		return nil, &fault{err: token.ErrNotDone, code: "refresh_token_missing"}
	}
	m, err := b.endpoints(ctx)
	if err != nil {
		return nil, err
	}
	a, err := b.requestToken(ctx, m.Token, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {refresh.Reveal()},
	})
	if f, ok := errors.AsType[*fault](err); ok && errors.Is(f, token.ErrAnswerRejected) {
		f.err = token.ErrOutcomeUnknown
	}
	if err == nil && a.idToken != "" {
		err = withStatus(b.sameIdentity(a.idToken, who), http.StatusOK)
	}
	return a, err
}

func withStatus(err error, status int) error {
	if f, ok := errors.AsType[*fault](err); ok && f.status == 0 {
		f.status = status
	}
	return err
}

// Revoke implements [token.Bank]. It revokes the refresh token, with which
// the access tokens of the grant end too (RFC 7009 section 2.1), or the
// access token where there is no other.
func (b *Bank) Revoke(ctx context.Context, g token.Grant) (token.Revocation, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Deadline)
	defer cancel()
	outcome, err := b.revoke(ctx, g)
	if err != nil {
		return outcome, b.failure("revoke", err)
	}
	return outcome, nil
}

func (b *Bank) revoke(ctx context.Context, g token.Grant) (token.Revocation, error) {
	m, err := b.endpoints(ctx)
	if err != nil {
		return token.RevocationFailed, err
	}
	if m.Revocation == "" {
		return token.RevocationUnsupported, nil
	}
	form := url.Values{"token": {g.Refresh.Reveal()}, "token_type_hint": {"refresh_token"}}
	if g.Refresh == "" {
		form = url.Values{"token": {g.Access.Reveal()}, "token_type_hint": {"access_token"}}
	}
	sent := form["token"]
	if sent[0] == "" {
		return token.RevocationFailed, &fault{err: token.ErrNotDone, code: "token_missing"}
	}
	r, err := b.post(ctx, m.Revocation, form)
	if err != nil {
		return token.RevocationFailed, err
	}
	if r.status == http.StatusOK || r.status == http.StatusNoContent {
		return token.RevocationConfirmed, nil
	}
	_, code, shown := b.readError(r, sent)
	return token.RevocationFailed, b.refusal(r, code, shown, b.cfg.DeadCodes)
}
