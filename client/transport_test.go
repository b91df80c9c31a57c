package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

// paying is an app with a granted consent and a transport to its bank.
type paying struct {
	*clienttest.Server
	id        string
	bank      *bank
	transport *client.Transport
	told      []string
}

func newPaying(t testing.TB, change func(*client.TransportConfig)) *paying {
	t.Helper()
	p := &paying{Server: clienttest.New()}
	p.id, p.bank = p.Grant(asked), &bank{s: p.Server}
	config := client.TransportConfig{
		Source: p.Client().TokenSource(p.id, client.SourceOptions{}), Bank: bankURL, APIKey: "bank-key", Base: p.bank,
		Told: func(_ context.Context, r client.Refusal, v client.Verdict) {
			p.told = append(p.told, fmt.Sprintf("%d %s %s", r.Status, r.Code, v))
		},
	}
	if change != nil {
		change(&config)
	}
	var err error
	p.transport, err = client.NewTransport(config)
	must(t, err)
	return p
}

// reports are those that reached consentd.
func (p *paying) reports() int { return p.Count("POST", "/v1/consents/"+p.id+"/report") }

func status(t testing.TB, res *http.Response, err error, want int) {
	t.Helper()
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != want {
		t.Errorf("status = %d, want %d", res.StatusCode, want)
	}
}

func TestTransportPutsTheTokenIn(t *testing.T) {
	t.Parallel()
	p := newPaying(t, nil)
	r := payment(t)
	before := fmt.Sprint(r.Header)
	res, err := p.transport.RoundTrip(r)
	status(t, res, err, http.StatusCreated)
	if fmt.Sprint(r.Header) != before {
		t.Error("RoundTrip has changed the request")
	}
	sent := p.bank.requests[0].Header
	if sent.Get("Authorization") != "Bearer token-1" || sent.Get("apikey") != "bank-key" || sent.Get("X-Request-ID") != "payment1" {
		t.Errorf("sent = %v", sent)
	}
	if calls := p.Calls(); calls[len(calls)-1].RequestID != "payment1" {
		t.Error("consentd is asked under another request id than the bank")
	}
	r, _ = http.NewRequestWithContext(client.WithRequestID(t.Context(), "from-context"), "GET", bankURL, nil)
	res, err = p.transport.RoundTrip(r)
	status(t, res, err, http.StatusCreated)
	if id := p.bank.requests[1].Header.Get("X-Request-ID"); id != "from-context" {
		t.Errorf("X-Request-ID = %q", id)
	}
}

func TestTransportRepeatsOnceAfterATokenWasReplaced(t *testing.T) {
	t.Parallel()
	p := newPaying(t, nil)
	p.bank.refuse = func(r *http.Request, n int) *http.Response {
		if n == 1 {
			return respond(r, 401, "application/json", `{"code":"ERR_80102_000"}`)
		}
		return nil
	}
	res, err := p.transport.RoundTrip(payment(t))
	status(t, res, err, http.StatusCreated)
	if fmt.Sprint(p.bank.bodies) != "[10 ISK 10 ISK]" || fmt.Sprint(p.told) != "[401 ERR_80102_000 token-replaced]" {
		t.Errorf("bodies = %v, told = %v", p.bank.bodies, p.told)
	}
	first, second := p.bank.requests[0].Header, p.bank.requests[1].Header
	if first.Get("X-Request-ID") != second.Get("X-Request-ID") || first.Get("Authorization") == second.Get("Authorization") {
		t.Errorf("the repetition has the headers %v after %v", second, first)
	}

	// The second refusal is final, and the bank's own words come through.
	p.bank.refuse = func(r *http.Request, _ int) *http.Response {
		return respond(r, 401, "application/json", `{"code":"STILL_NOT"}`)
	}
	before := p.bank.seen()
	res, err = p.transport.RoundTrip(payment(t))
	must(t, err)
	body, _ := io.ReadAll(res.Body)
	if n := p.bank.seen() - before; n != 2 || !strings.Contains(string(body), "STILL_NOT") {
		t.Errorf("%d requests, answer %s; want 2 and the bank's words", n, body)
	}
}

func TestTransportDoesNotRepeat(t *testing.T) {
	t.Parallel()
	body := `{"code":"ERR_7","text":"` + strings.Repeat("x", 200<<10) + `"}`
	tests := []struct {
		name    string
		answer  func(r *http.Request) *http.Response
		prepare func(p *paying)
		reports int
	}{
		{"a business refusal", func(r *http.Request) *http.Response { return respond(r, 400, "", body) }, nil, 0},
		{"a 403 that is not about the token", func(r *http.Request) *http.Response { return respond(r, 403, "", body) }, nil, 0},
		{"a 404", func(r *http.Request) *http.Response { return respond(r, 404, "", body) }, nil, 0},
		{"a 500", func(r *http.Request) *http.Response { return respond(r, 500, "", body) }, nil, 0},
		{"a 503 that says when", func(r *http.Request) *http.Response { return respond(r, 503, "", body, "Retry-After", "0") }, nil, 0},
		{"a 401 that is not about the token", func(r *http.Request) *http.Response { return respond(r, 401, "", body) },
			func(p *paying) { p.BusinessCodes("ERR_7"); p.Verdict(p.id, client.NotAboutTheToken) }, 1},
		{"a 401 of which nothing is known", func(r *http.Request) *http.Response { return respond(r, 401, "", body) },
			func(p *paying) { p.Verdict(p.id, client.UnknownVerdict) }, 1},
		{"a 401 while consentd cannot be reached", func(r *http.Request) *http.Response { return respond(r, 401, "", body) },
			func(p *paying) { p.StoreDown(true) }, 1},
		{"a 401 while the bank gives no new token", func(r *http.Request) *http.Response { return respond(r, 401, "", body) },
			func(p *paying) { p.Verdict(p.id, client.TokenReplaced); p.BankDown(true) }, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPaying(t, nil)
			p.bank.refuse = func(r *http.Request, _ int) *http.Response {
				if test.prepare != nil {
					test.prepare(p) // once the token is out
				}
				return test.answer(r)
			}
			res, err := p.transport.RoundTrip(payment(t))
			must(t, err)
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			must(t, err)
			if p.bank.seen() != 1 || p.reports() != test.reports || string(got) != body {
				t.Errorf("%d requests, %d reports, %d bytes of the answer; want 1, %d and %d", p.bank.seen(), p.reports(), len(got), test.reports, len(body))
			}
		})
	}
}

func TestTransportDoesNotRepeatAfterALostConnection(t *testing.T) {
	t.Parallel()
	sent := 0
	p := newPaying(t, func(c *client.TransportConfig) {
		c.Base = trip(func(*http.Request) (*http.Response, error) { sent++; return nil, io.ErrUnexpectedEOF })
	})
	if _, err := p.transport.RoundTrip(payment(t)); !errors.Is(err, io.ErrUnexpectedEOF) || sent != 1 || p.reports() != 0 {
		t.Errorf("error = %v after %d requests and %d reports", err, sent, p.reports())
	}
}

func TestTransportTellsWhyThereIsNoToken(t *testing.T) {
	t.Parallel()
	p := newPaying(t, nil)
	res, err := p.transport.RoundTrip(payment(t))
	status(t, res, err, http.StatusCreated)
	p.Withdraw(p.id)
	web := &http.Client{Transport: p.transport}
	_, err = web.Do(payment(t))
	wants(t, err, client.ErrRevoked)
	if problem, ok := errors.AsType[*client.Problem](err); !ok || problem.RenewalURL == "" || problem.Cause.Actor != "bank" {
		t.Errorf("problem = %v", err)
	}
	if n := p.bank.seen(); n != 2 || p.reports() != 1 {
		t.Errorf("%d requests and %d reports, want 2 and 1", n, p.reports())
	}
	body := &closing{Reader: strings.NewReader("10 ISK")}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, bankURL, body)
	_, err = p.transport.RoundTrip(r)
	wants(t, err, client.ErrRevoked)
	if !body.closed || p.bank.seen() != 2 {
		t.Error("a request without a token goes to the bank, or its body stays open")
	}
}

// closing is a body that cannot be had again.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestTransportDoesNotRepeatABodyThatIsGone(t *testing.T) {
	t.Parallel()
	p := newPaying(t, nil)
	p.bank.refuse = func(r *http.Request, _ int) *http.Response { return respond(r, 401, "", "{}") }
	body := &closing{Reader: strings.NewReader("10 ISK")}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, bankURL, body)
	res, err := p.transport.RoundTrip(r)
	status(t, res, err, 401)
	if p.bank.seen() != 1 || p.reports() != 1 || !body.closed {
		t.Errorf("%d requests, %d reports, closed: %v", p.bank.seen(), p.reports(), body.closed)
	}
}

func TestTransportClosesWhatItThrowsAway(t *testing.T) {
	t.Parallel()
	answer := &closing{Reader: io.LimitReader(endless{}, 1<<30)}
	p := newPaying(t, nil)
	p.bank.refuse = func(r *http.Request, n int) *http.Response {
		if n > 1 {
			return nil
		}
		res := respond(r, 401, "", "")
		res.Body = answer
		return res
	}
	res, err := p.transport.RoundTrip(payment(t))
	status(t, res, err, http.StatusCreated)
	if left := answer.Reader.(*io.LimitedReader).N; !answer.closed || left < 1<<29 {
		t.Errorf("the first answer is closed: %v, and %d bytes of it were not read", answer.closed, left)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestTransportKnowsA403AboutTheToken(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*http.Request) *http.Response{
		"by the bank's code": func(r *http.Request) *http.Response {
			return respond(r, 403, "", `{"tppMessages":[{"code":"CONSENT_INVALID"}]}`)
		},
		"by WWW-Authenticate": func(r *http.Request) *http.Response {
			return respond(r, 403, "", "", "WWW-Authenticate", `Bearer error="invalid_token"`)
		},
	} {
		p := newPaying(t, func(c *client.TransportConfig) { c.TokenCodes = []string{"CONSENT_INVALID"} })
		p.bank.refuse = func(r *http.Request, n int) *http.Response {
			if n == 1 {
				return answer(r)
			}
			return nil
		}
		res, err := p.transport.RoundTrip(payment(t))
		status(t, res, err, http.StatusCreated)
		if p.reports() != 1 {
			t.Errorf("%s: %d reports, want 1", name, p.reports())
		}
	}
}

func TestTransportTakesTheTokenNowhereElse(t *testing.T) {
	t.Parallel()
	p := newPaying(t, nil)
	p.bank.refuse = func(r *http.Request, _ int) *http.Response {
		return respond(r, 302, "", "", "Location", "https://evil.test/")
	}
	_, err := (&http.Client{Transport: p.transport}).Get(bankURL)
	wants(t, err, client.ErrForeignHost)
	for _, address := range []string{"http://bank.test", "https://bank.test:8443", "https://bank.test.evil.test"} {
		body := &closing{Reader: strings.NewReader("x")}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
		if _, err := p.transport.RoundTrip(r); !errors.Is(err, client.ErrForeignHost) || !body.closed {
			t.Errorf("RoundTrip to %s = %v", address, err)
		}
	}
	if p.bank.seen() != 1 {
		t.Errorf("%d requests went out, want 1", p.bank.seen())
	}
	_, err = client.NewTransport(client.TransportConfig{Bank: "bank.test"})
	if err == nil || !strings.Contains(err.Error(), "Source") || !strings.Contains(err.Error(), "Bank must") {
		t.Errorf("NewTransport = %v, want all mistakes", err)
	}
}

// TestRefusalsAreReportedOnce: a report costs a refresh at the bank.
func TestRefusalsAreReportedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPaying(t, nil)
		p.bank.refuse = func(r *http.Request, _ int) *http.Response {
			if r.Header.Get("Authorization") == "Bearer token-1" {
				return respond(r, 401, "", "{}")
			}
			return nil
		}
		slow := trip(func(r *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return p.bank.RoundTrip(r)
		})
		transport, err := client.NewTransport(client.TransportConfig{Source: p.Client().TokenSource(p.id, client.SourceOptions{}), Bank: bankURL, Base: slow})
		must(t, err)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, bankURL, bytes.NewReader(nil))
				res, err := transport.RoundTrip(r)
				if err != nil || res.StatusCode != http.StatusCreated {
					t.Errorf("RoundTrip = %v, %v", res, err)
				}
			})
		}
		group.Wait()
		if p.reports() != 1 || tokensAsked(p.Server, p.id) != 2 {
			t.Errorf("%d reports and %d tokens for 20 refusals, want 1 and 2", p.reports(), tokensAsked(p.Server, p.id))
		}
	})
}

func TestEgress(t *testing.T) {
	t.Parallel()
	var got *http.Request
	answer := saying(402, problemJSON, `{"type":"/problems/consent-expired","code":"consent-expired"}`, "Consentd-Answer", "bank")
	c := configured(t, clienttest.New(), through(func(r *http.Request) (*http.Response, error) { got = r; return answer(r) }))
	web := &http.Client{Transport: c.Egress("cns_1")}
	res, err := web.Post(bankURL+"/Payments/a%2Fb?x=1", "text/plain", strings.NewReader("10 ISK"))
	must(t, err)
	if got.URL.String() != "https://consentd.test/v1/consents/cns_1/bank/Payments/a%2Fb?x=1" || got.Header.Get("Authorization") != "Bearer "+clienttest.Key.Reveal() ||
		got.Header.Get("X-Request-ID") == "" {
		t.Errorf("sent = %s %v", got.URL, got.Header)
	}
	if p := client.ProblemIn(res); p != nil {
		t.Errorf("the bank's own problem is taken for consentd's: %v", p)
	}
	answer = saying(410, problemJSON, `{"type":"/problems/consent-expired","code":"consent-expired"}`)
	res, err = web.Get(bankURL)
	must(t, err)
	wants(t, client.ProblemIn(res), client.ErrConsentExpired)
	if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), "expired") {
		t.Error("the body is gone")
	}
	answer = saying(200, "text/html", "<p>Please sign in to the hotel's network.")
	res, err = web.Get(bankURL)
	must(t, err)
	if p := client.ProblemIn(res); p == nil || p.Code != "" || !errors.Is(p, client.ErrCallUnknown) || errors.Is(p, client.ErrUnavailable) {
		t.Errorf("a proxy's answer is taken for the bank's, or for an outage: %v", p)
	}
	for code, want := range map[string]error{"bank-call-unknown": client.ErrCallUnknown, "bank-answer-too-large": client.ErrAnswerTooLarge} {
		answer = saying(504, problemJSON, `{"code":"`+code+`"}`)
		res, err = web.Get(bankURL)
		must(t, err)
		if p := client.ProblemIn(res); !errors.Is(p, want) || errors.Is(p, client.ErrUnavailable) {
			t.Errorf("%s, after which the bank may have paid, is an outage: %v", code, p)
		}
	}
}

// TestEgressSendsNothingAgain: a 307 asks http.Client to send the payment once
// more, under another X-Request-ID.
func TestEgressSendsNothingAgain(t *testing.T) {
	t.Parallel()
	sent := 0
	answer := saying(307, "text/plain", "", "Consentd-Answer", "bank", "Location", bankURL+"/v2/pay")
	c := configured(t, clienttest.New(), through(func(r *http.Request) (*http.Response, error) { sent++; return answer(r) }))
	web := &http.Client{Transport: c.Egress("cns_1")}
	_, err := web.Post(bankURL+"/v1/pay", "text/plain", strings.NewReader("10 ISK"))
	wants(t, err, client.ErrRedirected)
	web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := web.Post(bankURL+"/v1/pay", "text/plain", strings.NewReader("10 ISK"))
	must(t, err)
	if sent != 2 || res.StatusCode != 307 || client.ProblemIn(res) != nil {
		t.Errorf("two payments were sent %d times; the redirect came as %s", sent, res.Status)
	}
}
