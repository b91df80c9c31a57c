package oauthbank

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/consentd/consentd/token"
)

const assertionLife = 60 * time.Second

// post sends an authenticated form and adds our proof of identity to it.
// form is used up.
func (b *Bank) post(ctx context.Context, endpoint string, form url.Values) (reply, error) {
	header := http.Header{
		"Content-Type":    {"application/x-www-form-urlencoded"},
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"consentd"},
	}
	if err := b.authenticate(header, form); err != nil {
		return reply{}, &fault{err: token.ErrNotDone, code: "client_assertion"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, &fault{err: token.ErrNotDone, code: "endpoint"}
	}
	req.Header = header
	return b.send(req, maxTokenAnswer)
}

func (b *Bank) authenticate(header http.Header, form url.Values) error {
	id, secret := b.cfg.ClientID, b.cfg.ClientSecret.Reveal()
	switch b.cfg.ClientAuth {
	case ClientSecretBasic:
		// Both halves are form-encoded first (RFC 6749 section 2.3.1).
		pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case ClientSecretPost:
		form.Set("client_id", id)
		form.Set("client_secret", secret)
	case PrivateKeyJWT:
		assertion, err := b.assertion(b.cfg.Now())
		if err != nil {
			return err
		}
		form.Set("client_id", id)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	return nil
}

// assertion is a fresh JWT for one request (RFC 7523 section 3). Its only
// audience is the issuer, as a string, so that no other bank can use it
// (FAPI 2.0 section 5.3.3.1).
func (b *Bank) assertion(now time.Time) (string, error) {
	header := map[string]string{"typ": "JWT"}
	if b.cfg.SigningKeyID != "" {
		header["kid"] = b.cfg.SigningKeyID
	}
	sign := signPS256
	header["alg"] = "PS256"
	if _, ok := b.cfg.SigningKey.Public().(*ecdsa.PublicKey); ok {
		sign = signES256
		header["alg"] = "ES256"
	}
	claims := map[string]any{
		"iss": b.cfg.ClientID,
		"sub": b.cfg.ClientID,
		"aud": b.cfg.Issuer,
		"jti": rand.Text(),
		"iat": now.Unix(),
		"exp": now.Add(assertionLife).Unix(),
	}
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	digest := sha256.Sum256([]byte(input))
	signature, err := sign(b.cfg.SigningKey, digest[:])
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func signPS256(key crypto.Signer, digest []byte) ([]byte, error) {
	return key.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
}

// signES256 turns the DER of a crypto.Signer into the two fixed-length
// numbers of RFC 7518 section 3.4.
func signES256(key crypto.Signer, digest []byte) ([]byte, error) {
	der, err := key.Sign(rand.Reader, digest, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return nil, err
	}
	if pair.R.BitLen() > 256 || pair.S.BitLen() > 256 || pair.R.Sign() < 0 || pair.S.Sign() < 0 {
		return nil, errors.New("oauthbank: signature out of range")
	}
	signature := make([]byte, 64)
	pair.R.FillBytes(signature[:32])
	pair.S.FillBytes(signature[32:])
	return signature, nil
}
