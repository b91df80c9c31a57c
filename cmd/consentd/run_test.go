package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent/redisstore/redistest"
)

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		code int
		out  string // must be in it; empty: nothing may be
		talk string
	}{
		"alone":               {args: nil, out: "consentd keys init /etc/consentd/keys.json\n  consentd serve --config"},
		"help":                {args: []string{"--help"}, out: "Available Commands"},
		"group alone":         {args: []string{"keys"}, out: "status"},
		"version":             {args: []string{"version"}, out: "consentd "},
		"version flag":        {args: []string{"--version"}, out: "consentd "},
		"completion":          {args: []string{"completion", "bash"}, out: "bash completion"},
		"unknown command":     {args: []string{"serv"}, code: exitUsage, talk: `no command "serv"; did you mean serve?`},
		"unknown subcommand":  {args: []string{"config", "chekc"}, code: exitUsage, talk: `no command "chekc"; did you mean check?`},
		"unknown flag":        {args: []string{"serve", "--port", "1"}, code: exitUsage, talk: "unknown flag: --port"},
		"argument to none":    {args: []string{"serve", "now"}, code: exitUsage, talk: `"now"`},
		"missing argument":    {args: []string{"keys", "init"}, code: exitUsage, talk: "consentd keys init wants FILE"},
		"bad form":            {args: []string{"config", "profiles", "-o", "xml"}, code: exitUsage, talk: "want text or json"},
		"find by nothing":     {args: []string{"consent", "find"}, code: exitUsage, talk: "either --customer-stdin or --national-id-stdin"},
		"find without app":    {args: []string{"consent", "find", "--customer-stdin"}, code: exitUsage, talk: "needs --app"},
		"find where":          {args: []string{"consent", "find", "--national-id-stdin"}, code: exitUsage, talk: "--country IS"},
		"profiles":            {args: []string{"config", "profiles"}, out: "landsbankinn\nlandsbankinn-sandbox\nlandshypotek\nsandbox\n"},
		"profiles as json":    {args: []string{"config", "profiles", "-o", "json"}, out: `"landshypotek"`},
		"example":             {args: []string{"config", "example"}, out: string(config.Example())},
		"reference":           {args: []string{"config", "reference"}, out: config.Reference()},
		"no such key file":    {args: []string{"keys", "status", "nowhere.json"}, code: exitFailure, talk: "nowhere.json: no such file"},
		"healthcheck where":   {args: []string{"healthcheck", "--address", "nonsense"}, code: exitFailure, talk: "want host:port"},
		"nobody there":        {args: []string{"healthcheck", "--address", "127.0.0.1:1"}, code: exitFailure, talk: "connection refused"},
		"no config":           {args: []string{"serve"}, code: exitBadConfig, talk: "public_url: missing"},
		"no such config":      {args: []string{"serve", "--config", "nowhere.yaml"}, code: exitBadConfig, talk: "there is no such file"},
		"printing bad config": {args: []string{"config", "print", "--config", "nowhere.yaml"}, code: exitBadConfig, talk: "there is no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := consentd(t, nil, "", test.args...)
			got.says(t, test.code, test.talk)
			if test.out == "" && got.out != "" || !strings.Contains(got.out, test.out) {
				t.Errorf("out = %q, want %q", got.out, test.out)
			}
			if test.code == exitUsage && !strings.Contains(got.talk, "consentd --help") {
				t.Errorf("the usage error does not lead to the help: %s", got.talk)
			}
		})
	}
}

const badConfig = `public_url: http://consent.example.is
keys_file: k
refresh: {lease: 10s}
redis: {adresses: [a:1], password: password-canary}
banks:
  - {profile: sandbox, issuer: https://bank.example.is, client_id: x}
apps: []
`

func TestConfigMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	path := write(t, badConfig)
	for _, args := range [][]string{{"config", "check"}, {"config", "print"}, {"serve"}, {"consent", "show", aConsent}, {"healthcheck"}} {
		got := consentd(t, []string{config.ConfigVariable + "=" + path}, "", args...)
		got.says(t, exitBadConfig,
			path+":1: public_url: must begin with https://",
			path+":3: refresh.lease: must be longer than",
			`unknown key; did you mean "addresses"?`,
			"banks.sandbox.client_secret: missing; set CONSENTD_BANKS_SANDBOX_CLIENT_SECRET")
		if got.out != "" || strings.Contains(got.talk, "canary") {
			t.Errorf("%v printed %q and said %s", args, got.out, got.talk)
		}
	}
}

const aConsent = "cns_7f00000000000000000000000000"

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "consentd.yaml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const goodConfig = `environment: test
public_url: http://localhost:8080
keys_file: nowhere/keys.json
redis: {password: password-canary}
banks:
  - {profile: landshypotek, issuer: https://bank.example, discovery_url: "{issuer}/d", client_id: x, client_secret: secret-canary}
`

func TestConfigCheckAndPrint(t *testing.T) {
	t.Parallel()
	path := write(t, goodConfig)
	check := consentd(t, nil, "", "config", "check", "--config", path)
	check.says(t, exitOK, "The configuration is good", "warning: environment: test", "warning: banks.landshypotek.verified")
	files := consentd(t, nil, "", "config", "check", "--files", "--config", path)
	files.says(t, exitFailure, "keys_file", "consentd keys init nowhere/keys.json")

	printed := consentd(t, []string{"CONSENTD_REFRESH_LEASE=90s"}, "", "config", "print", "--config", path)
	printed.says(t, exitOK)
	for _, want := range []string{"lease: 1m30s # CONSENTD_REFRESH_LEASE", "[redacted]", "keys_file: nowhere/keys.json # " + path + ":3"} {
		if !strings.Contains(printed.out, want) {
			t.Errorf("config print lacks %q:\n%s", want, printed.out)
		}
	}
	if strings.Contains(printed.out, "canary") {
		t.Error("config print shows a secret")
	}
}

func TestEnvironmentNamesTheConfig(t *testing.T) {
	t.Parallel()
	path := write(t, goodConfig)
	environ := []string{config.ConfigVariable + "=elsewhere", config.ConfigVariable + "=" + path}
	consentd(t, environ, "", "config", "check").says(t, exitOK)
	consentd(t, environ, "", "config", "check", "--config", "elsewhere").says(t, exitBadConfig, "elsewhere")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	made := consentd(t, nil, "", "keys", "init", path)
	made.says(t, exitOK, "Keep a copy")
	if made.out != "" {
		t.Errorf("keys init prints %q", made.out)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %04o, want 0600", info.Mode().Perm())
	}
	before, err := os.ReadFile(path)
	must(t, err)
	consentd(t, nil, "", "keys", "init", path).says(t, exitFailure, "is there already and is left as it is")
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("keys init has changed a file that was there (%v)", err)
	}

	consentd(t, nil, "", "keys", "status", path).wantsTable(t, "PURPOSE", "grant", "person", "flow", "audit", "index")
	asJSON := consentd(t, nil, "", "keys", "status", path, "-o", "json")
	asJSON.says(t, exitOK)
	var all []keyset
	must(t, json.Unmarshal([]byte(asJSON.out), &all))
	if len(all) != 5 || all[0].Primary == 0 || all[4].Purpose != "index" || all[4].Primary == 0 {
		t.Errorf("keys status = %+v", all)
	}
	for _, value := range secretsOf(t, before) {
		if strings.Contains(asJSON.out, value) {
			t.Error("keys status shows a key")
		}
	}
	must(t, os.Chmod(path, 0o644))
	consentd(t, nil, "", "keys", "status", path).says(t, exitFailure, "mode 0644", "chmod 600")
}

// wantsTable checks the first word of each line.
func (o outcome) wantsTable(t testing.TB, words ...string) {
	t.Helper()
	o.says(t, exitOK)
	lines := strings.Split(strings.TrimSuffix(o.out, "\n"), "\n")
	for i, word := range words {
		if i >= len(lines) || !strings.HasPrefix(lines[i], word) {
			t.Fatalf("line %d does not begin with %s:\n%s", i+1, word, o.out)
		}
	}
}

// secretsOf lists the key material in a key file: Tink's "value" members.
func secretsOf(t testing.TB, file []byte) []string {
	t.Helper()
	var all []string
	d := json.NewDecoder(strings.NewReader(string(file)))
	for last := ""; ; {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		must(t, err)
		text, _ := tok.(string)
		if last == "value" {
			all = append(all, text)
		}
		last = text
	}
	if len(all) != 5 {
		t.Fatalf("%d keys in the file, want 5", len(all))
	}
	return all
}

func TestAppKey(t *testing.T) {
	t.Parallel()
	made := consentd(t, nil, "", "app-key", "new")
	key := strings.TrimSpace(made.out)
	made.says(t, exitOK, "not kept anywhere", "key_hashes:")
	if !strings.HasPrefix(key, "ck_") || strings.Contains(made.talk, key) {
		t.Errorf("app-key new printed %q and said %s", made.out, made.talk)
	}
	_, hash, _ := strings.Cut(made.talk, "- ")
	text := goodConfig + "apps: [{id: a, name: A, banks: [landshypotek], return_urls: {d: 'https://a.example'}, key_hashes: [" + strings.TrimSpace(hash) + "]}]\n"
	consentd(t, nil, "", "config", "check", "--config", write(t, text)).says(t, exitOK)

	var both map[string]string
	must(t, json.Unmarshal([]byte(consentd(t, nil, "", "app-key", "new", "-o", "json").out), &both))
	if !strings.HasPrefix(both["key"], "ck_") || len(both["key_hash"]) != 64 || both["key"] == key {
		t.Errorf("app-key new -o json = %v", both)
	}
}

func TestAppKeyList(t *testing.T) {
	t.Parallel()
	s := newSite(t, redistest.Start(t))
	id := strings.Split(s.key.Reveal(), "_")[1]
	before := s.look("", "app-key", "list").out
	at := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	store := s.build().Store
	must(t, store.CredentialUsed(t.Context(), "shop", "api_key:"+id, at))
	must(t, store.CredentialUsed(t.Context(), "shop", "api_key:"+id, at.Add(-time.Hour))) // a replica that was slow
	after := s.look("", "app-key", "list").out
	for text, want := range map[string]string{before: "shop  " + id + "  -\n", after: "shop  " + id + "  2027-03-01 09:00:00Z\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("app-key list printed %q, want %q", text, want)
		}
	}
	var all []map[string]string
	must(t, json.Unmarshal([]byte(s.look("", "app-key", "list", "-o", "json").out), &all))
	if len(all) != 1 || all[0]["app"] != "shop" || all[0]["key_id"] != id || all[0]["last_used_at"] != "2027-03-01T09:00:00Z" {
		t.Errorf("app-key list -o json = %v", all)
	}
}
