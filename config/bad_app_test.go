package config_test

import "strings"

// badApps are mistakes in how apps are known and what they may do.
var badApps = []badFile{
	{
		name: "what apps may do",
		text: base + strings.Replace(app, `"]`, `", `+hash2+`, `+strings.Repeat("ab", 32)+`]`, 1) +
			"  operations: [read, red, read]\n  rate_limit: {burst: 7000}\nrate_limit: {per: 0s}\npage_rate_limit: {requests: 2000000}\n",
		want: []string{
			"consentd.yaml:11: apps.shop.key_hashes: are more than two; keep the app's old one and its new one",
			"consentd.yaml:14: apps.shop.operations[1]: want create, read, token, renew, revoke, confirm, report, erase or egress",
			"consentd.yaml:14: apps.shop.operations[2]: stands there twice; keep one",
			"consentd.yaml:15: apps.shop.rate_limit.per: want a time from 1s to 24h",
			"consentd.yaml:16: rate_limit.per: want a time from 1s to 24h",
			"consentd.yaml:17: page_rate_limit.requests: must be at most 1000000; for no limit, set it to 0",
		},
	},
	{
		name: "egress",
		text: base + app + "  operations: [read, egress]\n" +
			"- {id: two, name: Two, banks: [sandbox], key_hashes: [" + hash2 + "], return_urls: {a: 'https://x.example'}, egress: {paths: [GET /a]}}\n" +
			"- {id: three, name: Three, banks: [sandbox], key_hashes: [" + strings.Repeat("ab", 32) + "], return_urls: {a: 'https://x.example'}, operations: [egress], egress: {paths: [GET /a/*, FETCH /a, GET a, GET /a/../b, GET /**/a, 'GET /a/**', 'GET /pay*', 'GET /x**']}}\n",
		want: []string{
			"consentd.yaml:4: banks.sandbox.api_base_url: missing; an app has egress in operations",
			"consentd.yaml:9: apps.shop.egress.paths: missing; egress is in operations, so list the calls, such as GET /v1/payments/*",
			"consentd.yaml:15: apps.two.egress.paths: has no effect without egress in operations",
			"consentd.yaml:16: apps.three.egress.paths[1]: want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end",
			"consentd.yaml:16: apps.three.egress.paths[2]: want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end",
			"consentd.yaml:16: apps.three.egress.paths[3]: want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end",
			"consentd.yaml:16: apps.three.egress.paths[4]: want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end",
			"consentd.yaml:16: apps.three.egress.paths[6]: want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end",
			"consentd.yaml:16: apps.three.egress.paths[7]: want a method and a path, such as GET /v1/payments/*; * is a whole part of it, ** stands at the end",
		},
	},
	{
		name: "egress to a bank that wants a key",
		text: base + "  api_base_url: https://api.example.is/?x\n" + app + "  operations: [egress]\n  egress: {paths: [GET /a]}\n",
		want: []string{
			"consentd.yaml:4: banks.sandbox.api_key: missing; an app has egress in operations, and the bank wants api_key_header. Set CONSENTD_BANKS_SANDBOX_API_KEY or CONSENTD_BANKS_SANDBOX_API_KEY_FILE",
			"consentd.yaml:8: banks.sandbox.api_base_url: must not have a query (?)",
		},
	},
	{
		name: "certificates",
		text: base + app + "  certificates: [shop.internal, 'spiffe://x/shop', '*.internal', shop.internal]\nlisten_tls: {cert_file: a.pem, client_ca_file: ca.pem}\n",
		want: []string{
			"consentd.yaml:14: apps.shop.certificates[2]: want a DNS name in lower case or a URI, such as shop.internal or spiffe://example.is/shop",
			"consentd.yaml:14: apps.shop.certificates[3]: is apps.shop.certificates[0] too; one certificate must not be two apps",
			"consentd.yaml:15: listen_tls.key_file: missing; cert_file needs its private key",
		},
	},
	{
		name: "certificates that nobody verifies",
		text: base + app + "  certificates: [shop.internal]\nlisten_tls: {key_file: a.pem, client_ca_file: ca.pem}\n",
		want: []string{
			"consentd.yaml:15: listen_tls.key_file: has no effect without cert_file",
			"consentd.yaml:15: listen_tls.client_ca_file: has no effect without cert_file: only a certificate that listen itself verified counts",
		},
	},
	{
		name: "workloads",
		text: base + strings.Replace(app, "  key_hashes: [\""+hash1+"\"]\n", "  workloads:\n  - {issuer: cluster, subject: a, claims: {team: x}}\n  - {issuer: clster}\n", 1) +
			"- {id: two, name: Two, banks: [sandbox], return_urls: {a: 'https://x.example'}, workloads: [{issuer: cluster, subject: a, claims: {team: y}}, {issuer: cluster, subject: a, claims: {env: y}}]}\n" +
			"- {id: three, name: Three, banks: [sandbox], return_urls: {a: 'https://x.example'}}\n" +
			"workload_issuers:\n- {id: cluster, issuer: 'http://k8s.internal'}\n- {id: cluster, issuer: 'http://k8s.internal', jwks_url: 'ftp://x'}\n",
		want: []string{
			"consentd.yaml:13: apps.shop.workloads[1].subject: missing; give the sub of its tokens",
			`consentd.yaml:13: apps.shop.workloads[1].issuer: no issuer in workload_issuers has this id; did you mean "cluster"?`,
			"consentd.yaml:16: apps.two.workloads[1]: can be the same program as apps.shop.workloads[0]; one token must not be two apps",
			"consentd.yaml:17: apps.three.key_hashes: missing; give the SHA-256 of at least one API key, in hex, or workloads or certificates",
			"consentd.yaml:19: workload_issuers.cluster.issuer: must begin with https://; http is only for environment test and demo",
			"consentd.yaml:20: workload_issuers[1].id: is the id of workload_issuers.cluster too; give each its own",
			"consentd.yaml:20: workload_issuers[1].issuer: must begin with https://; http is only for environment test and demo",
			"consentd.yaml:20: workload_issuers[1].jwks_url: want an address such as https://host.example/path",
			"consentd.yaml:20: workload_issuers[1].issuer: is the issuer of workload_issuers.cluster too; keep one",
		},
	},
	{
		name: "an app that may do nothing",
		text: base + app + "  operations: []\n  rate_limit: {requests: 5, burst: 6}\n",
		want: []string{
			"consentd.yaml:14: apps.shop.operations: is empty, so that the app could do nothing; leave it out for all but egress",
			"consentd.yaml:15: apps.shop.rate_limit.burst: must be at most requests (5)",
		},
	},
}
