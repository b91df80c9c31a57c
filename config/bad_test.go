package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoadReportsEverythingAtOnce(t *testing.T) {
	for _, tt := range slices.Concat(badFiles, badApps) {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, problems(t, tt.text, tt.environ...)); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}

// badFile is a file and all that is wrong with it.
type badFile struct {
	name, text string
	environ    []string
	want       []string
}

var badFiles = []badFile{
	{
		name: "a sign-in that would cost customers their grants",
		text: base + "  sign_in: true\n  renewal_replaces_grant: true\n",
		want: []string{
			"consentd.yaml:8: banks.sandbox.sign_in: would put the grant of a sign-in in the place of the customer's live one; leave it off, or set renewal_replaces_grant: false if the bank has said that both live",
		},
	},
	{
		name: "empty file",
		want: []string{
			"consentd.yaml: public_url: missing; give the address that customers' browsers use, such as https://consent.example.is",
			"consentd.yaml: keys_file: missing; name the keyset file; make one with: consentd keys init",
			"consentd.yaml: banks: give at least one, such as: - profile: landsbankinn or landsbankinn-sandbox or landshypotek or sandbox",
		},
	},
	{
		name: "unknown keys",
		text: base + "public_ur: x\nlease: 5s\nbogus: 1\nredis:\n  adresses: [a:1]\n",
		want: []string{
			`consentd.yaml:8: public_ur: unknown key; did you mean "public_url"?`,
			`consentd.yaml:9: lease: unknown key; did you mean "refresh.lease"? Look at the indentation`,
			`consentd.yaml:10: bogus: unknown key`,
			`consentd.yaml:12: redis.adresses: unknown key; did you mean "addresses"?`,
		},
	},
	{
		name: "values of the wrong form",
		text: base + "environment: prod\nlisten: 8080\nlog_level: loud\nshutdown_timeout: 30\ntrusted_proxies: [10.0.0.1, 0.0.0.0/0]\nredis: {database: one, tls: maybe, addresses: [nohost]}\nlinks: []\n",
		want: []string{
			"consentd.yaml:8: environment: want production, test or demo",
			"consentd.yaml:9: listen: want an address and a port, such as :8080 or 127.0.0.1:9090",
			"consentd.yaml:10: log_level: want debug, info, warn or error",
			"consentd.yaml:11: shutdown_timeout: want a duration with its unit, such as 60s, 10m or 2160h",
			"consentd.yaml:12: trusted_proxies[0]: want a network such as 10.0.0.0/8; a single address ends in /32",
			"consentd.yaml:12: trusted_proxies[1]: trusts every sender; name the load balancers' network",
			"consentd.yaml:13: redis.database: want a whole number, 0 or more",
			"consentd.yaml:13: redis.tls: want true or false",
			"consentd.yaml:13: redis.addresses[0]: want host:port, such as redis.internal:6379",
			"consentd.yaml:14: links: want keys and their values, indented below it",
		},
	},
	{
		name: "times that break a promise",
		text: base + "shutdown_timeout: 20s\nrefresh: {lease: 30s, margin: 10s}\nlinks: {start_link_life: 11m, flow_life: 0s, confirm_life: 2h}\n",
		want: []string{
			"consentd.yaml:8: shutdown_timeout: must be longer than refresh.bank_deadline (20s), or stopping could cut a refresh in two",
			"consentd.yaml:9: refresh.lease: must be longer than bank_deadline and margin together (30s), or two replicas could use one refresh token at once",
			"consentd.yaml:10: links.flow_life: must be more than zero",
			"consentd.yaml:10: links.start_link_life: must be at most 10m",
			"consentd.yaml:10: links.confirm_life: must be at most 1h",
		},
	},
	{
		name: "Redis",
		text: base + "redis:\n  addresses: [r1:6379, r2:6379]\n  database: 2\n  username: x\n  tls_ca_file: ca.pem\n  sentinel_password: y\n",
		want: []string{
			"consentd.yaml:8: redis.tls: Redis on another host is reached without TLS; set tls: true, or allow_plaintext: true if something else encrypts the line",
			"consentd.yaml:8: redis.password: missing beside username; set CONSENTD_REDIS_PASSWORD or CONSENTD_REDIS_PASSWORD_FILE",
			"consentd.yaml:10: redis.database: a cluster has only database 0",
			"consentd.yaml:12: redis.tls_ca_file: has no effect without tls: true",
			"consentd.yaml:13: redis.sentinel_password: has no effect without sentinel_master",
		},
	},
	{
		name: "public_url and admin_listen",
		text: strings.Replace(base, "https://consent.example.is", "http://u:p@consent.example.is/x?y", 1) + "admin_listen: :8080\n",
		want: []string{
			"consentd.yaml:1: public_url: must begin with https://; http is only for environment test and demo",
			"consentd.yaml:8: admin_listen: is the same address as listen; health and metrics need their own",
		},
	},
	{
		name: "banks that cannot be found",
		text: "public_url: https://c.example\nkeys_file: k\nbanks:\n- profile: landsbankin\n- {profile: sandbox, id: Bad_Id}\n-\n- 7\n",
		want: []string{
			`consentd.yaml:4: banks.landsbankin.profile: no such profile; shipped are landsbankinn, landsbankinn-sandbox, landshypotek or sandbox; did you mean "landsbankinn"?`,
			"consentd.yaml:5: banks.sandbox.client_id: missing; take it from the bank's developer portal",
			"consentd.yaml:5: banks.sandbox.issuer: missing; give the bank's issuer, letter for letter as its ID tokens have it",
			"consentd.yaml:5: banks.sandbox.id: want a lower-case letter, then letters, digits and hyphens, 40 at most, such as my-bank",
			"consentd.yaml:5: banks.sandbox.client_secret: missing; set CONSENTD_BANKS_SANDBOX_CLIENT_SECRET or CONSENTD_BANKS_SANDBOX_CLIENT_SECRET_FILE",
			"consentd.yaml:6: banks[2]: is empty; remove it",
			"consentd.yaml:7: banks[3]: want keys and their values, indented below it",
		},
	},
	{
		name: "a production bank without its addresses",
		text: "public_url: https://c.example\nkeys_file: k\nbanks:\n- {profile: landsbankinn, client_id: x, client_secret: y}\n",
		want: []string{
			"consentd.yaml:4: banks.landsbankinn.issuer: missing; give the bank's issuer, letter for letter as its ID tokens have it",
			"consentd.yaml:4: banks.landsbankinn.endpoints.authorization: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:4: banks.landsbankinn.endpoints.token: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:4: banks.landsbankinn.endpoints.jwks: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
		},
	},
	{
		name: "bank words",
		text: base + "  authorization_kind: decoupled_poll\n  client_auth: tls_client_auth\n  pkce: plain\n  rotation: grace\n  id_token_algs: [none, RS256]\n  dead_codes: [invalid_grant, invalid_client, Bad]\n  country: Iceland\n  max_in_flight: 0\n  api_key_header: 'a b'\n  allowed_hosts: ['https://x']\n  status_poll: 1h\n  grant_clock: sliding\n  business_codes: ['a b', X1, X1]\n  renewal_replaces_grant: maybe\n",
		want: []string{
			"consentd.yaml:8: banks.sandbox.authorization_kind: decoupled_poll is not supported yet; supported: oauth_code",
			"consentd.yaml:9: banks.sandbox.client_auth: tls_client_auth is not supported yet; supported: client_secret_basic, client_secret_post or private_key_jwt",
			"consentd.yaml:10: banks.sandbox.pkce: want S256 or off",
			"consentd.yaml:11: banks.sandbox.rotation: want none, strict or grace: and a duration, such as grace:30s",
			"consentd.yaml:12: banks.sandbox.id_token_algs[0]: want one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA; none and HS256 are no proof",
			"consentd.yaml:13: banks.sandbox.dead_codes[1]: invalid_client is a fault of ours or the bank's, never proof that a grant ended; remove it",
			"consentd.yaml:13: banks.sandbox.dead_codes[2]: want an OAuth error code, such as invalid_grant",
			"consentd.yaml:14: banks.sandbox.country: want two capital letters, such as IS or SE",
			"consentd.yaml:15: banks.sandbox.max_in_flight: must be at least 1",
			"consentd.yaml:16: banks.sandbox.api_key_header: want the name of a header, such as apikey",
			"consentd.yaml:17: banks.sandbox.allowed_hosts[0]: want a host in lower case, such as auth.bank.example",
			"consentd.yaml:18: banks.sandbox.status_poll: is known, not supported yet; remove it, and see probe.after",
			"consentd.yaml:19: banks.sandbox.grant_clock: sliding is not supported yet; supported: fixed_from_authorisation",
			"consentd.yaml:20: banks.sandbox.business_codes[0]: want an error code of the bank's API, such as ERR_80102_110",
			"consentd.yaml:20: banks.sandbox.business_codes[2]: stands there twice; keep one",
			"consentd.yaml:21: banks.sandbox.renewal_replaces_grant: want true or false",
		},
	},
	{
		name: "bank addresses in production",
		text: strings.Replace(base, "https://bank.example.is", "http://localhost:9000", 1) +
			"  endpoints:\n    authorization: https://10.0.0.1/a\n    token: https://bank.internal/t\n    jwks: https://bank.example.is/k#x\n    revocation: ftp://bank.example.is\n  require_par: true\n  discovery_url: https://u@bank.example.is/\n",
		want: []string{
			"consentd.yaml:5: banks.sandbox.issuer: must begin with https://; http is only for environment test and demo",
			"consentd.yaml:9: banks.sandbox.endpoints.authorization: must name a public host, not an IP address or a local name",
			"consentd.yaml:10: banks.sandbox.endpoints.token: must name a public host, not an IP address or a local name",
			"consentd.yaml:11: banks.sandbox.endpoints.jwks: must not have a fragment (#)",
			"consentd.yaml:12: banks.sandbox.endpoints.revocation: want an address such as https://host.example/path",
			"consentd.yaml:14: banks.sandbox.discovery_url: contradicts endpoints at consentd.yaml:9; keep one",
		},
	},
	{
		name: "PAR without its address",
		text: base + "  require_par: true\n  endpoints: {authorization: 'https://b.example/a', token: 'https://b.example/t', jwks: 'https://b.example/k'}\n",
		want: []string{"consentd.yaml:9: banks.sandbox.endpoints.par: missing; require_par pushes requests there"},
	},
	{
		name: "client authentication",
		text: base + "  client_auth: private_key_jwt\n- {profile: sandbox, id: two, issuer: https://b.example, client_id: x, client_secret: y, signing_key_file: k}\n",
		want: []string{
			"consentd.yaml:4: banks.sandbox.signing_key_file: missing; client_auth private_key_jwt signs with it",
			"consentd.yaml:7: banks.sandbox.client_secret: has no effect with client_auth private_key_jwt; remove it",
			"consentd.yaml:9: banks.two.signing_key_file: has no effect with client_auth client_secret_basic; remove it",
		},
	},
	{
		name: "scopes, national id and validity",
		text: base + "  scopes: {required: [profile, 'a b'], optional: [profile], template: 'AIS:'}\n  national_id: {country: NO, check_digit: warn}\n  consent: {validity: 5m, margin: 10m, inclusive_dates: true, time_zone: Mars/Phobos}\n  access_ttl_fallback: 0s\n",
		want: []string{
			"consentd.yaml:8: banks.sandbox.scopes.required[1]: want one scope, without spaces and quotes",
			"consentd.yaml:8: banks.sandbox.scopes.optional[0]: stands there twice; keep one",
			"consentd.yaml:8: banks.sandbox.scopes.required: lacks openid, without which there is no ID token to take national_id_claim from",
			"consentd.yaml:8: banks.sandbox.scopes.template: is known, not supported yet; remove it",
			"consentd.yaml:9: banks.sandbox.national_id.country: want IS or SE",
			"consentd.yaml:9: banks.sandbox.national_id.check_digit: warn is not supported yet; supported: off or strict",
			"consentd.yaml:10: banks.sandbox.consent.time_zone: want a time zone such as Atlantic/Reykjavik, Europe/Stockholm or UTC",
			"consentd.yaml:10: banks.sandbox.consent.margin: must be shorter than the consent itself",
			"consentd.yaml:10: banks.sandbox.consent.inclusive_dates: has no effect on validity; give validity_days",
			"consentd.yaml:11: banks.sandbox.access_ttl_fallback: must be more than zero",
		},
	},
	{
		name: "a bank without a profile",
		text: base + "- {id: own, client_id: x, client_secret: y, national_id: {check_digit: strict}}\n- {client_id: x}\n",
		want: []string{
			"consentd.yaml:8: banks.own.name: missing; give the name that customers know the bank by",
			"consentd.yaml:8: banks.own.country: missing; give the two-letter country code, such as IS",
			"consentd.yaml:8: banks.own.issuer: missing; give the bank's issuer, letter for letter as its ID tokens have it",
			"consentd.yaml:8: banks.own.scopes.required: missing; list the scopes without which a consent is of no use",
			"consentd.yaml:8: banks.own.endpoints.authorization: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:8: banks.own.endpoints.token: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:8: banks.own.endpoints.jwks: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:8: banks.own.national_id.country: missing; individuals_only and check_digit need to know the form of the id",
			"consentd.yaml:8: banks.own.national_id_claim: missing; individuals_only and check_digit look at it",
			"consentd.yaml:9: banks[2].name: missing; give the name that customers know the bank by",
			"consentd.yaml:9: banks[2].country: missing; give the two-letter country code, such as IS",
			"consentd.yaml:9: banks[2].issuer: missing; give the bank's issuer, letter for letter as its ID tokens have it",
			"consentd.yaml:9: banks[2].scopes.required: missing; list the scopes without which a consent is of no use",
			"consentd.yaml:9: banks[2].id: missing; give the bank a short name, or a profile",
			"consentd.yaml:9: banks[2].client_secret: missing; set CONSENTD_BANKS_2_CLIENT_SECRET or CONSENTD_BANKS_2_CLIENT_SECRET_FILE",
			"consentd.yaml:9: banks[2].endpoints.authorization: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:9: banks[2].endpoints.token: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
			"consentd.yaml:9: banks[2].endpoints.jwks: missing; take it from the bank's documentation, or set discovery_url in place of all endpoints",
		},
	},
	{
		name: "apps",
		text: base + app + "- id: shop\n  name: Other\n  key_hashes: [" + hash1 + ", the-key-itself]\n  banks: [sandbx, sandbox, sandbox]\n  scopes: [acounts]\n  colour: green\n  return_urls:\n    a: http://localhost/x\n    b: https://x.example/#f\n    'c d': https://x.example\n",
		want: []string{
			"consentd.yaml:14: apps[1].id: is the id of apps.shop too; give each its own",
			"consentd.yaml:16: apps[1].key_hashes[1]: want the SHA-256 of an API key in 64 hex digits; the key itself must not stand here",
			"consentd.yaml:16: apps[1].key_hashes[0]: is the key of apps.shop.key_hashes[0] too; each key belongs to one app",
			`consentd.yaml:17: apps[1].banks[0]: no bank has this id; did you mean "sandbox"?`,
			"consentd.yaml:17: apps[1].banks[2]: stands there twice; keep one",
			"consentd.yaml:19: apps[1].colour: want six hex digits, such as 0b5a54",
			"consentd.yaml:21: apps[1].return_urls.a: must begin with https://; http is only for environment test and demo",
			"consentd.yaml:22: apps[1].return_urls.b: must not have a fragment (#)",
			"consentd.yaml:23: apps[1].return_urls: has a key that is not a name of letters, digits, hyphens and underscores",
		},
	},
	{
		name: "scope that no bank offers",
		text: base + app + "  scopes: [acounts]\n",
		want: []string{`consentd.yaml:14: apps.shop.scopes[0]: none of the app's banks has it in scopes.optional; did you mean "accounts"?`},
	},
	{
		name: "twice and contradicting",
		text: base + "listen: :1\nlisten: :2\nredis: {password: a, password_file: b}\n",
		want: []string{
			"consentd.yaml:9: listen: stands here a second time, first at consentd.yaml:8; keep one",
			"consentd.yaml:10: redis.password_file: contradicts password at consentd.yaml:10; keep one",
		},
	},
	{
		name: "warnings of the wrong form",
		text: base + "warn:\n  days: [soon, -3, 0, 366, 7, 7, 14]\n  quiet_from: 9pm\n  quiet_until: 8:00\n",
		want: []string{
			"consentd.yaml:9: warn.days[0]: want a whole number, 0 or more",
			"consentd.yaml:9: warn.days[1]: want a whole number, 0 or more",
			"consentd.yaml:10: warn.quiet_from: want a time of day such as 21:00, or none",
			"consentd.yaml:11: warn.quiet_until: want a time of day such as 21:00, or none",
		},
	},
	{
		name: "warnings that cannot be meant",
		text: base + "warn: {days: [0, 366, 7, 7, 14], quiet_from: none}\n",
		want: []string{
			"consentd.yaml:8: warn.days[0]: want days before the end, 1 to 365; the end itself is always told",
			"consentd.yaml:8: warn.days[1]: want days before the end, 1 to 365; the end itself is always told",
			"consentd.yaml:8: warn.days[3]: stands there twice; keep one",
			"consentd.yaml:8: warn.days[4]: is more than the one before it; list the most days first, such as 30, 14, 7, 3, 1",
			"consentd.yaml:8: warn.quiet_until: has no effect without quiet_from; give both, or none for both",
		},
	},
	{
		name: "quiet all day, probes, retention and work",
		text: base + "warn: {quiet_from: \"08:00\"}\nprobe: {after: 30s, per_minute: 0}\nretention: 23h\nwork: {every: sometimes}\n",
		want: []string{
			"consentd.yaml:8: warn.quiet_until: is the same as quiet_from; for no quiet hours, set both to none",
			"consentd.yaml:9: probe.per_minute: must be at least 1; to ask no bank, set probe.after: 0s",
			"consentd.yaml:9: probe.after: must be at least 1m, or 0s for never",
			"consentd.yaml:10: retention: must be at least 24h; records are what explains a consent that ended",
			"consentd.yaml:11: work.every: want a duration such as 30s, or a cron spec such as */5 * * * *",
		},
	},
	{
		name: "work too often",
		text: base + "work: {every: 500ms}\n",
		want: []string{"consentd.yaml:8: work.every: want whole seconds, from 1s to 1h"},
	},
	{
		name: "mail",
		text: base + "mail:\n  host: mail.example.is:25\n  port: 70000\n  username: x\n  from: nobody\n  tls: none\n",
		want: []string{
			"consentd.yaml:8: mail.password: missing beside username; set CONSENTD_MAIL_PASSWORD or CONSENTD_MAIL_PASSWORD_FILE",
			"consentd.yaml:9: mail.host: want the name or address of a server alone, such as mail.example.is; the port has its own setting",
			"consentd.yaml:10: mail.port: want a port, up to 65535",
			"consentd.yaml:11: mail.username: would show its password to the network with tls none; remove it, or encrypt the line",
			"consentd.yaml:12: mail.from: want an e-mail address with or without a name, such as Example <no-reply@example.is>",
			"consentd.yaml:13: mail.tls: none is only for environment test and demo: mails name customers and carry links",
		},
	},
	{
		name: "mail without a server, and without a sender",
		text: base + "mail: {username: x, password: y, from: a@example.is}\n",
		want: []string{
			"consentd.yaml:8: mail.username: has no effect without mail.host",
			"consentd.yaml:8: mail.password: has no effect without mail.host",
			"consentd.yaml:8: mail.from: has no effect without mail.host",
		},
	},
	{
		name:    "mail password alone",
		text:    base + "mail: {host: m.example.is}\n",
		environ: []string{"CONSENTD_MAIL_PASSWORD=y"},
		want: []string{
			"consentd.yaml:8: mail.from: missing; give the sender, such as Example <no-reply@example.is>",
			"CONSENTD_MAIL_PASSWORD: mail.password: has no effect without mail.username",
		},
	},
	{
		name: "webhooks",
		text: base + app + "  webhook:\n    url: http://localhost/hooks\n    secrets: [whsec_short, " + hook1 + ", " + hook1 + "]\n" +
			strings.Replace(strings.Replace(strings.TrimPrefix(app, "apps:\n"), "shop", "two", 1), hash1, strings.Repeat("ab", 32), 1) + "  webhook: {url: 'https://hooks.internal/x'}\n",
		want: []string{
			"consentd.yaml:15: apps.shop.webhook.url: must begin with https://; http is only for environment test and demo",
			"consentd.yaml:16: apps.shop.webhook.secrets: are more than two; keep the app's old one and its new one",
			"consentd.yaml:16: apps.shop.webhook.secrets[0]: want whsec_ and the base64 of 24 to 64 bytes, as made by: echo whsec_$(openssl rand -base64 32)",
			"consentd.yaml:16: apps.shop.webhook.secrets[2]: stands there twice; keep one",
			"consentd.yaml:22: apps.two.webhook.url: must name a public host, not an IP address or a local name",
			"consentd.yaml:22: apps.two.webhook.secrets: missing; without a signature the app could not tell who called. Set CONSENTD_APPS_TWO_WEBHOOK_SECRETS or CONSENTD_APPS_TWO_WEBHOOK_SECRETS_FILE",
		},
	},
	{
		name: "no YAML",
		text: "a: [1,2\nb: 3",
		want: []string{"consentd.yaml:2: unreadable as YAML: did not find expected ',' or ']'; look at the indentation and the quotes here and just above"},
	},
	{
		name: "two documents",
		text: base + "---\na: 1\n",
		want: []string{"consentd.yaml:8: a second document begins here; the file holds one: remove the line with ---"},
	},
	{
		name:    "variables",
		text:    base,
		environ: []string{"CONSENTD_LISTN=:1", "CONSENTD_LISTEN=8", "CONSENTD_BANKS_3_ID=x", "CONSENTD_REDIS_PASSWORD=a", "CONSENTD_REDIS_PASSWORD_FILE=b", "CONSENTD_KEYS_FILE=", "OTHER=1"},
		want: []string{
			"CONSENTD_BANKS_3_ID: there is no number 3 in banks, which has 1; positions count from 0",
			`CONSENTD_LISTN: no such setting; did you mean "CONSENTD_LISTEN"?`,
			"CONSENTD_REDIS_PASSWORD_FILE: redis.password_file: contradicts password at CONSENTD_REDIS_PASSWORD; keep one",
			"CONSENTD_LISTEN: listen: want an address and a port, such as :8080 or 127.0.0.1:9090",
		},
	},
}
