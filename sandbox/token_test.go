package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"
)

// verify opens a JWT with the keys that the bank publishes.
func (r *rig) verify(token string) map[string]any {
	r.t.Helper()
	var set jose.JSONWebKeySet
	r.decode(r.do(r.request(http.MethodGet, "/pf/JWKS", "")), &set)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		r.t.Fatal(err)
	}
	claims := make(map[string]any)
	if err := parsed.Claims(&set, &claims); err != nil {
		r.t.Fatalf("token does not verify by the JWKS: %v", err)
	}
	return claims
}

func TestHappyPath(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	back := r.answer(sandbox.Customer{User: "jongunnars"}, authorizationURL())
	if back.Get("iss") != issuer || back.Get("state") != "st" || back.Get("from") != "bank" {
		t.Errorf("callback = %v, want iss, state and the app's own parameter", back)
	}
	got := r.redeem(back.Get("code"))
	if got.Type != "Bearer" || got.ExpiresIn != 300 || got.Scope != fourAsk || got.Refresh == "" {
		t.Errorf("redeem = %+v, want a bearer token for 300 s with all scopes", got)
	}
	hash := sha256.Sum256([]byte(got.Access))
	want := map[string]any{
		"iss": issuer, "sub": "JONGUNARS", "aud": "shop", "nonce": "no",
		"at_hash":   base64.RawURLEncoding.EncodeToString(hash[:16]),
		"kennitala": "0101809999", "name": "Jón Gervimaður Gunnarsson",
		"gender": "male", "birthdate": "1980-01-01",
	}
	id := r.verify(got.ID)
	for _, moment := range []string{"iat", "exp", "auth_time"} {
		if _, ok := id[moment].(float64); !ok {
			t.Errorf("ID token has no %s", moment)
		}
		delete(id, moment)
	}
	if diff := cmp.Diff(want, id); diff != "" {
		t.Errorf("ID token (-want +got):\n%s", diff)
	}
	if access := r.verify(got.Access); access["kennitala"] != "0101809999" || access["scope"] != fourAsk {
		t.Errorf("access token = %v, want kennitala and scope", access)
	}
	if !r.works(got.Access) {
		t.Error("the access token does not open the payments API")
	}
}

func TestUntickedScopesTakeTheirClaimsAlong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.grant("GUDGUNNARS", "customer", "payments")
	if got.Scope != "openid profile" {
		t.Errorf("scope = %q, want what stayed ticked", got.Scope)
	}
	if id := r.verify(got.ID); id["kennitala"] != nil || id["name"] == nil {
		t.Errorf("ID token = %v, want name and no kennitala", id)
	}
	if r.works(got.Access) {
		t.Error("a token without the scope payments opens the payments API")
	}
	if got := r.grant("GUDGUNNARS", "openid"); got.ID != "" {
		t.Error("an ID token came without the scope openid")
	}
	all := r.answer(sandbox.Customer{User: "GUDGUNNARS", Untick: strings.Fields(fourAsk)}, authorizationURL())
	if all.Get("error") != "access_denied" {
		t.Errorf("with nothing ticked: %v, want access_denied", all)
	}
}

func TestCodeExchangeRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		overrides []string
		want      string
	}{
		{"a code it never gave", []string{"code", "nonsense"}, "invalid_grant"},
		{"another redirect address", []string{"redirect_uri", "http://app.test/callback"}, "invalid_grant"},
		{"another verifier", []string{"code_verifier", strings.Repeat("x", 43)}, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, "invalid_grant"},
		{"an unknown grant type", []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"no grant type", []string{"grant_type", ""}, "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
			if got := r.redeem(code, c.overrides...); got.Status != 400 || got.Error != c.want {
				t.Errorf("redeem = %d %s, want 400 %s", got.Status, got.Error, c.want)
			}
		})
	}
}

func TestCodeReuseEndsWhatItGave(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
	first := r.redeem(code)
	if got := r.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("second redeem = %s, want invalid_grant", got.Error)
	}
	if r.works(first.Access) || r.refresh(first.Refresh).Error != "invalid_grant" {
		t.Error("the tokens of a code that came back still work")
	}
}

func TestCodeBelongsToItsClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
	res := r.post("/as/token.oauth2", basic("other", "other-secret"), "grant_type", "authorization_code",
		"code", code, "redirect_uri", redirect, "code_verifier", verifier)
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("another client's redeem = %d, want 400", res.StatusCode)
	}
	if got := r.redeem(code); got.Access == "" {
		t.Errorf("redeem after another client tried = %s, want tokens", got.Error)
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := r.answer(sandbox.Customer{User: "KRISTOLAFS"}, authorizationURL()).Get("code")
	r.Advance(time.Minute)
	if got := r.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("redeem after a minute = %s, want invalid_grant", got.Error)
	}
}

func TestRefreshWithoutRotationKeepsTheToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS")
	for range 3 {
		got := r.refresh(first.Refresh)
		if got.Access == "" || got.Refresh != "" {
			t.Fatalf("refresh = %+v, want an access token and no new refresh token", got)
		}
	}
	if r.Refreshes() != 3 || r.Calls(sandbox.EndpointToken) != 4 {
		t.Errorf("Refreshes, Calls = %d, %d, want 3, 4", r.Refreshes(), r.Calls(sandbox.EndpointToken))
	}
}

func TestRefreshedIDTokenKeepsAuthTimeAndDropsNonce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS")
	r.Advance(time.Hour)
	before, after := r.verify(first.ID), r.verify(r.refresh(first.Refresh).ID)
	if after["auth_time"] != before["auth_time"] || after["nonce"] != nil || after["iat"] == before["iat"] {
		t.Errorf("ID tokens = %v, then %v", before, after)
	}
}

func TestStrictRotationEndsTheGrantOnReuse(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Strict()))
	first := r.grant("JONGUNARS")
	second := r.refresh(first.Refresh)
	third := r.refresh(second.Refresh)
	if third.Refresh == "" || third.Refresh == second.Refresh {
		t.Fatalf("refresh tokens = %q, then %q, want new ones", second.Refresh, third.Refresh)
	}
	if got := r.refresh(first.Refresh); got.Error != "invalid_grant" {
		t.Errorf("reuse = %s, want invalid_grant", got.Error)
	}
	if got := r.refresh(third.Refresh); got.Error != "invalid_grant" || r.works(third.Access) {
		t.Error("the grant lives on after a reuse")
	}
}

func TestGraceHonoursTheOldTokenForAWhile(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Grace(30*time.Second)))
	first := r.grant("JONGUNARS")
	r.Fail(sandbox.EndpointToken, 1, sandbox.Fault{LoseAnswer: true})
	if _, err := r.http.PostForm(issuer+"/as/token.oauth2", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {first.Refresh}, "client_id": {"shop"}, "client_secret": {"s+cr/t"},
	}); err == nil {
		t.Fatal("the answer was not lost")
	}
	r.Advance(29 * time.Second)
	second := r.refresh(first.Refresh)
	if second.Refresh == "" {
		t.Fatalf("refresh within the grace = %s, want tokens", second.Error)
	}
	third := r.refresh(second.Refresh)
	r.Advance(2 * time.Second)
	if got := r.refresh(first.Refresh); got.Error != "invalid_grant" {
		t.Errorf("reuse after the grace = %s, want invalid_grant", got.Error)
	}
	if got := r.refresh(third.Refresh); got.Error != "invalid_grant" {
		t.Errorf("the newest token after a late reuse = %q, want invalid_grant", got.Error)
	}
}

func TestGrantEndsNinetyDaysAfterApproval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, rotation(sandbox.Strict()))
		got := r.grant("JONGUNARS")
		for range 89 {
			time.Sleep(day)
			got = r.refresh(got.Refresh)
			if got.Error != "" {
				t.Fatalf("refresh = %s", got.Error)
			}
		}
		time.Sleep(day - time.Minute)
		got = r.refresh(got.Refresh)
		if got.ExpiresIn != 60 {
			t.Errorf("expires_in a minute before the end = %d, want 60", got.ExpiresIn)
		}
		time.Sleep(time.Minute)
		if r.works(got.Access) {
			t.Error("the access token outlives the grant")
		}
		if got := r.refresh(got.Refresh); got.Error != "invalid_grant" {
			t.Errorf("refresh after 90 days = %q, want invalid_grant", got.Error)
		}
	})
}

func TestRefreshScope(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS", "profile")
	if got := r.refresh(first.Refresh, "scope", "openid customer"); got.Scope != "openid customer" || r.works(got.Access) {
		t.Errorf("narrowed refresh has scope %q, want openid customer and no payments", got.Scope)
	}
	if got := r.refresh(first.Refresh, "scope", "openid profile"); got.Error != "invalid_scope" {
		t.Errorf("widened refresh = %q, want invalid_scope", got.Error)
	}
	if got := r.refresh(first.Refresh); got.Scope != "openid customer payments" {
		t.Errorf("refresh has scope %q, want that of the grant", got.Scope)
	}
}

func TestAccessTokenExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.AccessTTL = time.Minute })
	got := r.grant("JONGUNARS")
	r.Advance(59 * time.Second)
	if !r.works(got.Access) {
		t.Error("the access token ended early")
	}
	r.Advance(time.Second)
	if r.works(got.Access) || r.active(got.Access) {
		t.Error("the access token outlives its minute")
	}
}

func TestForgedRefreshTokensEndNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Strict()))
	first := r.grant("JONGUNARS")
	id, _, _ := strings.Cut(first.Refresh, ".")
	for _, forged := range []string{"", ".", id, id + ".0.AAAA", id + ".1." + first.Refresh[len(first.Refresh)-43:]} {
		if got := r.refresh(forged); got.Error != "invalid_grant" {
			t.Errorf("refresh(%q) = %q, want invalid_grant", forged, got.Error)
		}
	}
	if got := r.refresh(first.Refresh); got.Access == "" {
		t.Errorf("the true refresh token afterwards = %s", got.Error)
	}
}

func TestRotateKeysKeepsTheOneBefore(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.grant("JONGUNARS")
	r.RotateKeys()
	second := r.refresh(first.Refresh)
	r.verify(first.ID)
	r.verify(second.ID)
	r.RotateKeys()
	var set jose.JSONWebKeySet
	r.decode(r.do(r.request(http.MethodGet, "/pf/JWKS", "")), &set)
	parsed, err := jwt.ParseSigned(first.ID, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 || len(set.Key(parsed.Headers[0].KeyID)) != 0 {
		t.Errorf("JWKS has %d keys with the first, want 2 without", len(set.Keys))
	}
	if !r.works(first.Access) {
		t.Error("a live access token fell with its key; the books decide")
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.RequirePAR = true })
	var doc map[string]any
	r.decode(r.do(r.request(http.MethodGet, "/.well-known/openid-configuration", "")), &doc)
	want := map[string]any{
		"issuer":                                         issuer,
		"authorization_endpoint":                         issuer + "/as/authorization.oauth2",
		"token_endpoint":                                 issuer + "/as/token.oauth2",
		"jwks_uri":                                       issuer + "/pf/JWKS",
		"revocation_endpoint":                            issuer + "/as/revoke_token.oauth2",
		"introspection_endpoint":                         issuer + "/as/introspect.oauth2",
		"pushed_authorization_request_endpoint":          issuer + "/as/par.oauth2",
		"require_pushed_authorization_requests":          true,
		"authorization_response_iss_parameter_supported": true,
	}
	for name, value := range want {
		if doc[name] != value {
			t.Errorf("%s = %v, want %v", name, doc[name], value)
		}
	}
}

func TestTokenAnswersAreNotCached(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	res := r.post("/as/token.oauth2", basic("shop", "s+cr/t"))
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q, want no-store", got)
	}
	if got := r.do(r.request(http.MethodGet, "/as/token.oauth2", "")).StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("GET of the token endpoint = %d, want 405", got)
	}
	if !json.Valid([]byte(r.text(res))) {
		t.Error("a refusal is not JSON")
	}
}

func TestOfManyRefreshesAtOnceStrictHonoursOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, rotation(sandbox.Strict()))
	first := r.grant("JONGUNARS")
	answers := make(chan int)
	for range 20 {
		go func() {
			res, err := r.raw(t.Context(), first.Refresh)
			if err != nil {
				answers <- 0
				return
			}
			answers <- res.StatusCode
		}()
	}
	got := make(map[int]int)
	for range 20 {
		got[<-answers]++
	}
	if got[200] != 1 || got[400] != 19 || r.Refreshes() != 1 {
		t.Errorf("answers = %v with %d refreshes, want one 200 and 19 times 400", got, r.Refreshes())
	}
}

func TestShortAccessTokensLeaveTheIDTokenItsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *sandbox.Config) { c.AccessTTL = time.Second })
	id := r.verify(r.grant("JONGUNARS").ID)
	if life := id["exp"].(float64) - id["iat"].(float64); life != 300 {
		t.Errorf("ID token lives %v s, want 300", life)
	}
}
