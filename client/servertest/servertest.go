// Package servertest is what payment services may expect of consentd, as a
// test. It runs against consentd and against the fake of clienttest, so that
// what is tested with the fake is true of the other.
package servertest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
)

// Server is a consentd with no consents yet, and those around it: a customer,
// a bank, and a clock that can be moved.
type Server interface {
	Client() *client.Client
	// Request is one that is in order, with the customer's national id.
	Request() client.Request
	// BusinessCode is an error of the bank's that says nothing about a token.
	BusinessCode() string

	// Agree plays the customer who follows the page of a consent and agrees at
	// the bank. It returns the code that comes back, if any.
	Agree(id string, page client.Secret) (code client.Secret)
	Cancel(id string, page client.Secret) // at the bank
	Stop(id string)                       // at consentd
	Withdraw(id string)                   // at the bank
	BankDown(down bool)
	Advance(d time.Duration)
	Settle() // does what is due
}

// Lives of what the server's bank gives.
const (
	day         = 24 * time.Hour
	ConsentLife = 90 * day
	TokenLife   = 5 * time.Minute
)

// Run tests a server; open makes one for each test.
func Run(t *testing.T, open func(*testing.T) Server) {
	for name, expect := range map[string]func(*testing.T, app){
		"asking":               asking,
		"asking wrongly":       askingWrongly,
		"asking twice":         askingTwice,
		"confirming":           confirming,
		"tokens":               tokens,
		"needed beyond an end": neededBeyondTheEnd,
		"no from the customer": cancelled,
		"a renewal":            renewed,
		"warnings":             warned,
		"a lapse":              lapsed,
		"stopped by customer":  stoppedByCustomer,
		"stopped by app":       stoppedByApp,
		"withdrawn at bank":    withdrawn,
		"reports":              reports,
		"a bank that is down":  bankDown,
		"the list":             listed,
		"the log of events":    logged,
		"following":            followed,
		"proof and erasure":    provenAndErased,
		"who calls":            whoCalls,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			expect(t, app{s, s.Client(), t})
		})
	}
}

// app is a payment service at a server.
type app struct {
	Server
	c *client.Client
	t *testing.T
}

func (a app) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a app) ask(change func(*client.Request)) client.Consent {
	a.t.Helper()
	r := a.Request()
	if change != nil {
		change(&r)
	}
	made, err := a.c.Create(a.t.Context(), r)
	a.must(err)
	return made
}

// connected is a valid consent, of which the app has heard.
func (a app) connected() string {
	a.t.Helper()
	made := a.ask(nil)
	if code := a.Agree(made.ID, made.Page.URL); code != "" {
		a.t.Error("a customer with a known national id is to be confirmed")
	}
	a.Settle()
	return made.ID
}

func (a app) get(id string) client.Consent {
	a.t.Helper()
	c, err := a.c.Get(a.t.Context(), id)
	a.must(err)
	return c
}

func (a app) token(id string) client.Token {
	a.t.Helper()
	got, err := a.c.Token(a.t.Context(), id, client.TokenRequest{})
	a.must(err)
	return got
}

// renew takes the customer through a renewal, or a second connection.
func (a app) renew(id string) {
	a.t.Helper()
	page, err := a.c.Renew(a.t.Context(), id)
	a.must(err)
	a.Agree(id, page.URL)
	a.Settle()
}

// refused is the problem that a request for a token meets.
func (a app) refused(id string, r client.TokenRequest, want error) *client.Problem {
	a.t.Helper()
	_, err := a.c.Token(a.t.Context(), id, r)
	return a.problem(err, want)
}

func (a app) problem(err, want error) *client.Problem {
	a.t.Helper()
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || !errors.Is(err, want) || p.Title == "" || p.Detail == "" || p.Type != "/problems/"+p.Code {
		a.t.Fatalf("error = %v, want the problem of %v", err, want)
	}
	return p
}

// leads checks the next step of a problem: a way to connect again, or none.
func (a app) leads(p *client.Problem, again bool) {
	a.t.Helper()
	if got := p.RenewalURL != ""; got != again || got == p.RenewalURLExpiresAt.IsZero() {
		a.t.Errorf("%s leads to the bank: %v, until %s; want %v", p.Code, got, p.RenewalURLExpiresAt, again)
	}
}

func (a app) caused(got *client.Cause, actor, code string) {
	a.t.Helper()
	if got == nil || *got != (client.Cause{Actor: actor, Code: code}) {
		a.t.Errorf("cause = %v, want %s and %s", got, actor, code)
	}
}

// heard are the types of the events so far.
func (a app) heard(want ...client.EventType) client.Event {
	a.t.Helper()
	page, err := a.c.Events(a.t.Context(), "", 0)
	a.must(err)
	var types []client.EventType
	for _, e := range page.Events {
		types = append(types, e.Type)
	}
	if !slices.Equal(types, want) {
		a.t.Fatalf("events = %v, want %v", types, want)
	}
	return page.Events[len(page.Events)-1]
}
