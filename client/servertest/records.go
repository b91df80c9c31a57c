package servertest

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/consentd/consentd/client"
)

// ids of the consents that fit, in the order in which they come.
func (a app) ids(f client.Filter) []string {
	a.t.Helper()
	var out []string
	for found, err := range a.c.List(a.t.Context(), f) {
		a.must(err)
		out = append(out, found.ID)
	}
	return out
}

func listed(t *testing.T, a app) {
	reference := a.Request().Reference
	first := a.connected()
	a.Advance(day)
	second := a.ask(nil).ID
	third := a.ask(func(r *client.Request) { r.Reference = "somebody else" }).ID
	end := a.get(first).EndsAt
	all := []string{first, second, third}
	for name, test := range map[string]struct {
		filter client.Filter
		want   []string
	}{
		"all":           {client.Filter{}, all},
		"page by page":  {client.Filter{PageSize: 1}, all},
		"a customer's":  {client.Filter{Reference: reference}, []string{first, second}},
		"nobody's":      {client.Filter{Reference: "nobody"}, nil},
		"a bank's":      {client.Filter{Bank: a.Request().Bank}, all},
		"another's":     {client.Filter{Bank: "another"}, nil},
		"valid":         {client.Filter{Status: client.Valid}, []string{first}},
		"expired":       {client.Filter{Status: client.Expired}, nil},
		"all of it":     {client.Filter{Status: client.Received, Reference: reference, PageSize: 1}, []string{second}},
		"that end soon": {client.Filter{EndsBefore: end.Add(time.Second)}, []string{first}},
		"before":        {client.Filter{EndsBefore: end}, nil},
		"changed since": {client.Filter{ChangedSince: a.get(second).CreatedAt}, []string{second, third}},
	} {
		got, want := a.ids(test.filter), slices.Clone(test.want)
		slices.Sort(got) // which comes first is not the same for all
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	a.Advance(ConsentLife)
	if got := a.ids(client.Filter{Status: client.Expired}); !slices.Equal(got, []string{first}) {
		t.Errorf("expired on its date: %q", got)
	}
	for _, f := range []client.Filter{{PageSize: 101}, {EndsBefore: end, ChangedSince: end}, {Status: "unknown"}} {
		for _, err := range a.c.List(t.Context(), f) {
			a.problem(err, client.ErrInvalid)
		}
	}
}

func logged(t *testing.T, a app) {
	nothing, err := a.c.Events(t.Context(), "", 0)
	if a.must(err); len(nothing.Events) != 0 || nothing.Next == "" {
		t.Errorf("before anything happened: %+v", nothing)
	}
	id := a.connected()
	page, err := a.c.Events(t.Context(), nothing.Next, time.Second)
	a.must(err)
	if len(page.Events) != 1 || page.Events[0].Type != client.Granted || page.Events[0].Data.ConsentID != id || page.Events[0].Data.Status != client.Valid {
		t.Fatalf("events = %+v", page.Events)
	}
	again, err := a.c.Events(t.Context(), nothing.Next, 0)
	if a.must(err); len(again.Events) != 1 || again.Events[0].ID != page.Events[0].ID {
		t.Errorf("asked again: %+v", again)
	}
	after, err := a.c.Events(t.Context(), page.Next, 0)
	if a.must(err); len(after.Events) != 0 || after.Next == "" {
		t.Errorf("after it: %+v", after)
	}
	_, err = a.c.Events(t.Context(), "not a cursor", 0)
	a.problem(err, client.ErrInvalid)
}

func followed(t *testing.T, a app) {
	id := a.connected()
	var heard []client.EventType
	for page, err := range a.c.Follow(t.Context(), "") {
		a.must(err)
		for _, e := range page.Events {
			heard = append(heard, e.Type)
		}
		if len(heard) > 1 {
			break
		}
		a.Stop(id)
		a.Settle()
	}
	if !slices.Equal(heard, []client.EventType{client.Granted, client.Revoked}) {
		t.Errorf("heard %v", heard)
	}
	for _, err := range a.c.Follow(t.Context(), "not a cursor") {
		a.problem(err, client.ErrInvalid) // and no more
	}
}

func provenAndErased(t *testing.T, a app) {
	id := a.connected()
	a.Advance(time.Minute)
	a.renew(id)
	_, err := a.c.Stop(t.Context(), id)
	a.must(err)
	a.Settle()
	proof, err := a.c.Proof(t.Context(), id)
	a.must(err)
	if proof.Consent.ID != id || proof.App == "" || proof.BankName == "" || proof.TextVersion == "" || proof.MadeAt.IsZero() {
		t.Errorf("Proof = %+v", proof)
	}
	var done []string
	for _, e := range proof.Timeline {
		if e.At.IsZero() {
			t.Errorf("entry = %+v", e)
		}
		done = append(done, e.Actor+" "+e.Event)
	}
	for _, want := range []string{"app requested", "customer authorizing", "customer granted", "customer renewed", "app terminatedByTpp", "system bank_told"} {
		if !slices.Contains(done, want) {
			t.Errorf("timeline = %q, want %s", done, want)
		}
	}
	for _, want := range []int{1, 0} {
		erased, err := a.c.Erase(t.Context(), a.Request().Reference)
		if a.must(err); erased.Consents != want || erased.Reference == "" || erased.ErasedAt.IsZero() {
			t.Errorf("Erase = %+v, want %d", erased, want)
		}
	}
	_, err = a.c.Get(t.Context(), id)
	a.problem(err, client.ErrNotFound)
}

func whoCalls(t *testing.T, a app) {
	a.ask(nil)
	me, err := a.c.Me(t.Context())
	a.must(err)
	if me.App.ID == "" || me.App.Name == "" || me.Credential.Kind != "api_key" || me.Credential.ID == "" || !slices.Contains(me.Banks, a.Request().Bank) {
		t.Errorf("Me = %+v", me)
	}
	for _, o := range []string{"create", "read", "token", "renew", "revoke", "confirm", "report", "erase"} {
		if !slices.Contains(me.Operations, o) {
			t.Errorf("%s is not among %q", o, me.Operations)
		}
	}
	res, err := a.c.Egress("cns_7f00000000000000000000000000").RoundTrip(request(t))
	a.must(err)
	defer func() { _ = res.Body.Close() }()
	if p := client.ProblemIn(res); p == nil || !errors.Is(p, client.ErrNotAllowed) {
		t.Errorf("a call through consentd that is not allowed = %d %v", res.StatusCode, p)
	}
}

func request(t *testing.T) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://bank.test/accounts", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
