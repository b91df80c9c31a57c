package clienttest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

var asked = client.Request{Reference: "customer-4711", Bank: "landsbankinn", ReturnTo: "done"}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %v", err, want)
	}
}

func TestAnswersGetLostOnASocketToo(t *testing.T) {
	t.Parallel()
	s := clienttest.Start()
	defer s.Close()
	config := s.Config()
	config.Repeats = -1
	c, err := client.New(config)
	must(t, err)
	s.Lose(1)
	_, err = c.Create(t.Context(), asked)
	wants(t, err, client.ErrUnavailable)
	n := 0
	for _, err := range c.List(t.Context(), client.Filter{}) {
		must(t, err)
		n++
	}
	if n != 1 || s.Count("POST", "/v1/consents") != 1 {
		t.Errorf("%d consents after the answer to a Create was lost, want 1", n)
	}
}

func TestCustomersActs(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	c, ctx := s.Client(), t.Context()
	made, err := c.Create(ctx, asked)
	must(t, err)
	s.Decline(made.ID)
	_, err = c.Token(ctx, made.ID, client.TokenRequest{})
	wants(t, err, client.ErrRejected)
	code := s.Approve(made.ID)
	for range 2 {
		confirmed, err := c.Confirm(ctx, made.ID, code)
		if must(t, err); confirmed.Status != client.Valid {
			t.Errorf("Confirm = %+v", confirmed)
		}
	}
	s.Decline(made.ID) // a renewal that comes to nothing
	token, err := c.Token(ctx, made.ID, client.TokenRequest{})
	must(t, err)
	if id, live := s.Live(token.Access.Reveal()); !live || id != made.ID {
		t.Errorf("Live = %q, %v", id, live)
	}
	s.Advance(clienttest.TokenLife)
	if _, live := s.Live(token.Access.Reveal()); live {
		t.Error("a token lives longer than it says")
	}
	s.Advance(clienttest.ConsentLife)
	_, err = c.Token(ctx, made.ID, client.TokenRequest{})
	wants(t, err, client.ErrConsentExpired)
	if code := s.Approve(made.ID); code != "" {
		t.Error("a renewal waits to be confirmed")
	}
}

func TestBanksActs(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	c, ctx := s.Client(), t.Context()
	id := s.Grant(asked)
	report := func(code string, want client.Verdict) {
		t.Helper()
		got, err := c.Report(ctx, id, client.Refusal{Status: http.StatusUnauthorized, Code: code})
		if must(t, err); got != want {
			t.Errorf("Report = %s, want %s", got, want)
		}
	}
	before, err := c.Token(ctx, id, client.TokenRequest{})
	must(t, err)
	report("", client.TokenReplaced)
	if after, err := c.Token(ctx, id, client.TokenRequest{}); err != nil || after.Access == before.Access {
		t.Errorf("the token was not replaced (%v)", err)
	}
	s.BusinessCodes("ERR_7")
	report("ERR_7", client.NotAboutTheToken)
	s.BankDown(true)
	report("", client.UnknownVerdict)
	s.BankDown(false)
	s.Withdraw(id)
	report("", client.ConsentEnded)
	report("", client.ConsentEnded)
	s.Verdict(id, client.UnknownVerdict)
	report("", client.UnknownVerdict)
	s.Approve(id)
	page, err := c.Events(ctx, "", 0)
	must(t, err)
	var types []client.EventType
	for _, e := range page.Events {
		types = append(types, e.Type)
	}
	if len(types) != 3 || types[1] != client.NeedsRenewal || types[2] != client.Recovered {
		t.Errorf("events = %v", types)
	}
}

func TestUnknownIDsAreAMistakeOfTheTest(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("Expire of a consent that is not there says nothing")
		}
	}()
	clienttest.New().Expire("cns_none")
}
