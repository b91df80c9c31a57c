package web_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/web"
	"github.com/consentd/consentd/web/workload"
)

// cluster gives tokens to programs.
type cluster struct {
	t    testing.TB
	url  string
	key  ed25519.PrivateKey
	down atomic.Bool
}

const inCluster = "system:serviceaccount:payments:shop"

func newCluster(t testing.TB) *cluster {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &cluster{t: t, key: private}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if k.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public}}})
	}))
	t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

func (k *cluster) issuers() *workload.Issuers {
	k.t.Helper()
	all, err := workload.New(workload.Config{Issuers: []workload.Issuer{
		{ID: "cluster", Issuer: k.url, Audience: "consentd", JWKSURL: k.url}}})
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

func (k *cluster) token(subject string, more object) token.Secret {
	k.t.Helper()
	claims := object{"iss": k.url, "sub": subject, "aud": "consentd", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour / 2).Unix()}
	maps.Copy(claims, more)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: k.key}, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		k.t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		k.t.Fatal(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		k.t.Fatal(err)
	}
	return token.Secret(raw)
}

func TestAppsAreKnownByTheirWorkloads(t *testing.T) {
	t.Parallel()
	k := newCluster(t)
	w, _, id := granted(t, func(s *settings) {
		s.issuers = k.issuers()
		s.workloads = []web.Workload{{Issuer: "cluster", Subject: inCluster}, {Issuer: "cluster", Subject: "shared", Claims: map[string]string{"team": "shop"}}}
		s.others = []web.Workload{{Issuer: "cluster", Subject: "shared", Claims: map[string]string{"team": "lender"}}}
	})
	me := w.call(k.token(inCluster, nil), "GET", "/v1/me", nil)
	credential, _ := me.json["credential"].(map[string]any)
	if me.status != 200 || credential["kind"] != "workload" || credential["id"] != "cluster/"+inCluster {
		t.Errorf("GET /v1/me = %d %s", me.status, me.text)
	}
	if r := w.call(k.token(inCluster, nil), "POST", "/v1/consents/"+id+"/token", nil); r.status != 200 {
		t.Errorf("token = %d %s", r.status, r.text)
	}
	w.call(k.token("shared", object{"team": "lender"}), "POST", "/v1/consents/"+id+"/token", nil).wants(t, 404, "not-found")
	if r := w.call(k.token("shared", object{"team": "shop"}), "GET", "/v1/consents/"+id, nil); r.status != 200 {
		t.Errorf("with a claim = %d", r.status)
	}
	for name, key := range map[string]token.Secret{
		"another program": k.token("other", nil), "no claim": k.token("shared", nil), "two apps": k.token("shared", object{"team": []string{"shop", "lender"}}),
		"another audience": k.token(inCluster, object{"aud": "other"}), "junk": "a.b.c",
	} {
		if r := w.call(key, "GET", "/v1/me", nil); r.status != 401 || r.str("code") != "unauthorized" {
			t.Errorf("%s = %d %s", name, r.status, r.text)
		}
	}
	if strings.Contains(w.log.String(), k.token(inCluster, nil).Reveal()[:40]) {
		t.Error("a token is in the log")
	}
}

func TestIssuerOutageIsNoRefusal(t *testing.T) {
	t.Parallel()
	k := newCluster(t)
	k.down.Store(true)
	w := newWorld(t, func(s *settings) {
		s.issuers, s.workloads = k.issuers(), []web.Workload{{Issuer: "cluster", Subject: inCluster}}
	})
	r := w.call(k.token(inCluster, nil), "GET", "/v1/me", nil)
	r.wants(t, http.StatusServiceUnavailable, "issuer-unavailable")
	if r.header.Get("Retry-After") == "" || r.header.Get("WWW-Authenticate") != "" {
		t.Errorf("headers = %v", r.header)
	}
	w.form(url.Values{"client_assertion": {k.token(inCluster, nil).Reveal()}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}).
		refuses(t, http.StatusServiceUnavailable, "temporarily_unavailable", "issuer-unavailable")
}

func TestExchangeWithAWorkload(t *testing.T) {
	t.Parallel()
	k := newCluster(t)
	w, _, id := granted(t, func(s *settings) {
		s.issuers, s.workloads = k.issuers(), []web.Workload{{Issuer: "cluster", Subject: inCluster}}
	})
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {id}, "subject_token_type": {"urn:consentd:token-type:consent"}}
	proof := k.token(inCluster, nil).Reveal()
	if r := w.form(form, "Authorization", "Bearer "+proof); r.status != 200 {
		t.Errorf("as a bearer token: %d %s", r.status, r.text)
	}
	form.Set("client_assertion", proof)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	if r := w.form(form); r.status != 200 {
		t.Errorf("as an assertion: %d %s", r.status, r.text)
	}
	form.Set("client_id", "lender")
	w.form(form).refuses(t, 401, "invalid_client", "unauthorized")
	form.Set("client_id", "shop")
	if r := w.form(form); r.status != 200 {
		t.Errorf("with the app's id: %d %s", r.status, r.text)
	}
	form.Set("client_assertion_type", "other")
	w.form(form).refuses(t, 401, "invalid_client", "unauthorized")
}

func TestNewRefusesOneWorkloadOfTwoApps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	public := *mustParse(t, "https://consentd.test")
	one := []web.Workload{{Issuer: "cluster", Subject: "a"}}
	apps := []web.AppKeys{{Workloads: one}, {Workloads: one}}
	apps[0].App.ID, apps[1].App.ID = "a", "b"
	if _, err := web.New(web.Config{Service: w.service, PublicURL: &public, Apps: apps}); err == nil || !strings.Contains(err.Error(), "the same workload") {
		t.Errorf("New = %v", err)
	}
}
