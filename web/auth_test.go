package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web"
)

// metric is the value of a counter with that label.
func (w *world) metric(name, label string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	w.check(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestAPIKeysOfBothForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	public, err := url.Parse("https://consentd.test")
	w.check(err)
	old := "ck_" + strings.Repeat("a", 43)
	sum := sha256.Sum256([]byte(old))
	now, hash := web.NewAPIKey()
	w.server.Config.Handler, err = web.New(web.Config{Service: w.service, Sessions: w.sessions, PublicURL: public, Apps: []web.AppKeys{
		{App: consent.App{ID: "shop"}, KeyHashes: []string{hex.EncodeToString(sum[:]), hash}}}})
	w.check(err)
	secret := now.Reveal()[len("ck_12345678_"):]
	for key, want := range map[string]int{
		old: 200, now.Reveal(): 200,
		old + "a": 401, "ck_" + secret: 401, "ck_00000000_" + secret: 401, secret: 401, "ck_": 401, "": 401,
		now.Reveal() + strings.Repeat("a", 300): 401,
	} {
		if r := w.call(token.Secret(key), "GET", "/v1/me", nil); r.status != want {
			t.Errorf("a key of %d characters: status = %d, want %d", len(key), r.status, want)
		}
	}
}

func TestTwoAuthorizationHeadersAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/v1/me", nil)
	w.check(err)
	r.Header["Authorization"] = []string{"Bearer " + w.key.Reveal(), "Bearer " + w.otherKey.Reveal()}
	w.send(http.DefaultClient, r).wants(t, http.StatusUnauthorized, "unauthorized")
	if n := w.metric("consentd_denied_requests_total", "unauthorized"); n != 1 {
		t.Errorf("%v denied requests are counted, want 1", n)
	}
}

func TestWhatAnAppMayNotDoIsRefusedAndOnRecord(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t, func(s *settings) {
		s.operations = []web.Operation{web.OpCreate, web.OpRead, web.OpConfirm}
	})
	for _, path := range []string{"/token", "/renewal", "/report"} {
		w.call(w.key, "POST", "/v1/consents/"+id+path, nil).wants(t, http.StatusForbidden, "operation-not-allowed")
	}
	w.call(w.key, "DELETE", "/v1/consents/"+id, nil).wants(t, http.StatusForbidden, "operation-not-allowed")
	w.call(w.key, "POST", "/v1/erasures", object{"customer_reference": "customer-canary-1"}).wants(t, http.StatusForbidden, "operation-not-allowed")
	w.call(w.key, "POST", "/v1/consents/"+unknownConsent+"/token", nil).wants(t, http.StatusForbidden, "operation-not-allowed")
	if got := w.status(id); got != "valid" {
		t.Errorf("the consent is %s", got)
	}
	records, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if len(records) != 4 || records[0].Outcome != consent.OutcomeOperation || records[0].App != "shop" || records[0].RequestID == "" {
		t.Errorf("on record: %+v, want four denied operations", records)
	}
	if n := w.metric("consentd_denied_requests_total", "operation-not-allowed"); n != 6 {
		t.Errorf("%v denied operations are counted, want 6", n)
	}
	if !strings.Contains(w.log.String(), "operation denied") {
		t.Error("nothing is in the log")
	}
}

// TestLinkToMyAccessNeedsWhatItsPageDoes: a link must not be a way round what
// an app may not do.
func TestLinkToMyAccessNeedsWhatItsPageDoes(t *testing.T) {
	t.Parallel()
	all := []web.Operation{web.OpRead, web.OpRenew, web.OpRevoke}
	for _, no := range all {
		w := newWorld(t, func(s *settings) {
			s.operations = slices.DeleteFunc(slices.Clone(all), func(o web.Operation) bool { return o == no })
		})
		w.call(w.key, "POST", "/v1/access-links", object{"customer_reference": "customer-canary-1"}).wants(t, http.StatusForbidden, "operation-not-allowed")
	}
	w := newWorld(t, func(s *settings) { s.operations = all })
	if r := w.call(w.key, "POST", "/v1/access-links", object{"customer_reference": "customer-canary-1"}); r.status != http.StatusOK {
		t.Errorf("POST /v1/access-links = %d %s", r.status, r.text)
	}
	if !strings.Contains(w.log.String(), "link to my access made") {
		t.Error("nothing is in the log")
	}
}

func TestDeniedOperationOnAnothersConsentIsNotOnItsRecord(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t, func(s *settings) { s.operations = []web.Operation{web.OpCreate} })
	w.call(w.otherKey, "POST", "/v1/consents/"+id+"/token", nil).wants(t, http.StatusNotFound, "not-found")
	before, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if err := w.service.Denied(t.Context(), consent.App{ID: "lender"}, consent.ID(id), "r"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("Denied = %v", err)
	}
	after, err := w.store.HandOuts(t.Context(), consent.ID(id).Partition(), 10)
	w.check(err)
	if len(after) != len(before) {
		t.Error("another app's attempt is on the consent's record")
	}
}

func TestMe(t *testing.T) {
	t.Parallel()
	uses := &diary{told: make(chan string, 8)}
	w := newWorld(t, func(s *settings) {
		s.operations, s.uses = []web.Operation{web.OpToken, web.OpRead}, uses
		s.limit = web.Limit{Requests: 600, Per: time.Minute}
	})
	r := w.call(w.key, "GET", "/v1/me", nil)
	id := strings.Split(w.key.Reveal(), "_")[1]
	want := object{
		"app":        object{"id": "shop", "name": "Súpubúðin"},
		"credential": object{"kind": "api_key", "id": id, "last_used_at": "2027-03-01T09:00:00Z"},
		"banks":      []any{"sandbox"}, "scopes": []any{"accounts"}, "operations": []any{"read", "token"},
		"rate_limit": object{"requests": 600.0, "per_seconds": 60.0},
	}
	uses.name = "api_key:" + id
	r = w.call(w.key, "GET", "/v1/me", nil)
	if diff := cmp.Diff(want, r.json); diff != "" {
		t.Errorf("GET /v1/me (-want +got):\n%s", diff)
	}
}

// diary keeps uses, or fails to.
type diary struct {
	told chan string
	name string
	err  error
}

func (d *diary) CredentialUsed(_ context.Context, app, credential string, _ time.Time) error {
	d.told <- app + " " + credential
	return d.err
}

func (d *diary) CredentialUses(context.Context, string) (map[string]time.Time, error) {
	return map[string]time.Time{d.name: time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)}, d.err
}

func TestLastUseIsKeptOnceAMinute(t *testing.T) {
	t.Parallel()
	uses := &diary{told: make(chan string, 8), err: token.ErrStoreUnavailable}
	w := newWorld(t, func(s *settings) { s.uses = uses })
	want := "shop api_key:" + strings.Split(w.key.Reveal(), "_")[1]
	for range 3 {
		for range 5 {
			if r := w.call(w.key, "GET", "/v1/me", nil); r.status != http.StatusOK {
				t.Fatalf("a diary that fails costs a call: %d", r.status)
			}
		}
		if got := <-uses.told; got != want {
			t.Errorf("kept %q, want %q", got, want)
		}
		w.pass(time.Minute)
	}
	if n := len(uses.told); n != 0 {
		t.Errorf("%d uses more were kept", n)
	}
}

func TestAppsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.limit = web.Limit{Requests: 60, Per: time.Minute, Burst: 3} })
	for _, want := range []string{`"app";r=2;t=1`, `"app";r=1;t=2`, `"app";r=0;t=3`} {
		r := w.call(w.key, "GET", "/v1/me", nil)
		if got := r.header.Get("RateLimit"); r.status != 200 || got != want || r.header.Get("RateLimit-Policy") != `"app";q=60;w=60` {
			t.Errorf("status %d, RateLimit %s, want %s", r.status, got, want)
		}
	}
	r := w.call(w.key, "GET", "/v1/me", nil)
	r.wants(t, http.StatusTooManyRequests, "rate-limited")
	if r.header.Get("Retry-After") != "1" || r.json["retry_after"] != 1.0 {
		t.Errorf("Retry-After = %s", r.header.Get("Retry-After"))
	}
	if r := w.call(w.otherKey, "GET", "/v1/me", nil); r.status != 200 || r.header.Get("RateLimit") != "" {
		t.Errorf("an app without a limit: %d %s", r.status, r.header.Get("RateLimit"))
	}
	w.call("", "GET", "/v1/me", nil).wants(t, http.StatusUnauthorized, "unauthorized")
	w.pass(2 * time.Second)
	w.down(func() reply { return w.call(w.key, "GET", "/v1/consents/"+unknownConsent, nil) }).wants(t, 503, "store-unavailable")
	w.down(func() reply { return w.call(w.key, "GET", "/v1/consents/"+unknownConsent, nil) }).wants(t, 503, "store-unavailable")
	w.down(func() reply { return w.call(w.key, "GET", "/v1/consents/"+unknownConsent, nil) }).wants(t, 429, "rate-limited")
}

func TestBrowsersAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *settings) { s.browsers = web.Limit{Requests: 2, Per: time.Minute} })
	_, page := w.ask(nil)
	b := w.newBrowser()
	b.get(page)
	if r := b.press(page); r.status != http.StatusSeeOther {
		t.Fatalf("POST %s = %d", page, r.status)
	}
	for _, r := range []reply{b.get(page), b.press(page), b.get("/callback/sandbox?state=x"), b.get("/m/x/"), b.get("/back/x")} {
		r.says(t, "Too many visits at once", "Nothing was lost")
		if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "30" {
			t.Errorf("status %d, Retry-After %s", r.status, r.header.Get("Retry-After"))
		}
	}
	if r := b.get("/"); r.status != 200 {
		t.Errorf("GET / = %d; it costs nothing and is not limited", r.status)
	}
	if r := w.call(w.key, "GET", "/v1/me", nil); r.status != 200 {
		t.Errorf("the API is limited by the browsers' limit: %d", r.status)
	}
	w.pass(30 * time.Second)
	if r := b.get(page); r.status != 200 {
		t.Errorf("half a minute later: %d", r.status)
	}
}
