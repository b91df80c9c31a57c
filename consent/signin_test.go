package consent_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

const herBrowser = token.Secret("the-browser-of-gudrun")

// signIn takes a browser to the bank and back.
func (h *house) signIn(t *testing.T, c sandbox.Customer) (consent.Result, string) {
	t.Helper()
	address, err := h.SignIn(t.Context(), "sandbox", herBrowser)
	must(t, err)
	if u, err := url.Parse(address); err != nil || u.Query().Get("scope") != "openid" {
		t.Fatalf("asks for %q", u.Query().Get("scope"))
	} else if u.Query().Get("prompt") != "login" {
		t.Fatalf("whoever sits there need not sign in anew: %s", u)
	}
	c.Client = &http.Client{Transport: h.bank}
	back, err := c.Authorize(t.Context(), address)
	must(t, err)
	u, err := url.Parse(back)
	must(t, err)
	q := u.Query()
	ref, err := h.Return(t.Context(), consent.Arrival{Bank: "sandbox", Browser: herBrowser, State: token.Secret(q.Get("state")),
		Code: token.Secret(q.Get("code")), Issuer: q.Get("iss"), Error: q.Get("error")})
	must(t, err)
	must(t, h.Settle(t.Context()))
	r, err := h.Result(t.Context(), ref, herBrowser)
	must(t, err)
	if !r.SignIn {
		t.Fatalf("result = %+v", r)
	}
	return r, ref
}

func (h *house) signedIn(t *testing.T, user string) consent.Visitor {
	t.Helper()
	r, _ := h.signIn(t, sandbox.Customer{User: user})
	wantEnding(t, r, consent.EndSignedIn)
	v, err := h.OpenAccess(t.Context(), r.Claim, herBrowser)
	must(t, err)
	return v
}

func TestSignInShowsAllOfOnePerson(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		mine := []consent.ID{h.granted(t).id, h.lends(t, "second", gudrun, gudrunID)}
		h.lends(t, "sandbox", anna, "0501809999")
		h.ask(t, consent.Request{}).visit(t, sandbox.Customer{User: gudrun}) // not confirmed
		stopped := h.granted(t).id
		must(t, second(h.StopByApp(t.Context(), shop, stopped)))
		// The other bank has another name for her: only the national id finds it.
		for key := range h.holders(t) {
			if strings.Contains(key, ":by:subject:") {
				_, err := h.redis.ZRem(key, string(mine[1]))
				must(t, err)
			}
		}
		v := h.signedIn(t, gudrun)
		h.wantAccesses(t, v, mine, []consent.ID{stopped})
		if v.Bank != "sandbox" || v.App != "" || v.Holder.Customer != nil {
			t.Errorf("visitor = %+v", v)
		}
		must(t, h.Work(t.Context()))
		if n := h.bank.Withdraw(gudrun, "consentd"); n != 2 { // hers, and what waits to be confirmed
			t.Errorf("%d grants at the bank, want 2: that of the sign-in was to be given back", n)
		}
	})
}

func TestSignInIsOfOneBrowserAndOnce(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		h.granted(t)
		r, ref := h.signIn(t, sandbox.Customer{User: gudrun})
		wantErr(t, second(h.Result(t.Context(), ref, "another")), consent.ErrForeignBrowser)
		wantErr(t, second(h.Retry(t.Context(), ref, herBrowser)), consent.ErrLinkGone)
		for range 2 { // a button is pressed twice
			must(t, second(h.OpenAccess(t.Context(), r.Claim, herBrowser)))
		}
		wantErr(t, second(h.OpenAccess(t.Context(), r.Claim, "another")), consent.ErrLinkUsed)
		time.Sleep(10 * time.Minute)
		wantErr(t, second(h.OpenAccess(t.Context(), r.Claim, herBrowser)), consent.ErrLinkGone)
	})
}

func TestSignInEndings(t *testing.T) {
	tests := map[string]struct {
		do    sandbox.Customer
		fault *sandbox.Fault
		want  consent.Ending
	}{
		"cancelled":                 {do: sandbox.Customer{User: gudrun, Cancel: true}, want: consent.EndCancelled},
		"unticked":                  {do: sandbox.Customer{User: gudrun, Untick: []string{"openid"}}, want: consent.EndCancelled},
		"nothing is kept of them":   {do: sandbox.Customer{User: anna}, want: consent.EndNobody},
		"the bank is down":          {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 503}, want: consent.EndBankDown},
		"the bank says something":   {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 200, Body: `{"access_token":"x","token_type":"Bearer"}`}, want: consent.EndFailed},
		"the bank refuses the code": {do: sandbox.Customer{User: gudrun}, fault: &sandbox.Fault{Status: 400, Body: `{"error":"invalid_grant"}`}, want: consent.EndFailed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			withAccess(t, func(t *testing.T, h *house) {
				p := h.granted(t)
				must(t, h.Settle(t.Context()))
				before := h.redis.Dump()
				if test.fault != nil {
					h.bank.Fail(sandbox.EndpointToken, 1, *test.fault)
				}
				r, ref := h.signIn(t, test.do)
				wantEnding(t, r, test.want)
				if r.Claim != "" {
					t.Error("there is something to claim")
				}
				p.wantStatus(t, consent.Valid, "")
				h.redis.Del("flow:" + ref)
				if after := h.redis.Dump(); after != before {
					t.Errorf("a sign-in has left something in the store:\n%s\nbefore:\n%s", after, before)
				}
			})
		})
	}
}

func TestSignInWhereItIsNotOffered(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		for _, bank := range []string{"second", "nowhere"} {
			wantErr(t, second(h.SignIn(t.Context(), bank, herBrowser)), consent.ErrNotFound)
		}
	})
}

// TestSignInStoresNoGrant: what the bank gives besides the name is for nobody,
// sealed or not, also when the bank does not take it back.
func TestSignInStoresNoGrant(t *testing.T) {
	withAccess(t, func(t *testing.T, h *house) {
		h.granted(t)
		must(t, h.Work(t.Context()))
		before := h.redis.Keys()
		h.bank.Fail(sandbox.EndpointRevoke, 1, sandbox.Fault{Status: 503})
		h.signedIn(t, gudrun)
		for _, key := range h.redis.Keys() {
			if !slices.Contains(before, key) && !strings.HasPrefix(key, "flow:") {
				t.Errorf("a sign-in has left %s", key)
			}
		}
	})
}
