package sandbox_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
)

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
