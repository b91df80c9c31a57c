package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
	"github.com/consentd/consentd/consent/redisstore/redistest"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

// apiKey is the site's own at the bank's payments API.
const apiKey = "bank-apikey-canary"

// customersTrip goes from a page of consentd to the bank and back, and returns
// where the browser ends: at the app.
func (s *site) customersTrip(page client.Secret) *url.URL {
	s.t.Helper()
	return s.tripOf(page, sandbox.Customer{User: gudrun})
}

func (s *site) tripOf(page client.Secret, who sandbox.Customer) *url.URL {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.visit(browser, http.MethodGet, page.Reveal(), http.StatusOK)
	toBank := s.visit(browser, http.MethodPost, page.Reveal(), http.StatusSeeOther)
	who.Client = &http.Client{Transport: s.bank}
	back, err := who.Authorize(s.t.Context(), toBank)
	must(s.t, err)
	u, err := url.Parse(s.visit(browser, http.MethodGet, back, http.StatusSeeOther))
	must(s.t, err)
	if u.Host == "" || u.Host == s.public.Addr().String() { // a page of ours, with a link on to the app
		u, err = url.Parse(s.visit(browser, http.MethodGet, s.url()+u.Path+"/return", http.StatusSeeOther))
		must(s.t, err)
	}
	return u
}

// shopping is a payment service made with our client, at a real consentd.
type shopping struct {
	*site
	*client.Client
	transport func(id string) *http.Client
	verdicts  []client.Verdict
}

func newShopping(t *testing.T) *shopping {
	t.Helper()
	s := &shopping{site: newSite(t, redistest.Start(t))}
	s.replica()
	var err error
	s.Client, err = client.New(client.Config{BaseURL: s.url(), Key: client.Secret(s.key.Reveal())})
	must(t, err)
	s.transport = func(id string) *http.Client {
		transport, err := client.NewTransport(client.TransportConfig{
			Source: s.TokenSource(id, client.SourceOptions{}), Bank: issuer, APIKey: apiKey, Base: s.bank,
			Told: func(_ context.Context, _ client.Refusal, v client.Verdict) { s.verdicts = append(s.verdicts, v) },
		})
		must(t, err)
		return &http.Client{Transport: transport}
	}
	return s
}

// pay gives the sandbox an order of Guðrún's.
func (s *shopping) pay(web *http.Client, requestID string) (*http.Response, error) {
	s.t.Helper()
	var payer, payee sandbox.User
	for _, u := range s.bank.Users() {
		if u.UserName == gudrun {
			payer = u
		} else if u.Primary != "" {
			payee = u
		}
	}
	account := func(u sandbox.User) map[string]string {
		return map[string]string{"OwnerId": u.Kennitala, "Id": u.Primary}
	}
	order, err := json.Marshal(map[string]any{
		"EndToEndIdentification": requestID, "DebtorAccount": account(payer), "DepositAccount": account(payee),
		"Amount": map[string]any{"Currency": "ISK", "Amount": 10}, "ExtendedReference": "Fika",
	})
	must(s.t, err)
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, issuer+"/Payments/Initiations/v1/CreditTransfers", bytes.NewReader(order))
	must(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-ID", requestID)
	return web.Do(r)
}

// paid fails unless the bank took the order.
func (s *shopping) paid(web *http.Client, requestID string) {
	s.t.Helper()
	res, err := s.pay(web, requestID)
	must(s.t, err)
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusCreated {
		s.t.Fatalf("the bank answers %s %s", res.Status, body)
	}
}

// TestClientGoesTheWholePath plays a payment service with our own client
// against a real consentd, a real Redis and the sandbox bank.
func TestClientGoesTheWholePath(t *testing.T) {
	t.Parallel()
	s := newShopping(t)
	ctx := client.WithRequestID(t.Context(), "whole-path")
	made, err := s.Create(ctx, client.Request{Reference: customer, Bank: "sandbox", ReturnTo: "done", Email: address})
	must(t, err)
	_, err = s.Token(ctx, made.ID, client.TokenRequest{})
	wantProblem(t, err, client.ErrPending)

	back := s.customersTrip(made.Page.URL).Query()
	if back.Get("consent_id") != made.ID || back.Get("result") != "unconfirmed" {
		t.Fatalf("the customer comes back with %v", slices.Sorted(maps.Keys(back)))
	}
	_, err = s.Token(ctx, made.ID, client.TokenRequest{})
	wantProblem(t, err, client.ErrConfirmationRequired)
	confirmed, err := s.Confirm(ctx, made.ID, client.Secret(back.Get("code")))
	must(t, err)
	if confirmed.Status != client.Valid || confirmed.DaysLeft != 90 {
		t.Errorf("Confirm = %+v", confirmed)
	}

	out, err := s.Token(ctx, made.ID, client.TokenRequest{MinTTL: time.Second, Scopes: []string{"payments"}})
	must(t, err)
	if out.NationalID.Reveal() != gudrunID || !out.Consent.EndsAt.Equal(confirmed.EndsAt) || out.ExpiresIn <= 0 {
		t.Errorf("Token = %+v", out)
	}
	web := s.transport(made.ID)
	s.paid(web, "payment1")
	s.afterTheBankLostTheToken(web)
	s.renewAndStop(ctx, made.ID)
}

// afterTheBankLostTheToken has the bank answer 401 once.
func (s *shopping) afterTheBankLostTheToken(web *http.Client) {
	s.t.Helper()
	before := s.bank.Refreshes()
	s.bank.Fail(sandbox.EndpointPayments, 1, sandbox.Fault{Status: http.StatusUnauthorized, Body: `{"code":"ERR_80102_000"}`})
	s.paid(web, "payment2")
	if s.bank.Refreshes() != before+1 || !slices.Equal(s.verdicts, []client.Verdict{client.TokenReplaced}) {
		s.t.Errorf("refreshes = %d, verdicts = %v; want one more than %d, and token-replaced", s.bank.Refreshes(), s.verdicts, before)
	}
}

func (s *shopping) renewAndStop(ctx context.Context, id string) {
	s.t.Helper()
	s.ahead.Store(int64(30 * 24 * time.Hour))
	page, err := s.Renew(ctx, id)
	must(s.t, err)
	if back := s.customersTrip(page.URL).Query(); back.Get("result") != "renewed" {
		s.t.Errorf("the customer comes back with %q, want renewed", back.Get("result"))
	}
	renewed, err := s.Get(ctx, id)
	must(s.t, err)
	if renewed.Renewals != 1 || renewed.DaysLeft != 90 {
		s.t.Errorf("Get after a renewal = %+v", renewed)
	}
	stopped, err := s.Stop(ctx, id)
	must(s.t, err)
	if again, err := s.Stop(ctx, id); err != nil || again.Status != stopped.Status || stopped.Status != client.TerminatedByTpp {
		s.t.Errorf("Stop = %+v, and again %+v, %v", stopped, again, err)
	}
	_, err = s.pay(s.transport(id), "payment3")
	wantProblem(s.t, err, client.ErrRevoked)
	if p, _ := errors.AsType[*client.Problem](err); p.RenewalURL != "" || *p.Cause != (client.Cause{Actor: "app", Code: "stopped"}) {
		s.t.Errorf("problem = %+v", p)
	}
	proof, err := s.Proof(ctx, id)
	must(s.t, err)
	if proof.Consent.ID != id || len(proof.Timeline) < 4 {
		s.t.Errorf("Proof = %+v", proof)
	}
	erased, err := s.Erase(ctx, customer)
	must(s.t, err)
	if erased.Consents != 1 {
		s.t.Errorf("Erase = %+v", erased)
	}
	_, err = s.Get(ctx, id)
	wantProblem(s.t, err, client.ErrNotFound)
}

// wantProblem also wants the request id with which an app finds it in the log.
func wantProblem(t testing.TB, err error, want error) {
	t.Helper()
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || !errors.Is(err, want) || p.RequestID == "" || p.Title == "" {
		t.Errorf("error = %v, want %v", err, want)
	}
}

// TestTheClientsFakeIsLikeUs compares the answers of the fake that payment
// services test with, member by member, with those of consentd. It may know
// less, since members are added to the API; it may make nothing up.
func TestTheClientsFakeIsLikeUs(t *testing.T) {
	t.Parallel()
	s := newShopping(t)
	fake := clienttest.Start()
	defer fake.Close()
	valid := string(s.grant())
	fakes := fake.Grant(client.Request{Reference: customer, Bank: "sandbox", ReturnTo: "done", ExpectedNationalID: gudrunID})
	create := map[string]any{"customer_reference": "other", "bank": "sandbox", "return_to": "done"}
	for _, step := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/v1/consents", create},
		{"POST", "/v1/consents", map[string]any{}},
		{"POST", "/v1/consents/ID/token", nil},
		{"POST", "/v1/consents/ID/token", map[string]any{"scopes": []string{"nothing"}}},
		{"POST", "/v1/consents/ID/token", map[string]any{"needed_until": "2099-01-01T00:00:00Z"}},
		{"POST", "/v1/consents/ID/token", map[string]any{"min_ttl": 80000}},
		{"GET", "/v1/consents/ID", nil},
		{"POST", "/v1/consents/ID/confirm", map[string]any{"code": "wrong"}},
		{"POST", "/v1/consents/ID/report", map[string]any{"status": 401}},
		{"POST", "/v1/consents/ID/report", map[string]any{"status": 200}},
		{"POST", "/v1/consents/ID/renewal", nil},
		{"GET", "/v1/consents/ID/proof", nil},
		{"DELETE", "/v1/consents/ID", nil},
		{"POST", "/v1/consents/ID/token", nil},
		{"POST", "/v1/consents/ID/renewal", nil},
		{"POST", "/v1/erasures", map[string]any{"customer_reference": customer}},
		{"GET", "/v1/consents/ID", nil},
	} {
		ours := s.call(step.method, s.url()+strings.Replace(step.path, "ID", valid, 1), step.body)
		got, err := call(t, token.Secret(clienttest.Key.Reveal()), step.method, fake.URL()+strings.Replace(step.path, "ID", fakes, 1), step.body)
		must(t, err)
		if got.status != ours.status || got.str("code") != ours.str("code") || !within(shape(ours.json), shape(got.json)) {
			t.Errorf("%s %s %v:\nfake %d %s %q\nreal %d %s %q", step.method, step.path, step.body,
				got.status, got.str("code"), shape(got.json), ours.status, ours.str("code"), shape(ours.json))
		}
	}
}

// within reports whether all names of a part are names of the whole.
func within(whole, part []string) bool {
	return !slices.ContainsFunc(part, func(name string) bool { return !slices.Contains(whole, name) })
}

// shape are the names of an answer's members, those of objects inside too.
func shape(object map[string]any) []string {
	var names []string
	for name, value := range object {
		names = append(names, name)
		if inner, ok := value.(map[string]any); ok {
			for _, below := range shape(inner) {
				names = append(names, name+"."+below)
			}
		}
	}
	slices.Sort(names)
	return names
}
