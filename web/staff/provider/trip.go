package provider

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/consentd/consentd/token"
)

// Begin makes a trip and the address to send the browser to.
func (p *Provider) Begin(ctx context.Context) (Trip, string, error) {
	m, err := p.discover(ctx)
	if err != nil {
		return Trip{}, "", err
	}
	t := Trip{State: newSecret(), Nonce: newSecret(), Verifier: token.Secret(oauth2.GenerateVerifier())}
	options := []oauth2.AuthCodeOption{oidc.Nonce(t.Nonce.Reveal()), oauth2.S256ChallengeOption(t.Verifier.Reveal()),
		oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(p.c.MaxAge/time.Second)))}
	if len(p.c.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.c.ACR, " ")))
	}
	return t, p.flow(m).AuthCodeURL(t.State.Reveal(), options...), nil
}

func newSecret() token.Secret {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return token.Secret(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Finish turns a browser's return into who signed in. The code is used at
// most once.
func (p *Provider) Finish(ctx context.Context, t Trip, answer url.Values) (Person, error) {
	m, err := p.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	code, err := p.codeIn(m, t, answer)
	if err != nil {
		return Person{}, err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, p.client)
	tokens, err := p.flow(m).Exchange(ctx, code, oauth2.VerifierOption(t.Verifier.Reveal()))
	if err != nil {
		return Person{}, exchangeFailure(err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return Person{}, refused("no ID token")
	}
	return p.check(ctx, m, t, raw, tokens.AccessToken)
}

// codeIn checks the return itself. Nothing is asked of the provider unless it
// fits the trip.
func (p *Provider) codeIn(m metadata, t Trip, answer url.Values) (string, error) {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(answer[name]) > 1 {
			return "", refused(name + " is repeated")
		}
	}
	switch {
	case t.State == "" || !t.State.Equal(token.Secret(answer.Get("state"))):
		return "", refused("another state")
	case answer.Has("iss") && answer.Get("iss") != p.c.Issuer, m.sendsIss && !answer.Has("iss"):
		return "", refused("another issuer")
	case answer.Has("error") && answer.Has("code"):
		return "", refused("error and code at once")
	case answer.Has("error"):
		return "", refused("the provider says no")
	case answer.Get("code") == "":
		return "", refused("no code")
	}
	return answer.Get("code"), nil
}

// exchangeFailure tells a refusal from a disturbance. Of what the provider
// said only the status is kept: its words may repeat what we sent.
func exchangeFailure(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok && r.Response != nil {
		if s := r.Response.StatusCode; s >= http.StatusBadRequest && s < http.StatusInternalServerError {
			return refused("the code was not taken, status " + strconv.Itoa(s))
		}
	}
	return fmt.Errorf("%w: the code could not be exchanged", ErrUnavailable)
}

func refused(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }
