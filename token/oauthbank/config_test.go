package oauthbank_test

import (
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/token/oauthbank"
)

func TestNewReportsEverythingAtOnce(t *testing.T) {
	_, err := oauthbank.New(oauthbank.Config{ID: "b", IDTokenAlgs: []string{"none", "HS256"}})
	if err == nil {
		t.Fatal("New accepted nothing")
	}
	for _, want := range []string{
		`bank "b"`, "ClientID", "Issuer", "RedirectURI", "Endpoints.Authorization", "Endpoints.Token",
		"ClientAuth", `"none"`, `"HS256"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %s: %v", want, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	type edit = func(*oauthbank.Config)
	for name, c := range map[string]struct {
		edit edit
		want string
	}{
		"no id":                     {func(c *oauthbank.Config) { c.ID = "" }, "ID: missing"},
		"no secret":                 {func(c *oauthbank.Config) { c.ClientSecret = "" }, "ClientSecret: missing"},
		"unknown client auth":       {func(c *oauthbank.Config) { c.ClientAuth = "none" }, "ClientAuth"},
		"no signing key":            {func(c *oauthbank.Config) { c.ClientAuth = oauthbank.PrivateKeyJWT }, "SigningKey: missing"},
		"weak signing key":          {func(c *oauthbank.Config) { c.ClientAuth, c.SigningKey = oauthbank.PrivateKeyJWT, weakRSAKey() }, "2048 bits"},
		"signing key on P-384":      {func(c *oauthbank.Config) { c.ClientAuth, c.SigningKey = oauthbank.PrivateKeyJWT, ec384Key() }, "P-256"},
		"signing key of other type": {func(c *oauthbank.Config) { c.ClientAuth, c.SigningKey = oauthbank.PrivateKeyJWT, edKey() }, "unsupported"},
		"PAR without endpoint":      {func(c *oauthbank.Config) { c.RequirePAR, c.Endpoints.PAR = true, "" }, "Endpoints.PAR"},
		"issuer with query":         {func(c *oauthbank.Config) { c.Issuer += "?a=b" }, "Issuer: must not have a query"},
		"issuer over http":          {func(c *oauthbank.Config) { c.Issuer = "http://bank.example" }, "Issuer: must be https"},
		"redirect over http":        {func(c *oauthbank.Config) { c.RedirectURI = "http://consentd.example" }, "RedirectURI: must be https"},
		"redirect with fragment":    {func(c *oauthbank.Config) { c.RedirectURI += "#x" }, "RedirectURI: must not have a fragment"},
		"negative skew":             {func(c *oauthbank.Config) { c.ClockSkew = -1 }, "ClockSkew"},
		"skew of an hour":           {func(c *oauthbank.Config) { c.ClockSkew = time.Hour }, "ClockSkew"},
		"negative deadline":         {func(c *oauthbank.Config) { c.Deadline = -time.Second }, "Deadline"},
		"negative lifetime":         {func(c *oauthbank.Config) { c.DefaultAccessTTL = -1 }, "DefaultAccessTTL"},
		"invalid_client is no end":  {func(c *oauthbank.Config) { c.DeadCodes = []string{"invalid_client"} }, "DeadCodes"},
		"outage is no end":          {func(c *oauthbank.Config) { c.DeadCodes = []string{"temporarily_unavailable"} }, "DeadCodes"},
		"empty code is no end":      {func(c *oauthbank.Config) { c.DeadCodes = []string{""} }, "DeadCodes"},
		"unknown signature":         {func(c *oauthbank.Config) { c.IDTokenAlgs = []string{"RS1"} }, "IDTokenAlgs"},
		"http discovery":            {func(c *oauthbank.Config) { c.DiscoveryURL = "http://bank.example" }, "DiscoveryURL: must be https"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := newOP().config()
			c.edit(&conf)
			if _, err := oauthbank.New(conf); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("New = %v, want an error about %q", err, c.want)
			}
		})
	}
}

func TestNewRefusesEndpointsThatLeadInside(t *testing.T) {
	for _, address := range []string{
		"http://bank.example/token", "ftp://bank.example/token", "//bank.example/token", "token", "https://",
		"https:bank.example", "https://user@bank.example/", "https://user:pass@bank.example/", "https://bank.example/#",
		"https://bank.example/#x", "https://127.0.0.1/", "https://[::1]/", "https://[fd00::1]/", "https://1.1.1.1/",
		"https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://localhost/", "https://bank/",
		"https://a.localhost/", "https://redis.internal/", "https://printer.local/", "https://localhost./",
		"https://bank.example\x00/", "https://[fe80::1%25eth0]/",
	} {
		conf := newOP().config()
		conf.Endpoints.Token = address
		if _, err := oauthbank.New(conf); err == nil || !strings.Contains(err.Error(), "Endpoints.Token") {
			t.Errorf("endpoint %q: New = %v, want a refusal", address, err)
		}
	}
	conf := newOP().config()
	conf.AllowInsecure = true
	conf.Endpoints.Token = "http://127.0.0.1:8080/token"
	if _, err := oauthbank.New(conf); err != nil {
		t.Errorf("a sandbox on this machine: %v", err)
	}
}

func TestNewDoesNotKeepTheCallersSlices(t *testing.T) {
	op := newOP()
	list := []string{"RS256"}
	b := op.bank(t, func(c *oauthbank.Config) { c.IDTokenAlgs = list })
	list[0] = "ES256"
	if _, _, err := redeem(t, b); err != nil {
		t.Error(err)
	}
}
