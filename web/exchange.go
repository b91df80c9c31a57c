package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/web/contract"
)

// pathExchange is where a consent's id is exchanged for an access token, by
// the libraries that speak OAuth (RFC 8693).
const pathExchange = "/oauth2/token"

const (
	grantExchange    = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeConsent      = "urn:consentd:token-type:consent"
	typeAccessToken  = "urn:ietf:params:oauth:token-type:access_token"
	typeJWTAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// mostSeconds keeps a number of seconds within what a duration holds; the
// contract says the same of the JSON call.
const mostSeconds = int64(366 * 24 * time.Hour / time.Second)

var (
	errGrantType = errors.New("web: unsupported grant type")
	errTarget    = errors.New("web: a target that cannot be chosen")
)

// exchange answers POST /oauth2/token: the same hand-out as the JSON call,
// with the same limits and on the same record.
func (s *server) exchange(c *call, op Operation) error {
	form, err := readForm(c)
	if err != nil {
		return err
	}
	who, err := s.formCaller(c, form)
	if err != nil {
		s.metrics.denied(answerTo(err).code)
		return err
	}
	if err := s.admit(c, who, form.Get("subject_token"), op); err != nil {
		return err
	}
	r, err := readExchange(c, form)
	if err != nil {
		return err
	}
	id, err := consent.ParseID(form.Get("subject_token"))
	if err != nil {
		return err
	}
	out, err := s.token(c, who.App, id, r)
	if err != nil {
		return err
	}
	c.Response().Header()["Pragma"] = noCache
	return c.writeJSON(http.StatusOK, contract.TokenExchangeAnswer{
		AccessToken: out.Access.Token.Reveal(), IssuedTokenType: typeAccessToken, TokenType: out.Access.Type,
		ExpiresIn: int(out.Access.Expiry.Sub(s.service.Now()) / time.Second), Scope: strings.Join(out.Access.Scopes, " "),
		Consent:    contract.TokenConsent{ID: string(id), EndsAt: inSeconds(out.EndsAt), DaysLeft: out.DaysLeft},
		NationalID: out.Access.NationalID.Reveal(),
	})
}

// readExchange takes the parameters of an exchange. Those that nobody knows
// are ignored (RFC 6749 section 3.2).
func readExchange(c *call, form url.Values) (consent.TokenRequest, error) {
	if form.Get("grant_type") != grantExchange {
		return consent.TokenRequest{}, errGrantType
	}
	if form.Get("resource") != "" || form.Get("audience") != "" {
		return consent.TokenRequest{}, errTarget
	}
	var wrong consent.Invalid
	if form.Get("subject_token_type") != typeConsent {
		note(&wrong, "subject_token_type", "must be "+typeConsent)
	}
	if form.Get("subject_token") == "" {
		note(&wrong, "subject_token", "is the id of a consent, and missing")
	}
	if kind := form.Get("requested_token_type"); kind != "" && kind != typeAccessToken {
		note(&wrong, "requested_token_type", "must be "+typeAccessToken)
	}
	if form.Get("actor_token") != "" || form.Get("actor_token_type") != "" {
		note(&wrong, "actor_token", "is not taken here: an app acts for itself")
	}
	r := consent.TokenRequest{RequestID: c.requestID, Scopes: strings.Fields(form.Get("scope"))}
	if text := form.Get("min_ttl"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds < 0 || seconds > mostSeconds {
			note(&wrong, "min_ttl", "must be a number of seconds from 0 to "+strconv.FormatInt(mostSeconds, 10))
		}
		r.MinTTL = time.Duration(seconds) * time.Second
	}
	if text := form.Get("needed_until"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			note(&wrong, "needed_until", "must be a time such as 2027-03-03T12:00:00Z (RFC 3339)")
		}
		r.NeededUntil = at.UTC()
	}
	if len(wrong.Fields) > 0 {
		return r, &wrong
	}
	return r, nil
}
