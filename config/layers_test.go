package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/config"
)

func TestEnvironmentOverridesTheFile(t *testing.T) {
	text := base + "- {profile: landsbankinn-sandbox, client_id: a, client_secret: b}\n" + app + "redis: {addresses: [a:1]}\n"
	c := mustLoad(t, text,
		"CONSENTD_LISTEN=:1234",
		"CONSENTD_LOG_LEVEL=debug",
		"CONSENTD_REFRESH_LEASE=90s",
		"CONSENTD_REDIS_ADDRESSES=r1:6379, r2:6379",
		"CONSENTD_REDIS_TLS=1",
		"CONSENTD_TRUSTED_PROXIES=10.0.0.0/8,192.168.0.0/16",
		"CONSENTD_BANKS_0_CLIENT_SECRET=zero",
		"CONSENTD_BANKS_LANDSBANKINN_SANDBOX_CLIENT_SECRET=one",
		"CONSENTD_BANKS_1_CONSENT_VALIDITY_DAYS=30",
		"CONSENTD_BANKS_0_SCOPES_REQUIRED=openid,payments",
		"CONSENTD_APPS_SHOP_RETURN_URLS_DONE=https://new.example.is",
		"CONSENTD_APPS_0_RETURN_URLS_OTHER=https://other.example.is",
		"CONSENTD_APPS_1_ID=second", "CONSENTD_APPS_1_NAME=Second", "CONSENTD_APPS_1_BANKS=sandbox",
		"CONSENTD_APPS_1_KEY_HASHES="+hash2, "CONSENTD_APPS_SECOND_RETURN_URLS_X=https://x.example",
	)
	got := []any{
		c.Listen, c.LogLevel.String(), c.Refresh.Lease, c.Redis.Addresses, c.Redis.TLS, len(c.TrustedProxies),
		c.Banks[0].ClientSecret.Reveal(), c.Banks[1].ClientSecret.Reveal(),
		c.Banks[1].Consent.Validity, c.Banks[1].Consent.ValidityDays, c.Banks[0].Scopes.Required,
		c.Apps[0].ReturnURLs, c.Apps[1].ID, c.Apps[1].ReturnURLs, c.Apps[1].KeyHashes[0].String(),
	}
	want := []any{
		":1234", "DEBUG", 90 * time.Second, []string{"r1:6379", "r2:6379"}, true, 2,
		"zero", "one",
		time.Duration(0), 30, []string{"openid", "payments"},
		map[string]string{"done": "https://new.example.is", "other": "https://other.example.is"},
		"second", map[string]string{"x": "https://x.example"}, hash2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings differ (-want +got):\n%s", diff)
	}
}

func TestEnvironmentAlone(t *testing.T) {
	c, err := config.Load("", []string{
		"CONSENTD_PUBLIC_URL=https://c.example/", "CONSENTD_KEYS_FILE=k",
		"CONSENTD_BANKS_0_PROFILE=sandbox", "CONSENTD_BANKS_SANDBOX_ISSUER=https://b.example",
		"CONSENTD_BANKS_SANDBOX_CLIENT_ID=x", "CONSENTD_BANKS_SANDBOX_CLIENT_SECRET=y",
		"CONSENTD_BANKS_1_PROFILE=landsbankinn-sandbox", "CONSENTD_BANKS_1_CLIENT_ID=x", "CONSENTD_BANKS_1_CLIENT_SECRET=y",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != "https://c.example" || len(c.Banks) != 2 || c.Banks[1].Name != "Landsbankinn (sandbox)" {
		t.Errorf("config = %+v", c)
	}
}

// Kubernetes sets these for every pod beside a service called consentd.
func TestForeignVariablesAreIgnored(t *testing.T) {
	mustLoad(t, base,
		"CONSENTD_CONFIG=/etc/consentd.yaml", "CONSENTD_TEST_REDIS=x", "CONSENTD_SERVICE_HOST=10.0.0.1", "CONSENTD_SERVICE_PORT=80",
		"CONSENTD_SERVICE_PORT_HTTP=80", "CONSENTD_PORT=tcp://10.0.0.1:80", "CONSENTD_PORT_80_TCP=tcp://10.0.0.1:80",
		"CONSENTD_PORT_80_TCP_ADDR=10.0.0.1", "CONSENTD_ADMIN_SERVICE_HOST=10.0.0.1", "CONSENTD_ADMIN_PORT=tcp://10.0.0.1:9090", "CONSENTD_LISTEN=")
	if got := problems(t, base, "CONSENTD_PORT=80"); len(got) != 1 {
		t.Errorf("CONSENTD_PORT=80: problems = %q, want one", got)
	}
}

func TestEnvironmentReplacesTheOtherForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s")
	write(t, file, "from-file")
	c := mustLoad(t, base, "CONSENTD_BANKS_SANDBOX_CLIENT_SECRET_FILE="+file)
	if got := c.Banks[0].ClientSecret.Reveal(); got != "from-file" {
		t.Errorf("client secret = %q, want the one of the variable's file", got)
	}
	c = mustLoad(t, base, "CONSENTD_BANKS_0_ENDPOINTS_AUTHORIZATION=https://b.example/a",
		"CONSENTD_BANKS_0_ENDPOINTS_TOKEN=https://b.example/t", "CONSENTD_BANKS_0_ENDPOINTS_JWKS=https://b.example/k")
	if c.Banks[0].DiscoveryURL != "" || c.Banks[0].Endpoints.Token != "https://b.example/t" {
		t.Errorf("endpoints do not replace the profile's discovery_url: %+v", c.Banks[0])
	}
	if got := problems(t, base, "CONSENTD_BANKS_0_ENDPOINTS_TOKEN=https://b.example/t", "CONSENTD_BANKS_0_DISCOVERY_URL=https://b.example/d"); len(got) != 1 {
		t.Errorf("two variables that contradict each other: problems = %q, want one", got)
	}
}

func TestEntryReplacesTheProfilesOtherForm(t *testing.T) {
	text := "public_url: https://c.example\nkeys_file: k\nbanks:\n"
	c := mustLoad(t, text+"- {profile: landsbankinn-sandbox, client_id: a, client_secret: b, discovery_url: 'https://b.example/d'}\n"+
		"- {profile: landshypotek, client_id: a, client_secret: b, issuer: 'https://l.example', discovery_url: 'https://l.example/d', consent: {validity: 24h}}\n")
	if b := c.Banks[0]; b.Endpoints != (config.Endpoints{}) {
		t.Errorf("endpoints = %+v, want none beside discovery_url", b.Endpoints)
	}
	b := c.Banks[1]
	if b.Consent.ValidityDays != 0 || b.Consent.Validity != 24*time.Hour || b.Consent.TimeZone.String() != "Europe/Stockholm" {
		t.Errorf("consent = %+v, want the entry's validity in the profile's time zone", b.Consent)
	}
	if diff := cmp.Diff([]string{"l.example"}, b.Hosts()); diff != "" {
		t.Errorf("Hosts differ (-want +got):\n%s", diff)
	}
}

func TestEveryShippedProfileLoads(t *testing.T) {
	want := []string{"landsbankinn", "landsbankinn-sandbox", "landshypotek", "sandbox"}
	if diff := cmp.Diff(want, config.Profiles()); diff != "" {
		t.Fatalf("Profiles differ (-want +got):\n%s", diff)
	}
	for _, name := range config.Profiles() {
		text := "public_url: https://c.example\nkeys_file: k\nbanks:\n- profile: " + name + "\n  client_id: x\n  client_secret: y\n"
		if name != "landsbankinn-sandbox" {
			text += "  issuer: https://b.example\n  discovery_url: '{issuer}/.well-known/openid-configuration'\n"
		}
		b := mustLoad(t, text).Banks[0]
		if b.ID != name || b.Name == "" || b.VerifiedNote == "" || b.PKCE != config.PKCES256 || b.NationalID.CheckDigit != config.CheckDigitOff {
			t.Errorf("%s: %+v", name, b)
		}
		if b.Verified != (name == "sandbox") {
			t.Errorf("%s: verified = %t", name, b.Verified)
		}
	}
}

func TestLandsbankinnAsksForTheScopesOfItsPage(t *testing.T) {
	c := mustLoad(t, "public_url: https://c.example\nkeys_file: k\nbanks: [{profile: landsbankinn-sandbox, client_id: x, client_secret: y}]\n")
	b := c.Banks[0]
	if diff := cmp.Diff([]string{"openid", "profile", "customer", "payments"}, b.Scopes.Required); diff != "" {
		t.Errorf("required scopes differ (-want +got):\n%s", diff)
	}
	if b.RequestIDForm != config.RequestIDAlnum32 || b.APIKeyHeader != "apikey" || !b.NationalID.IndividualsOnly || b.Consent.Validity != 90*24*time.Hour {
		t.Errorf("bank = %+v", b)
	}
}

func TestExampleLoads(t *testing.T) {
	c := mustLoad(t, string(config.Example()), "CONSENTD_REDIS_PASSWORD=x", "CONSENTD_BANKS_LANDSBANKINN_SANDBOX_CLIENT_SECRET=y",
		"CONSENTD_MAIL_PASSWORD=z", "CONSENTD_APPS_SHOP_WEBHOOK_SECRETS="+hook1)
	if len(c.Apps) != 1 || c.Environment != config.Production {
		t.Errorf("config = %+v", c)
	}
}

func TestPlainHTTPOutsideProduction(t *testing.T) {
	text := strings.NewReplacer("https://bank.example.is", "http://localhost:9000", "https://consent.example.is", "http://localhost:8080").Replace(base) +
		strings.Replace(app, "https://shop.example.is", "http://127.0.0.1:7000", 1)
	for _, environment := range []string{"test", "demo"} {
		c := mustLoad(t, text+"environment: "+environment+"\nlisten: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\n")
		if !c.MayDialPrivate(c.Banks[0]) {
			t.Errorf("%s: MayDialPrivate = false", environment)
		}
	}
	if got := problems(t, text); len(got) != 3 {
		t.Errorf("production: problems = %q, want three", got)
	}
	got := problems(t, strings.Replace(text, "127.0.0.1:7000", "shop.example.is", 1)+"environment: test\n")
	want := []string{"consentd.yaml:13: apps.shop.return_urls.done: must begin with https://; http is only for environment test and demo, and there only to this machine (localhost)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems differ (-want +got):\n%s", diff)
	}
	c := mustLoad(t, base+"  private_network: true\n- {profile: sandbox, id: b, issuer: 'https://b.example', client_id: x, client_secret: y}\n")
	if !c.MayDialPrivate(c.Banks[0]) || c.MayDialPrivate(c.Banks[1]) {
		t.Error("in production, MayDialPrivate should follow private_network")
	}
}

func TestRedisMode(t *testing.T) {
	for _, tt := range []struct {
		redis config.Redis
		want  config.RedisMode
	}{
		{config.Redis{Addresses: []string{"a:1"}}, config.RedisSingle},
		{config.Redis{Addresses: []string{"a:1", "b:1"}}, config.RedisCluster},
		{config.Redis{Addresses: []string{"a:1"}, Cluster: true}, config.RedisCluster},
		{config.Redis{Addresses: []string{"a:1", "b:1"}, SentinelMaster: "m"}, config.RedisSentinel},
	} {
		if got := tt.redis.Mode(); got != tt.want {
			t.Errorf("Mode(%+v) = %s, want %s", tt.redis, got, tt.want)
		}
	}
}

// What Print writes is a configuration itself, apart from its secrets.
func TestPrintLoadsAgain(t *testing.T) {
	c := mustLoad(t, base+"  rotation: grace:30s\n  discovery_url: https://bank.example.is/d\n- {profile: landshypotek, issuer: 'https://l.example', client_id: a, client_secret: b, discovery_url: 'https://l.example/d'}\n"+app+"trusted_proxies: [10.0.0.0/8]\n")
	var first, second bytes.Buffer
	if err := c.Print(&first); err != nil {
		t.Fatal(err)
	}
	// Both forms of an alternative are printed; the empty one has to go.
	text := strings.NewReplacer("    validity_days: 0\n", "", "    validity: 0s\n", "", "signing_key_file: ''", "").Replace(first.String())
	again := mustLoad(t, withoutEndpoints(text))
	if err := again.Print(&second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(uncommented(first.String()), uncommented(second.String())); diff != "" {
		t.Errorf("printed settings change when loaded again (-first +second):\n%s", diff)
	}
}

func withoutEndpoints(text string) string {
	for {
		from := strings.Index(text, "  endpoints:\n")
		if from < 0 {
			return text
		}
		to := strings.Index(text[from:], "  allowed_hosts:")
		text = text[:from] + text[from+to:]
	}
}

func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " # ")
		b.WriteString(line + "\n")
	}
	return b.String()
}

func TestReferenceNamesEverySetting(t *testing.T) {
	reference := config.Reference()
	var printed bytes.Buffer
	if err := mustLoad(t, base+app).Print(&printed); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(printed.String()) {
		key, value, _ := strings.Cut(strings.Trim(line, " -\n"), ":")
		if value == "" || key == "done" || strings.Contains(key, " ") {
			continue
		}
		if !strings.Contains(reference, key+"` |") && !strings.Contains(reference, "## `"+key+"`") {
			t.Errorf("the reference lacks %s", key)
		}
	}
	for line := range strings.Lines(reference) {
		if strings.HasSuffix(line, "|  |\n") {
			t.Errorf("a setting without a meaning: %s", line)
		}
	}
}

func TestWarnings(t *testing.T) {
	c := mustLoad(t, base+"  pkce: off\n  verified: false\n  verified_note: Ask them.\n  private_network: true\nenvironment: test\nredis: {allow_volatile: true, attested: true, allow_plaintext: true}\nwarn: {days: []}\n")
	want := []string{
		"environment: test accepts plain http and private addresses; not for customers",
		"redis.allow_volatile: Redis may evict or forget grants; every customer may have to go to the bank again",
		"redis.attested: nobody but the operator knows that Redis keeps its data",
		"redis.allow_plaintext: the line to Redis is not encrypted by consentd",
		"apps: none, so nobody can ask for a consent",
		"mail.host: none, so customers are not warned before a consent ends",
		"warn.days: none, so nobody is warned before a consent ends",
		"banks.sandbox.verified: not checked against the bank. Ask them.",
		"banks.sandbox.pkce: off, so a stolen code can be used by others",
		"banks.sandbox.private_network: the bank's name may resolve to a private address",
	}
	if diff := cmp.Diff(want, c.Warnings()); diff != "" {
		t.Errorf("Warnings differ (-want +got):\n%s", diff)
	}
}

func TestLoadFileProblems(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "big"), strings.Repeat("#", 1<<20+1))
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "there is no such file; check the path",
		filepath.Join(dir, "big"):  "larger than 1024 KiB",
		dir:                        "not a regular file",
	} {
		_, err := config.Load(path, nil)
		if want := "configuration: " + path + ": " + want; err == nil || err.Error() != want {
			t.Errorf("Load(%s) = %v, want %s", path, err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(base+app), "CONSENTD_LISTEN=:1")
	f.Add(config.Example(), "CONSENTD_BANKS_0_CLIENT_SECRET=x")
	f.Add([]byte("banks: [{profile: sandbox}, *a, &b [*b]]\napps: {? [a]: b}"), "CONSENTD_BANKS_1_ENDPOINTS_TOKEN=x")
	f.Add([]byte("redis: 1\nrefresh: {lease: -9s}\nbanks: {}"), "CONSENTD_REDIS_ADDRESSES=,,")
	f.Add([]byte("apps: [{id: a, return_urls: []}]"), "CONSENTD_APPS_A_RETURN_URLS_X=y")
	path := filepath.Join(f.TempDir(), "consentd.yaml")
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, []string{variable})
		if err == nil {
			err = c.Print(new(bytes.Buffer))
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
