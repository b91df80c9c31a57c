package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/consentd/consentd/config"
)

const canary = "hunter2canary"

// canaryKey is a canary that is the base64 of 24 bytes.
const canaryKey = "hunter2canaryhunter2canaryhunter"

func TestSecretIsNeverPrinted(t *testing.T) {
	text := strings.ReplaceAll(base, "s3cret", canary) +
		"  api_key: " + canary + "\n" + app + "  webhook: {url: https://a.example, secrets: [whsec_" + canaryKey + "]}\n" +
		"mail: {host: m.example, username: u, from: a@b.example, password: " + canary + "}\nredis: {password: " + canary + ", sentinel_master: m, sentinel_password: " + canary + "}\n"
	c := mustLoad(t, text)
	if got := c.Redis.Password.Reveal(); got != canary {
		t.Fatalf("password = %q, want the one in the file", got)
	}
	var log, printed bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("config", "all", c, "bank", c.Banks[0], "one", c.Redis.Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "all", c, "one", c.Redis.Password)
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Dump(c)
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{
		"slog": log.String(), "Print": printed.String(), "JSON": string(asJSON), "YAML": string(asYAML),
		"warnings": fmt.Sprint(c.Warnings()),
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		outputs[verb] = fmt.Sprintf(verb, c) + fmt.Sprintf(verb, &c) + fmt.Sprintf(verb, c.Redis.Password)
	}
	for name, out := range outputs {
		if strings.Contains(out, canary) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the secret", name)
		}
	}
	for _, name := range []string{"slog", "Print", "JSON", "YAML"} {
		if !strings.Contains(outputs[name], "[redacted]") {
			t.Errorf("%s does not say that there is a secret:\n%s", name, outputs[name])
		}
	}
}

// Whatever is wrong with the line of a secret, no problem may repeat it.
func TestProblemsNeverRepeatSecrets(t *testing.T) {
	lines := []string{
		"  api_key: *%s", "  api_key: &%s x", "  api_key: !%s x", "  api_key: !!%s x", "  api_key: @%s", "  api_key: `%s",
		"  api_key: %%%s", "  api_key: \"%s", "  api_key: '%s", "  api_key: [%s]", "  api_key: {%s: 1}", "  api_key: {%s}",
		"  api_key:\n    %s: 1", "  api_key: \"\\x%s\"", "  api_key: a: %s", "  api_key:%s", "  api_key %s", "  %s",
		"  api_key: |\n %s\n  x", "  apikey: %s", "  api_key: x\n  api_key: %s", "  api_key: x\n  api_key_file: %s",
		"  api_key_file: /%s", "  api_key_file: [%s]", "  {api_key, %s}", "- {profile: sandbox, api_key, %s}",
		"- {profile: sandbox, api_key:%s}", "- %s", "- [%s]", "  api_key: &a %s\n  name: *a", "  <<: {api_key: %s}",
		"  pkce: %s", "  consent: {validity: %s, time_zone: %s}", "  max_in_flight: %s", "  verified: %s", "  country: %s",
		"  issuer: https://user:%s@bank.example", "  issuer: ':%s'", "  rotation: grace:%s", "  scopes: {required: ['a %s']}",
		"  dead_codes: ['A%s']", "  id_token_algs: [%s]", "  allowed_hosts: ['A%s']", "  api_key_header: 'a %s'",
		"apps:\n- {id: 'A %s', key_hashes: [%s], banks: [%s], scopes: [%s], return_urls: {a: '%s', '%s!': x}}",
		"redis: {addresses: ['%s'], tls: '%s', database: %s}", "redis: %s", "redis:\n  password:%s", "trusted_proxies: [%s]", "warn: {days: [%s], quiet_from: %s}", "work: {every: %s}", "mail: {host: m, tls: %s}", "mail: {password: %s}", "mail: {host: m, from: %s}", "retention: %s",
		app + "  webhook: {url: https://a.example, secrets: [%s]}", app + "  webhook: {url: 'http://%s'}", app + "  webhook: {secrets_file: %s}", "log_level: %s",
		"listen: %s", "? [%s]\n: %s", "%%YAML %s\n---\na: 1", "? %s", "--- %s", "\x01%s", "\xff%s",
	}
	for _, line := range lines {
		text := base + strings.NewReplacer("%s", canary, "%%", "%").Replace(line) + "\n"
		found := problems(t, text)
		if len(found) == 0 {
			t.Errorf("%q: no problem", line)
		}
		for _, p := range found {
			if strings.Contains(strings.ToLower(p), canary) {
				t.Errorf("%q: %s", line, p)
			}
		}
	}
	for _, variable := range []string{
		"REDIS_PASSWRD", "REDIS_DATABASE", "REDIS_PASSWORD_FILE", "BANKS_SANDBOX_PKCE", "BANKS_9_CLIENT_SECRET", "BANKS_0", "APPS_0_KEY_HASHES",
		"APPS_0_BANKS", "BANKS_0_ID", "BANKS_1_PROFILE",
	} {
		for _, p := range problems(t, base, "CONSENTD_"+variable+"="+strings.ToUpper(canary)) {
			if strings.Contains(strings.ToLower(p), canary) {
				t.Errorf("%s: %s", variable, p)
			}
		}
	}
}

func TestSecretFromFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	write(t, file, canary+"\r\n\n")
	write(t, filepath.Join(dir, "empty"), "\n")
	text := strings.Replace(base, "client_secret: s3cret", "client_secret_file: "+file, 1)

	c := mustLoad(t, text, "CONSENTD_REDIS_PASSWORD_FILE="+file)
	if got := c.Banks[0].ClientSecret.Reveal(); got != canary {
		t.Errorf("client secret = %q, want it without the newline", got)
	}
	if got := c.Redis.Password.Reveal(); got != canary {
		t.Errorf("password = %q, want it without the newline", got)
	}
	var printed bytes.Buffer
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(printed.String(), "password: '[redacted]' # CONSENTD_REDIS_PASSWORD_FILE") {
		t.Errorf("Print does not tell where the password is from:\n%s", &printed)
	}
	for _, tt := range []struct{ path, want string }{
		{filepath.Join(dir, "none"), "there is no such file; check the path"},
		{filepath.Join(dir, "empty"), "the file is empty; it should hold the secret and nothing else"},
		{dir, "not a regular file"},
		{"/dev/zero", "not a regular file"},
	} {
		got := problems(t, base, "CONSENTD_REDIS_PASSWORD_FILE="+tt.path)
		want := "CONSENTD_REDIS_PASSWORD_FILE: redis.password_file: " + tt.want
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: problems = %q, want %q", tt.path, got, want)
		}
	}
}

func TestSecretReveal(t *testing.T) {
	if got := config.Secret("x").Reveal(); got != "x" {
		t.Errorf("Reveal() = %q, want x", got)
	}
}
