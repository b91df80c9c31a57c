package oauthbank_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
)

// An oidf case is a module of the OpenID Foundation's conformance suite for
// relying parties, or one that the suite lacks.
type oidfCase struct {
	name   string
	bend   func(op *misbehavingOP)
	config func(c *oauthbank.Config)
	want   string // code of the rejection; empty: accepted
}

func claim(name string, value any) func(*misbehavingOP) {
	return func(op *misbehavingOP) {
		op.claims = func(c map[string]any) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		}
	}
}

func clock(name string, offset time.Duration) func(*misbehavingOP) {
	return func(op *misbehavingOP) {
		op.claims = func(c map[string]any) { c[name] = op.now().Add(offset).Unix() }
	}
}

func member(name string, value any) func(*misbehavingOP) {
	return func(op *misbehavingOP) {
		op.answer = func(a map[string]any) {
			if value == nil {
				delete(a, name)
			} else {
				a[name] = value
			}
		}
	}
}

func TestOIDFBasic(t *testing.T) {
	runOIDF(t, []oidfCase{
		{name: "oidcc-client-test"},
		{name: "oidcc-client-test-invalid-iss", bend: claim("iss", issuer+"1"), want: "id_token_iss"},
		{name: "oidcc-client-test-missing-sub", bend: claim("sub", nil), want: "id_token_sub"},
		{name: "oidcc-client-test-invalid-aud", bend: claim("aud", clientID+"1"), want: "id_token_aud"},
		{name: "oidcc-client-test-missing-aud", bend: claim("aud", nil), want: "id_token_aud"},
		{name: "oidcc-client-test-missing-iat", bend: claim("iat", nil), want: "id_token_iat"},
		{name: "oidcc-client-test-kid-absent-single-jwks", bend: func(op *misbehavingOP) { op.keys[0].kid = "" }},
		{name: "oidcc-client-test-kid-absent-multiple-jwks", bend: manyKeysWithoutKid},
		{name: "oidcc-client-test-idtoken-sig-rs256"},
		{name: "oidcc-client-test-idtoken-sig-none", bend: unsigned, want: "id_token_malformed"},
		{name: "oidcc-client-test-invalid-sig-rs256", bend: brokenSignature, want: "id_token_signature"},
		{name: "oidcc-client-test-invalid-sig-hs256", bend: signedWithPublicKey, want: "id_token_malformed"},
		{name: "oidcc-client-test-invalid-sig-es256",
			bend: func(op *misbehavingOP) {
				op.keys = []signer{{alg: "ES256", kid: "k1", key: ecKey()}}
				brokenSignature(op)
			},
			config: algs("ES256"), want: "id_token_signature"},
		{name: "oidcc-client-test-nonce-invalid", bend: claim("nonce", nonce+"1"), want: "id_token_nonce"},
		{name: "oidcc-client-test-invalid-athash", bend: claim("at_hash", atHash("another")), want: "id_token_at_hash"},
		{name: "oidcc-client-test-missing-athash", bend: claim("at_hash", nil)},
	})
}

func TestOIDFAPI2(t *testing.T) {
	fapi := func(op *misbehavingOP) {
		op.keys = []signer{{alg: "PS256", kid: "k1", key: rsaKeys()[0]}}
	}
	and := func(more func(*misbehavingOP)) func(*misbehavingOP) {
		return func(op *misbehavingOP) { fapi(op); more(op) }
	}
	cases := []oidfCase{
		{name: "happy-path-no-dpop-nonce", bend: fapi},
		{name: "happy-path with same-kid decoys", bend: and(decoys)},
		{name: "invalid-iss", bend: and(claim("iss", issuer+"1")), want: "id_token_iss"},
		{name: "invalid-missing-iss", bend: and(claim("iss", nil)), want: "id_token_iss"},
		{name: "invalid-aud", bend: and(claim("aud", clientID+"1")), want: "id_token_aud"},
		{name: "invalid-missing-aud", bend: and(claim("aud", nil)), want: "id_token_aud"},
		{name: "invalid-secondary-aud", bend: and(claim("aud", []string{clientID, "unknown"})), want: "id_token_aud"},
		{name: "valid-aud-as-array", bend: and(claim("aud", []string{clientID}))},
		{name: "invalid-null-alg", bend: and(unsigned), want: "id_token_malformed"},
		{name: "invalid-alternate-alg", bend: and(func(op *misbehavingOP) {
			other := signer{alg: "RS256", kid: "rs", key: rsaKeys()[1]}
			op.keys = append(op.keys, other)
			op.mint = func(c map[string]any) string { return op.sign(other, c) }
		}), want: "id_token_malformed"},
		{name: "invalid-expired-exp", bend: and(clock("exp", -6*time.Minute)), want: "id_token_exp"},
		{name: "invalid-missing-exp", bend: and(claim("exp", nil)), want: "id_token_exp"},
		{name: "invalid-nonce", bend: and(claim("nonce", nonce+"1")), want: "id_token_nonce"},
		{name: "invalid-missing-nonce", bend: and(claim("nonce", nil)), want: "id_token_nonce"},
		{name: "iat-is-week-in-past", bend: and(clock("iat", -7*24*time.Hour)), want: "id_token_iat"},
		{name: "token-endpoint-response-without-expires_in", bend: and(member("expires_in", nil))},
		{name: "token-type-case-insensitivity", bend: and(member("token_type", "bEARER"))},
		{name: "no-scope-in-token-endpoint-response", bend: and(func(op *misbehavingOP) {
			op.answer = func(a map[string]any) { delete(a, "scope"); delete(a, "expires_in") }
		})},
	}
	for i := range cases {
		cases[i].config = algs("PS256")
	}
	runOIDF(t, cases)
}

func TestIDTokenChecksBeyondTheSuite(t *testing.T) {
	trusted := func(c *oauthbank.Config) { c.TrustedAudiences = []string{"https://api.bank.example"} }
	two := []string{clientID, "https://api.bank.example"}
	runOIDF(t, []oidfCase{
		{name: "azp of another client", bend: claim("azp", "other"), want: "id_token_azp"},
		{name: "azp is ours", bend: claim("azp", clientID)},
		{name: "azp is no string", bend: claim("azp", 7), want: "id_token_azp"},
		{name: "trusted second audience without azp", bend: claim("aud", two), config: trusted, want: "id_token_azp"},
		{name: "trusted second audience with azp", config: trusted, bend: func(op *misbehavingOP) {
			op.claims = func(c map[string]any) { c["aud"] = two; c["azp"] = clientID }
		}},
		{name: "audience is empty list", bend: claim("aud", []string{}), want: "id_token_aud"},
		{name: "subject is empty", bend: claim("sub", ""), want: "id_token_sub"},
		{name: "subject has 255 characters", bend: claim("sub", strings.Repeat("s", 255))},
		{name: "subject has 256 characters", bend: claim("sub", strings.Repeat("s", 256)), want: "id_token_sub"},
		{name: "subject is not ASCII", bend: claim("sub", "jón"), want: "id_token_sub"},
		{name: "expired 59 s ago", bend: clock("exp", -59*time.Second)},
		{name: "expired 90 s ago", bend: clock("exp", -90*time.Second), want: "id_token_exp"},
		{name: "exp is a huge number", bend: claim("exp", 1e300), want: "id_token_exp"},
		{name: "issued in 59 s", bend: clock("iat", 59*time.Second)},
		{name: "issued in 90 s", bend: clock("iat", 90*time.Second), want: "id_token_iat"},
		{name: "issued 9 min ago", bend: clock("iat", -9*time.Minute)},
		{name: "issued 11 min ago", bend: clock("iat", -11*time.Minute), want: "id_token_iat"},
		{name: "valid from 59 s on", bend: clock("nbf", 59*time.Second)},
		{name: "valid from 90 s on", bend: clock("nbf", 90*time.Second), want: "id_token_nbf"},
		{name: "nbf is a word", bend: claim("nbf", "soon"), want: "id_token_nbf"},
		{name: "at_hash is empty", bend: claim("at_hash", ""), want: "id_token_at_hash"},
		{name: "logout token by its events", bend: claim("events", map[string]any{}), want: "id_token_events"},
		{name: "logout token by its typ", bend: header("typ", "logout+jwt"), want: "id_token_typ"},
		{name: "access token by its typ", bend: header("typ", "at+jwt"), want: "id_token_typ"},
		{name: "typ spelled out", bend: header("typ", "application/JWT")},
		{name: "EdDSA", config: algs("EdDSA"), bend: func(op *misbehavingOP) {
			op.keys = []signer{{alg: "EdDSA", kid: "k1", key: edKey()}}
			op.claims = func(c map[string]any) { delete(c, "at_hash") }
		}},
		{name: "issuer for which go-oidc makes an exception", bend: claim("iss", "accounts.google.com"),
			config: func(c *oauthbank.Config) { c.Issuer = "https://accounts.google.com" }, want: "id_token_iss"},
		{name: "contradictory subject", bend: func(op *misbehavingOP) {
			op.mint = func(c map[string]any) string {
				return op.signRaw(`{"sub":"other",` + string(must(json.Marshal(c)))[1:])
			}
		}, want: "id_token_sub"},
		{name: "claims are no object", bend: func(op *misbehavingOP) {
			op.mint = func(map[string]any) string { return op.signRaw(`"text"`) }
		}, want: "id_token_malformed"},
		{name: "garbage", bend: member("id_token", "not.a.jwt"), want: "id_token_typ"},
		{name: "encrypted", bend: member("id_token", "a.b.c.d.e"), want: "id_token_typ"},
		{name: "missing though openid was asked", bend: member("id_token", nil), want: "id_token_missing"},
		{name: "no string", bend: member("id_token", 17), want: "bad_id_token"},
	})
}

// runOIDF redeems a code in each case. A rejected answer must have been
// revoked, and nothing else may follow the fault.
func runOIDF(t *testing.T, cases []oidfCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				op := newOP()
				if c.bend != nil {
					c.bend(op)
				}
				if c.config == nil {
					c.config = func(*oauthbank.Config) {}
				}
				g, who, err := redeem(t, op.bank(t, c.config))
				if n := len(op.seen("/token")); n != 1 {
					t.Errorf("token requests = %d, want 1", n)
				}
				revoked := op.seen("/revoke")
				if c.want == "" {
					if err != nil || who.Subject == "" || reveal(g.Access) != "access-1" || len(revoked) != 0 {
						t.Errorf("Redeem = %v, %v, %v with %d revocations, want success", g, who, err, len(revoked))
					}
					return
				}
				wantFault(t, err, token.ErrAnswerRejected, c.want)
				if !cmp.Equal(g, token.Grant{}) || who != (token.Identity{}) {
					t.Error("something came back with the error")
				}
				if len(revoked) != 1 || revoked[0].form.Get("token") != "refresh-1" {
					t.Errorf("revocations = %v, want one of refresh-1", revoked)
				}
			})
		})
	}
}

func algs(list ...string) func(*oauthbank.Config) {
	return func(c *oauthbank.Config) { c.IDTokenAlgs = list }
}

func header(name string, value any) func(*misbehavingOP) {
	return func(op *misbehavingOP) { op.jwsHeader = map[string]any{name: value} }
}

func unsigned(op *misbehavingOP) {
	op.mint = func(c map[string]any) string {
		return part(map[string]any{"alg": "none", "typ": "JWT"}) + "." + part(c) + "."
	}
}

func part(v any) string { return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v))) }

func brokenSignature(op *misbehavingOP) {
	op.mint = func(c map[string]any) string {
		raw := op.sign(op.keys[0], c)
		dot := strings.LastIndexByte(raw, '.')
		signature := must(base64.RawURLEncoding.DecodeString(raw[dot+1:]))
		signature[20] ^= 1
		return raw[:dot+1] + base64.RawURLEncoding.EncodeToString(signature)
	}
}

// signedWithPublicKey is the old confusion of HMAC and RSA keys.
func signedWithPublicKey(op *misbehavingOP) {
	op.mint = func(c map[string]any) string {
		return part(map[string]any{"alg": "HS256", "kid": "k1"}) + "." + part(c) + "." + part("signature")
	}
}

func manyKeysWithoutKid(op *misbehavingOP) {
	op.keys[0].kid = ""
	bare := func(k signer) map[string]any {
		jwk := jwkOf(k)
		delete(jwk, "kid")
		delete(jwk, "alg")
		return jwk
	}
	op.jwks = func() any {
		return map[string]any{"keys": []any{
			bare(signer{alg: "RS256", key: rsaKeys()[1]}),
			bare(signer{alg: "ES256", key: ecKey()}),
			map[string]any{"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
			bare(signer{alg: "EdDSA", key: edKey()}),
			bare(op.keys[0]),
		}}
	}
}

func decoys(op *misbehavingOP) {
	op.jwks = func() any {
		return jwksOf(
			signer{alg: "ES256", kid: "k1", key: ecKey()},
			signer{alg: "RS256", kid: "k1", key: rsaKeys()[1]},
			op.keys[0],
		)
	}
}
