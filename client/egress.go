package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Egress sends requests to a bank by way of consentd, which puts the token
// in, so that none ever is in this process. The operator has to have allowed
// it for your app. Of a request's URL the path and the query count, whatever
// host it names.
//
// Nothing is repeated, and no redirect followed: an [http.Client] around it
// would send the body again. It gets [ErrRedirected], unless its CheckRedirect
// returns [http.ErrUseLastResponse]: then the redirect is the bank's answer.
//
// The answer is the bank's, or a problem of consentd's: [ProblemIn] tells them
// apart.
func (c *Client) Egress(consentID string) http.RoundTripper { return &egress{c, consentID} }

// ErrRedirected: the bank answered with a redirect, which was not followed. It
// may have taken the call.
var ErrRedirected = errors.New("client: a redirect of the bank's is not followed")

type egress struct {
	client  *Client
	consent string
}

// RoundTrip implements [http.RoundTripper].
func (e *egress) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Response != nil { // the redirect that led here
		closeBody(r)
		return nil, ErrRedirected
	}
	authorization, err := e.client.authorization(r.Context())
	if err != nil {
		closeBody(r)
		return nil, err
	}
	out := r.Clone(r.Context())
	address, err := url.Parse(e.client.base.String() + consentPath(e.consent, "/bank/") + strings.TrimPrefix(r.URL.EscapedPath(), "/"))
	if err != nil {
		closeBody(r)
		return nil, bare(err)
	}
	address.RawQuery = r.URL.RawQuery
	out.URL, out.Host = address, ""
	out.Header.Set("Authorization", authorization)
	if out.Header.Get("X-Request-Id") == "" {
		out.Header.Set("X-Request-Id", requestIDOf(r.Context()))
	}
	if e.client.http.Transport == nil {
		return http.DefaultTransport.RoundTrip(out)
	}
	return e.client.http.Transport.RoundTrip(out)
}

// ProblemIn is the problem in an answer that came through [Client.Egress], or
// nil if the answer is the bank's: consentd marks those. An answer of neither,
// a proxy's, is a problem too, without a Code: [ErrCallUnknown], like an error
// of the call itself. It leaves the body to be read.
func ProblemIn(res *http.Response) *Problem {
	if res.Header.Get("Consentd-Answer") == "bank" {
		return nil
	}
	p := problemOf(res, peek(res), res.Header.Get("X-Request-Id"))
	p.egress = true
	return p
}
