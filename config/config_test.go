package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/config"
)

// load writes a file and loads it from its directory, so that problems name
// it "consentd.yaml".
func load(t *testing.T, text string, environ ...string) (config.Config, error) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "consentd.yaml"), text)
	t.Chdir(dir)
	return config.Load("consentd.yaml", environ)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustLoad(t *testing.T, text string, environ ...string) config.Config {
	t.Helper()
	c, err := load(t, text, environ...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems returns what Load found wrong, a line each.
func problems(t *testing.T, text string, environ ...string) []string {
	t.Helper()
	_, err := load(t, text, environ...)
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("Load returned a %T, want *config.Error", err)
	}
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

// base is a complete configuration for others to spoil.
const base = `public_url: https://consent.example.is
keys_file: keys.json
banks:
- profile: sandbox
  issuer: https://bank.example.is
  client_id: consentd
  client_secret: s3cret
`

// app is one app more for base, on the lines from 8.
const app = `apps:
- id: shop
  name: Shop
  key_hashes: ["` + hash1 + `"]
  banks: [sandbox]
  return_urls: {done: "https://shop.example.is/done"}
`

const (
	hash1 = "1111111111111111111111111111111111111111111111111111111111111111"
	hash2 = "2222222222222222222222222222222222222222222222222222222222222222"
	hook1 = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
	hook2 = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo="
)

func TestAColourNeedsNoNumberSign(t *testing.T) {
	for _, written := range []string{"0B5A54", "'#0b5a54'", "\"#0b5a54\""} {
		if got := mustLoad(t, base+app+"  colour: "+written+"\n").Apps[0].Colour; got != "#0b5a54" {
			t.Errorf("colour: %s is %q", written, got)
		}
	}
	if got := mustLoad(t, base+app+"  colour: 100000\n").Apps[0].Colour; got != "#100000" {
		t.Errorf("a colour that looks like a number is %q", got)
	}
}

func TestLoadFillsInDefaults(t *testing.T) {
	c := mustLoad(t, base+app)
	if c.Environment != config.Production || c.Listen != ":8080" || c.Redis.Addresses[0] != "127.0.0.1:6379" {
		t.Errorf("defaults missing: %+v", c)
	}
	want := config.Refresh{Lease: time.Minute, BankDeadline: 20 * time.Second, Margin: 10 * time.Second, Ahead: time.Minute, MinTTLLeeway: 10 * time.Second}
	if diff := cmp.Diff(want, c.Refresh); diff != "" {
		t.Errorf("Refresh differs (-want +got):\n%s", diff)
	}
	b, ok := c.Bank("sandbox")
	if !ok || b.DiscoveryURL != "https://bank.example.is/.well-known/openid-configuration" {
		t.Errorf("discovery URL = %q", b.DiscoveryURL)
	}
	if b.Rotation.Kind != config.RotationStrict || b.PKCE != config.PKCES256 || b.Consent.Validity != 90*24*time.Hour {
		t.Errorf("bank without its profile or defaults: %+v", b)
	}
	if got := c.Apps[0].ReturnURLs["done"]; got != "https://shop.example.is/done" {
		t.Errorf("return URL = %q", got)
	}
}
