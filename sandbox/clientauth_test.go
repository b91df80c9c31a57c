package sandbox_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/consentd/consentd/sandbox"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*http.Request)
		params []string
		status int
		want   string
	}{
		{"basic", basic("shop", "s+cr/t"), nil, 400, "invalid_grant"},
		{"basic with client_id beside it", basic("shop", "s+cr/t"), []string{"client_id", "shop"}, 400, "invalid_grant"},
		{"post", nil, []string{"client_id", "shop", "client_secret", "s+cr/t"}, 400, "invalid_grant"},
		{"none", nil, nil, 401, "invalid_client"},
		{"client_id alone", nil, []string{"client_id", "shop"}, 401, "invalid_client"},
		{"basic, wrong secret", basic("shop", "wrong"), nil, 401, "invalid_client"},
		{"post, wrong secret", nil, []string{"client_id", "shop", "client_secret", "wrong"}, 401, "invalid_client"},
		{"unknown client", basic("nobody", "s+cr/t"), nil, 401, "invalid_client"},
		{"another client_id", basic("shop", "s+cr/t"), []string{"client_id", "other"}, 401, "invalid_client"},
		{"not form-encoded", func(req *http.Request) { req.SetBasicAuth("shop", "100%") }, nil, 401, "invalid_client"},
		{"basic and post", basic("shop", "s+cr/t"), []string{"client_secret", "s+cr/t"}, 400, "invalid_request"},
		{"unknown assertion type", nil, []string{"client_assertion", "x", "client_assertion_type", "saml"}, 400, "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			res := r.post("/as/token.oauth2", c.change, append(c.params, "grant_type", "refresh_token", "refresh_token", "x")...)
			var got tokens
			r.decode(res, &got)
			if res.StatusCode != c.status || got.Error != c.want {
				t.Errorf("answer = %d %s, want %d %s", res.StatusCode, got.Error, c.status, c.want)
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (c.status == 401 && c.change != nil) != (challenge != "") {
				t.Errorf("WWW-Authenticate = %q", challenge)
			}
		})
	}
}

func TestRepeatedParameterIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	req := r.request(http.MethodPost, "/as/token.oauth2", "grant_type=refresh_token&refresh_token=a&refresh_token=b")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	basic("shop", "s+cr/t")(req)
	var got tokens
	if r.decode(r.do(req), &got); got.Error != "invalid_request" {
		t.Errorf("answer = %s, want invalid_request", got.Error)
	}
}

// keyRig is a bank whose client "shop" has a key and no secret.
func keyRig(t *testing.T) (*rig, jose.JSONWebKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	return newRig(t, func(c *sandbox.Config) {
		c.Clients[0].Secret = ""
		c.Clients[0].JWKS = &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}}
	}), jwk
}

// assert signs claims and presents them at the token endpoint.
func (r *rig) assert(key any, claims map[string]any) tokens {
	r.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		r.t.Fatal(err)
	}
	var got tokens
	res := r.post("/as/token.oauth2", nil, "grant_type", "refresh_token", "refresh_token", "x",
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion", signed)
	r.decode(res, &got)
	return got
}

// with returns good claims with one changed; nil removes it.
func with(name string, value any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": "shop", "sub": "shop", "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	claims[name] = value
	if value == nil {
		delete(claims, name)
	}
	return claims
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	r, key := keyRig(t)
	if got := r.assert(key, with("", nil)); got.Error != "invalid_grant" {
		t.Errorf("good assertion = %s %s, want invalid_grant for the refresh token", got.Error, got.Description)
	}
	if got := r.assert(key.Key, with("", nil)); got.Error != "invalid_grant" {
		t.Errorf("good assertion without kid = %s %s, want invalid_grant", got.Error, got.Description)
	}
	for name, claims := range map[string]map[string]any{
		"audience as a list": with("aud", []string{issuer}),
		"token endpoint":     with("aud", issuer+"/as/token.oauth2"),
		"another issuer":     with("iss", "other"),
		"another subject":    with("sub", "other"),
		"no jti":             with("jti", nil),
		"no exp":             with("exp", nil),
		"expired":            with("exp", time.Now().Add(-time.Second).Unix()),
		"far ahead":          with("exp", time.Now().Add(6*time.Minute).Unix()),
		"from the future":    with("iat", time.Now().Add(time.Minute).Unix()),
	} {
		if got := r.assert(key, claims); got.Error != "invalid_client" {
			t.Errorf("%s = %s, want invalid_client", name, got.Error)
		}
	}
	replayed := with("", nil)
	r.assert(key, replayed)
	if got := r.assert(key, replayed); got.Error != "invalid_client" {
		t.Errorf("replayed jti = %s, want invalid_client", got.Error)
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.assert(stranger, with("", nil)); got.Error != "invalid_client" {
		t.Errorf("another key = %s, want invalid_client", got.Error)
	}
	secret := r.post("/as/token.oauth2", basic("shop", ""), "grant_type", "refresh_token")
	if secret.StatusCode != http.StatusUnauthorized {
		t.Errorf("empty secret of a client with keys = %s, want 401", secret.Status)
	}
}
