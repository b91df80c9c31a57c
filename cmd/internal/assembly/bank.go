package assembly

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
	"github.com/consentd/consentd/token/oauthbank"
	"github.com/consentd/consentd/web"
)

// newVault makes an adapter for each bank, and the vault that uses them.
func newVault(c config.Config, o Outside, keys *token.Keyring, store token.Store) (*token.Vault, error) {
	entries := make(map[string]token.BankEntry)
	var errs []error
	for _, b := range c.Banks {
		adapter, err := newBank(c, o, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("bank %s: %w", b.ID, err))
			continue
		}
		entries[b.ID] = token.BankEntry{Bank: adapter, Rotation: rotation(b), InFlight: b.MaxInFlight}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return token.New(token.Config{
		Keys: keys, Store: store, Banks: entries, Lease: c.Refresh.Lease,
		BankDeadline: c.Refresh.BankDeadline, Margin: c.Refresh.Margin, Now: o.Now, Log: o.Log,
	})
}

func newBank(c config.Config, o Outside, b config.Bank) (*oauthbank.Bank, error) {
	key, err := signingKey(b.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	roots, err := authorities(b.CAFile)
	if err != nil {
		return nil, err
	}
	proxy, err := optionalURL(b.ProxyURL)
	if err != nil {
		return nil, err
	}
	return oauthbank.New(oauthbank.Config{
		ID: b.ID, Issuer: b.Issuer, DiscoveryURL: b.DiscoveryURL, Endpoints: oauthbank.Endpoints(b.Endpoints),
		AllowedHosts: b.AllowedHosts, RootCAs: roots, Proxy: proxy,
		ClientID: b.ClientID, ClientSecret: token.Secret(b.ClientSecret.Reveal()), ClientAuth: string(b.ClientAuth),
		SigningKey: key, PKCE: b.PKCE == config.PKCES256, RequirePAR: b.RequirePAR,
		RedirectURI: c.PublicURL + "/callback/" + b.ID, RequireIssParameter: b.RequireIssParameter,
		IDTokenAlgs: b.IDTokenAlgs, NationalIDClaim: b.NationalIDClaim, DefaultAccessTTL: b.AccessTTLFallback,
		DeadCodes: b.DeadCodes, Deadline: c.Refresh.BankDeadline, AllowInsecure: c.MayDialPrivate(b),
		Transport: o.Bank, Now: o.Now, Log: o.Log,
	})
}

// rotation is what the vault must assume of a bank's refresh tokens.
func rotation(b config.Bank) token.Rotation {
	if b.Refresh == config.RefreshStatic {
		return token.RotationNone
	}
	return token.Rotation(b.Rotation.Kind)
}

// domainBank is the part of a profile that concerns customers and dates.
func domainBank(b config.Bank) consent.Bank {
	kinds := map[string]consent.NationalIDKind{"IS": consent.Kennitala, "SE": consent.Personnummer}
	clock := consent.Clock{Life: b.Consent.Validity, Margin: b.Consent.Margin, Zone: b.Consent.TimeZone}
	if b.Consent.ValidityDays > 0 {
		clock.Life, clock.Days, clock.Inclusive = 0, b.Consent.ValidityDays, b.Consent.InclusiveDates
	}
	return consent.Bank{
		ID: b.ID, Name: b.Name, Required: b.Scopes.Required, Optional: b.Scopes.Optional,
		IndividualsOnly: b.NationalID.IndividualsOnly, NationalID: kinds[b.NationalID.Country],
		CheckDigit: b.NationalID.CheckDigit == config.CheckDigitStrict, Clock: clock,
		Replaces: b.RenewalReplacesGrant, BusinessCodes: b.BusinessCodes, OnlineBank: b.OnlineBankWithdrawHint, SignIn: b.SignIn,
	}
}

// bankOrigins is where the browser may be sent to from the page that asks. A
// bank whose addresses are discovered is sent to its issuer's host.
func bankOrigins(c config.Config) map[string]string {
	origins := make(map[string]string)
	for _, b := range c.Banks {
		address := b.Endpoints.Authorization
		if address == "" {
			address = b.Issuer
		}
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			origins[b.ID] = u.Scheme + "://" + u.Host
		}
	}
	return origins
}

func optionalURL(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("proxy_url is not a URL")
	}
	return u, nil
}

func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM form", file)
	}
	return pool, nil
}

// signingKey reads the private key of private_key_jwt, PKCS #8 in PEM.
func signingKey(file string) (crypto.Signer, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("signing_key_file: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("signing_key_file: %s is not in PEM form", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("signing_key_file: %s is not a PKCS #8 private key", file)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing_key_file: the key in %s does not sign", file)
	}
	return signer, nil
}

// bankAPIs are the APIs of the banks whose address is known.
func bankAPIs(c config.Config, o Outside) (map[string]web.BankAPI, error) {
	all := make(map[string]web.BankAPI)
	var errs []error
	for _, b := range c.Banks {
		if b.APIBaseURL == "" {
			continue
		}
		api, err := newBankAPI(c, o, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("bank %s: %w", b.ID, err))
			continue
		}
		all[b.ID] = api
	}
	return all, errors.Join(errs...)
}

// callsAtOnce is how many calls of apps may be open at each bank.
func callsAtOnce(c config.Config) map[string]int {
	all := make(map[string]int)
	for _, b := range c.Banks {
		all[b.ID] = b.APIMaxInFlight
	}
	return all
}

func newBankAPI(c config.Config, o Outside, b config.Bank) (*oauthbank.API, error) {
	roots, err := authorities(b.CAFile)
	if err != nil {
		return nil, err
	}
	proxy, err := optionalURL(b.ProxyURL)
	if err != nil {
		return nil, err
	}
	a := oauthbank.APIConfig{
		Bank: b.ID, BaseURL: b.APIBaseURL, RequestID: string(b.RequestIDForm), Deadline: c.Refresh.BankDeadline,
		RootCAs: roots, Proxy: proxy, AllowInsecure: c.MayDialPrivate(b), Transport: o.Bank,
	}
	if b.APIKey != "" && b.APIKeyHeader != "" {
		a.KeyHeader, a.Key = b.APIKeyHeader, token.Secret(b.APIKey.Reveal())
	}
	return oauthbank.NewAPI(a)
}
