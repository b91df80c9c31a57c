package oauthbank

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/oauth2"

	"github.com/consentd/consentd/token"
)

const (
	openID      = "openid"
	minVerifier = 43 // RFC 7636 section 4.1
)

// AuthorizationURL implements [token.Bank].
func (b *Bank) AuthorizationURL(ctx context.Context, r token.AuthorizationRequest) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Deadline)
	defer cancel()
	address, err := b.authorizationURL(ctx, r)
	if err != nil {
		return "", b.failure("authorize", err)
	}
	return address, nil
}

func (b *Bank) authorizationURL(ctx context.Context, r token.AuthorizationRequest) (string, error) {
	if err := b.checkTrip(r.State, "state_missing", r.Verifier, r.Nonce, r.Scopes); err != nil {
		return "", err
	}
	m, err := b.endpoints(ctx)
	if err != nil {
		return "", err
	}
	if slices.Contains(r.Scopes, openID) && m.JWKS == "" {
		return "", refused("no_jwks")
	}
	if !m.RequirePAR {
		return b.parameters(m.Authorization, r), nil
	}
	form, err := url.ParseQuery(b.parameters("", r)[1:])
	if err != nil {
		return "", &fault{err: token.ErrNotDone, code: "parameters"}
	}
	requestURI, err := b.push(ctx, m.PAR, form)
	if err != nil {
		return "", err
	}
	return withQuery(m.Authorization, url.Values{"client_id": {b.cfg.ClientID}, "request_uri": {requestURI}})
}

// parameters appends the authorization request (RFC 6749 section 4.1.1) to
// an address.
func (b *Bank) parameters(address string, r token.AuthorizationRequest) string {
	c := oauth2.Config{
		ClientID:    b.cfg.ClientID,
		RedirectURL: b.cfg.RedirectURI,
		Scopes:      r.Scopes,
		Endpoint:    oauth2.Endpoint{AuthURL: address},
	}
	var options []oauth2.AuthCodeOption
	if b.cfg.PKCE {
		options = append(options, oauth2.S256ChallengeOption(r.Verifier.Reveal()))
	}
	if slices.Contains(r.Scopes, openID) {
		options = append(options, oauth2.SetAuthURLParam("nonce", r.Nonce.Reveal()))
	}
	if r.Anew { // OpenID Connect Core 1.0, section 3.1.2.1
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	return c.AuthCodeURL(r.State.Reveal(), options...)
}

// push deposits the request at the bank (RFC 9126 section 2). There is no
// way round it: a bank that wants this gets it, or the trip does not start.
func (b *Bank) push(ctx context.Context, endpoint string, form url.Values) (string, error) {
	sent := []string{form.Get("state"), form.Get("nonce"), form.Get("code_challenge")}
	r, err := b.post(ctx, endpoint, form)
	if err != nil {
		return "", err
	}
	body, code, shown := b.readError(r, sent)
	status := r.status
	if status == http.StatusCreated {
		r.status = http.StatusOK
	}
	if err := b.refusal(r, code, shown, nil); err != nil {
		return "", err
	}
	requestURI, ok := body.text("request_uri")
	if !ok || requestURI == "" || len(requestURI) > 2048 || !within(token.Secret(requestURI), '!', '~') {
		return "", &fault{err: token.ErrOutcomeUnknown, code: "no_request_uri", status: status}
	}
	return requestURI, nil
}

// checkTrip refuses to run without the protection that a trip depends on.
func (b *Bank) checkTrip(first token.Secret, missing string, verifier, nonce token.Secret, scopes []string) error {
	switch {
	case first == "":
		return &fault{err: token.ErrNotDone, code: missing}
	case b.cfg.PKCE && len(verifier) < minVerifier:
		return &fault{err: token.ErrNotDone, code: "verifier_too_short"}
	case slices.Contains(scopes, openID) && nonce == "":
		return &fault{err: token.ErrNotDone, code: "nonce_missing"}
	}
	return nil
}

func withQuery(address string, add url.Values) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("endpoint")
	}
	query := u.Query()
	for name, values := range add {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
