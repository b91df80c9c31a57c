package servertest

import (
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
)

func asking(t *testing.T, a app) {
	made := a.ask(nil)
	if made.Status != client.Received || made.Page.URL == "" || made.Replayed || made.DaysLeft != 0 || made.AwaitingConfirmation || made.Cause != nil {
		t.Errorf("Create = %+v", made)
	}
	if life := made.Page.ExpiresAt.Sub(made.CreatedAt); life < 9*time.Minute || life > 11*time.Minute {
		t.Errorf("the page is good for %s", life)
	}
	if !slices.Contains(made.ScopesRequested, "payments") || len(made.ScopesGranted) != 0 {
		t.Errorf("scopes %q, granted %q", made.ScopesRequested, made.ScopesGranted)
	}
	a.leads(a.refused(made.ID, client.TokenRequest{}, client.ErrPending), true)
	if found := a.get(made.ID); found.ID != made.ID || found.Page.URL != "" || found.Bank != a.Request().Bank {
		t.Errorf("Get = %+v", found)
	}
	_, err := a.c.Get(t.Context(), "cns_7f00000000000000000000000000")
	a.problem(err, client.ErrNotFound)
}

func askingWrongly(t *testing.T, a app) {
	for _, test := range []struct {
		request client.Request
		want    []string
	}{
		{client.Request{Language: "tlh"}, []string{"/customer_reference", "/language"}}, // first what is of the wrong form
		{client.Request{Reference: "a"}, []string{"/bank", "/return_to"}},
	} {
		_, err := a.c.Create(t.Context(), test.request)
		var where []string
		for _, m := range a.problem(err, client.ErrInvalid).Mistakes {
			where = append(where, m.Pointer)
		}
		if slices.Sort(where); !slices.Equal(where, test.want) {
			t.Errorf("mistakes at %q, want %q", where, test.want)
		}
	}
}

func askingTwice(t *testing.T, a app) {
	same := func(r *client.Request) { r.IdempotencyKey = "order-1" }
	first, again := a.ask(same), a.ask(same)
	if first.Replayed || !again.Replayed || first.ID != again.ID || first.Page != again.Page {
		t.Errorf("first %+v\nagain %+v", first, again)
	}
	a.Advance(11 * time.Minute)
	if fresh := a.ask(same); fresh.ID != first.ID || fresh.Page.URL == first.Page.URL {
		t.Errorf("after its page is too old: %+v", fresh)
	}
	a.Agree(first.ID, a.ask(same).Page.URL)
	if now := a.ask(same); now.ID != first.ID || now.Status != client.Valid {
		t.Errorf("after the customer agreed: %+v", now)
	}
	r := a.Request()
	r.IdempotencyKey, r.Language = "order-1", "is"
	_, err := a.c.Create(t.Context(), r)
	a.problem(err, client.ErrIdempotencyKeyReused)
	r.IdempotencyKey = "no spaces"
	_, err = a.c.Create(t.Context(), r)
	a.problem(err, client.ErrInvalid)
}

func confirming(t *testing.T, a app) {
	made := a.ask(func(r *client.Request) { r.ExpectedNationalID = "" })
	code := a.Agree(made.ID, made.Page.URL)
	if found := a.get(made.ID); code == "" || found.Status != client.Received || !found.AwaitingConfirmation || found.DaysLeft != 0 {
		t.Errorf("before it is confirmed: %+v", found)
	}
	a.leads(a.refused(made.ID, client.TokenRequest{}, client.ErrConfirmationRequired), false)
	_, err := a.c.Confirm(t.Context(), made.ID, "wrong")
	a.problem(err, client.ErrConfirmationFailed)
	for range 2 {
		found, err := a.c.Confirm(t.Context(), made.ID, code)
		a.must(err)
		if found.Status != client.Valid || found.AwaitingConfirmation || found.DaysLeft != 90 {
			t.Errorf("Confirm = %+v", found)
		}
	}
	if a.token(made.ID).NationalID == "" {
		t.Error("nobody says who granted")
	}
	_, err = a.c.Confirm(t.Context(), made.ID, "wrong")
	a.problem(err, client.ErrConfirmationFailed)
}

func tokens(t *testing.T, a app) {
	id := a.connected()
	found := a.get(id)
	if found.Status != client.Valid || found.DaysLeft != 90 || found.Renewals != 0 || !slices.Contains(found.ScopesGranted, "payments") ||
		!found.LastUsedAt.IsZero() {
		t.Errorf("Get = %+v", found)
	}
	if short := ConsentLife - found.EndsAt.Sub(found.AuthorizedAt); short < 0 || short > time.Hour {
		t.Errorf("the consent ends %s early", short)
	}
	got, err := a.c.Token(t.Context(), id, client.TokenRequest{MinTTL: time.Second, NeededUntil: found.EndsAt, Scopes: []string{"payments"}})
	a.must(err)
	if got.Type != "Bearer" || got.ExpiresIn <= 0 || got.ExpiresIn > int(TokenLife/time.Second) || got.NationalID != a.Request().ExpectedNationalID ||
		got.Consent.ID != id || !got.Consent.EndsAt.Equal(found.EndsAt) || got.Consent.DaysLeft != 90 {
		t.Errorf("Token = %+v", got)
	}
	if a.token(id).Access != got.Access {
		t.Error("a token that lives long enough was replaced")
	}
	if a.get(id).LastUsedAt.IsZero() {
		t.Error("a hand-out is no use")
	}
	p := a.refused(id, client.TokenRequest{Scopes: []string{"payments", "accounts"}}, client.ErrInsufficientScope)
	if a.leads(p, false); !slices.Equal(p.MissingScopes, []string{"accounts"}) {
		t.Errorf("missing %q", p.MissingScopes)
	}
	p = a.refused(id, client.TokenRequest{MinTTL: time.Hour}, client.ErrLifetime)
	if a.leads(p, false); p.LongestTTL != TokenLife {
		t.Errorf("tokens live %s", p.LongestTTL)
	}
	a.Advance(TokenLife)
	if a.token(id).Access == got.Access {
		t.Error("a token came that is over")
	}
}
