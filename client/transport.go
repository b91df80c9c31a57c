package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// TransportConfig configures a [Transport]. Source and Bank are required.
type TransportConfig struct {
	Source *TokenSource
	// Bank is where the token may go, scheme://host[:port]. Requests to anywhere
	// else are refused, as those after a redirect would be.
	Bank string

	APIKey       Secret            // your own key at the bank, sent along
	APIKeyHeader string            // default apikey
	Base         http.RoundTripper // default http.DefaultTransport

	// TokenCodes are the bank's error codes with which a 403 speaks of the token.
	// Any other 403 is a business refusal, unless WWW-Authenticate says
	// invalid_token. A 401 always is about the token.
	TokenCodes []string
	// Code finds the bank's error code in a body. Default: the member code, the
	// code of the first of tppMessages (Berlin Group), or the member error.
	Code func(body []byte) string
	// Told hears of each verdict, for a log. It must not block.
	Told func(ctx context.Context, r Refusal, v Verdict)
}

// ErrForeignHost: the request would have taken a token to somebody who is not
// the bank.
var ErrForeignHost = errors.New("client: the request is not for the bank of this transport")

// Transport is an [http.RoundTripper] for a bank's API: it puts the token and
// the bank's apikey into each request, and an X-Request-ID where there is none.
// Give each payment its own X-Request-ID and keep it through your own
// repetitions: only that keeps a bank from paying twice.
//
// When the bank answers 401, or 403 about the token, it asks consentd what
// that means ([Client.Report]), and then
//
//   - on [TokenReplaced] sends the request once more, with the new token and
//     the same X-Request-ID, if its body can be had again (none, or
//     GetBody, as http.NewRequest sets it for bytes and strings). That is safe
//     for a POST: a bank that answers 401 has refused at the door, and done
//     nothing. The second answer is final;
//   - on [ConsentEnded] returns the [*Problem] that says why, with RenewalURL;
//   - otherwise passes the bank's answer on, whole.
//
// It sends nothing twice after any other answer: not after a business refusal
// (400, 403, 404, 422 …), not after 5xx, not after a connection that broke off,
// when the bank may have acted. Errors of consentd come out of http.Client
// inside a *url.Error: errors.Is and errors.As see them.
type Transport struct {
	c       TransportConfig
	bank    *url.URL
	reports singleflight.Group

	mu      sync.Mutex
	refused string  // the newest access token that is settled
	verdict Verdict // on it
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport makes a transport. Its error names every mistake in c.
func NewTransport(c TransportConfig) (*Transport, error) {
	var source error
	if c.Source == nil {
		source = errors.New("client: Source is required")
	}
	bank, err := url.Parse(c.Bank)
	if err != nil || bank.Host == "" || bank.Scheme != "https" && bank.Scheme != "http" || strings.Trim(bank.Path, "/") != "" {
		err = errors.New("client: Bank must be scheme://host[:port]")
	}
	if err := errors.Join(source, err); err != nil {
		return nil, err
	}
	c.APIKeyHeader = orDefault(c.APIKeyHeader, "apikey")
	if c.Base == nil {
		c.Base = http.DefaultTransport
	}
	if c.Code == nil {
		c.Code = codeIn
	}
	return &Transport{c: c, bank: bank}, nil
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != t.bank.Scheme || !strings.EqualFold(r.URL.Host, t.bank.Host) {
		closeBody(r)
		return nil, ErrForeignHost
	}
	id := r.Header.Get("X-Request-Id")
	if id == "" {
		id = requestIDOf(r.Context())
	}
	ctx := WithRequestID(r.Context(), id)
	token, err := t.c.Source.TokenContext(ctx)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	res, err := t.send(r, r.Body, token, id)
	if err != nil {
		return nil, err
	}
	if refused, ok := t.refusal(res); ok {
		return t.afterRefusal(ctx, r, res, refused, token, id)
	}
	return res, nil
}

// send gives the bank a copy of r: a RoundTripper may not change its request.
func (t *Transport) send(r *http.Request, body io.ReadCloser, token *oauth2.Token, id string) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.Body = body
	token.SetAuthHeader(out)
	out.Header.Set("X-Request-Id", id)
	if t.c.APIKey != "" {
		out.Header.Set(t.c.APIKeyHeader, t.c.APIKey.Reveal())
	}
	return t.c.Base.RoundTrip(out)
}

// refusal reports whether an answer refuses the token, and in which words.
func (t *Transport) refusal(res *http.Response) (Refusal, bool) {
	if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusForbidden {
		return Refusal{}, false
	}
	code := t.c.Code(peek(res))
	if len(code) > longestCode || strings.ContainsFunc(code, notInRequestID) {
		code = "" // nothing that consentd would take
	}
	about := res.StatusCode == http.StatusUnauthorized || code != "" && slices.Contains(t.c.TokenCodes, code) ||
		strings.Contains(res.Header.Get("WWW-Authenticate"), "invalid_token")
	return Refusal{Status: res.StatusCode, Code: code}, about
}

// afterRefusal asks what a refusal means, and does what follows.
func (t *Transport) afterRefusal(ctx context.Context, r *http.Request, res *http.Response, refused Refusal, old *oauth2.Token, id string) (*http.Response, error) {
	verdict, err := t.report(ctx, refused, old.AccessToken)
	if err != nil || verdict != TokenReplaced && verdict != ConsentEnded {
		return res, nil // nothing better is known than what the bank said
	}
	fresh, err := t.c.Source.TokenContext(ctx)
	switch {
	case err != nil && !errors.Is(err, ErrUnavailable) && ctx.Err() == nil:
		discard(res)
		return nil, err
	case err != nil, verdict == ConsentEnded:
		return res, nil
	}
	body, again := bodyAgain(r)
	if !again {
		return res, nil
	}
	discard(res)
	return t.send(r, body, fresh, id)
}

// report asks consentd once for all who were refused with the same token. If
// it was replaced already there is nothing to ask.
func (t *Transport) report(ctx context.Context, refused Refusal, access string) (Verdict, error) {
	s := t.c.Source
	told := t.reports.DoChan(access+" "+refused.Code, func() (any, error) {
		if verdict := t.settled(access); verdict != "" {
			return verdict, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
		defer cancel()
		verdict, err := s.client.Report(ctx, s.consent, refused)
		if err == nil && verdict != NotAboutTheToken {
			s.forget(access)
		}
		if err == nil {
			t.settle(access, verdict)
		}
		if err == nil && t.c.Told != nil {
			t.c.Told(ctx, refused, verdict)
		}
		return verdict, err
	})
	select {
	case got := <-told:
		return got.Val.(Verdict), got.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// settled is what is known of a token that was refused, or "". Late refusals
// come when it is forgotten and the next one is still on its way.
func (t *Transport) settled(access string) Verdict {
	if kept, _ := t.c.Source.kept(); kept != nil && kept.token.AccessToken != access {
		return TokenReplaced
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refused == access {
		return t.verdict
	}
	return ""
}

func (t *Transport) settle(access string, v Verdict) {
	if v != TokenReplaced && v != ConsentEnded {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused, t.verdict = access, v
}

// Format keeps every fmt verb from printing keys.
func (t *Transport) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "transport to %s", t.bank) }
