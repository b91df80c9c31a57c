// Package config loads and checks settings, bank profiles among them, and
// reports everything that is wrong with them at once.
//
// A setting has one name everywhere: "refresh.lease" is the key lease under
// refresh in the YAML file, the variable CONSENTD_REFRESH_LEASE, and the words
// of a [Problem]. The structs below are the only list of settings: their tags
// hold the key, the default and the description, from which files are
// decoded, variables resolved, [Reference] written and [Config.Print] printed.
//
// Sources are laid over each other: default, bank profile, file, environment.
// What a source sets replaces what an earlier one said, so a bank's entry can
// change any field of its profile.
//
// Problems quote no values, apart from words and ids that are known: what stands
// in a wrong place may be a secret. The package dials nothing; of the files that
// settings name it reads only those with a secret (its key and _file).
package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is the outcome of [Load]: checked, and with nothing left to default.
// It is read-only and safe to share.
type Config struct {
	Environment     Environment      `yaml:"environment" default:"production" values:"production|test|demo" doc:"What this installation is for. Only test and demo accept plain http and private addresses."`
	PublicURL       string           `yaml:"public_url" need:"give the address that customers' browsers use, such as https://consent.example.is" doc:"Address under which browsers and banks reach consentd. All links are made from it, never from a request. https, except in test and demo."`
	ServiceName     string           `yaml:"service_name" doc:"What customers read at the top of each page. None: Bank access, in their language."`
	Listen          string           `yaml:"listen" default:":8080" doc:"Address and port to serve customers and apps on."`
	ListenTLS       ListenTLS        `yaml:"listen_tls"`
	AdminListen     string           `yaml:"admin_listen" default:"127.0.0.1:9090" doc:"Address and port for health checks and metrics. Keep it off the internet."`
	TrustedProxies  []netip.Prefix   `yaml:"trusted_proxies" doc:"Networks of the load balancers whose X-Forwarded-For is believed. None: the peer's address counts."`
	ShutdownTimeout time.Duration    `yaml:"shutdown_timeout" default:"25s" doc:"How long a stopping process finishes requests and refreshes. Longer than refresh.bank_deadline; shorter than the platform's own grace (Kubernetes: 30s)."`
	LogFormat       LogFormat        `yaml:"log_format" default:"json" values:"json|text" doc:"Form of a log line."`
	LogLevel        slog.Level       `yaml:"log_level" default:"info" doc:"Least severe line that is logged: debug, info, warn or error. What staff do is logged at every level."`
	KeysFile        string           `yaml:"keys_file" need:"name the keyset file; make one with: consentd keys init" doc:"File with the keys that seal grants and personal data. Readable by the service alone (mode 0600 or 0400)."`
	Redis           Redis            `yaml:"redis"`
	Refresh         Refresh          `yaml:"refresh"`
	Links           Links            `yaml:"links"`
	Warn            Warn             `yaml:"warn"`
	Probe           Probe            `yaml:"probe"`
	RateLimit       RateLimit        `yaml:"rate_limit"`
	PageRateLimit   PageRateLimit    `yaml:"page_rate_limit"`
	Retention       time.Duration    `yaml:"retention" default:"17520h" doc:"How long a record outlives its consent, to explain it: 17520h is two years. Then it is deleted with its timeline. At least 24h."`
	Work            Work             `yaml:"work"`
	API             API              `yaml:"api"`
	Mail            Mail             `yaml:"mail"`
	Staff           Staff            `yaml:"staff"`
	Banks           []Bank           `yaml:"banks" doc:"The banks, each by a profile and what differs from it."`
	WorkloadIssuers []WorkloadIssuer `yaml:"workload_issuers" doc:"Who gives tokens to apps' programs: a Kubernetes cluster, or the company's identity provider."`
	Apps            []App            `yaml:"apps" doc:"The payment services that may ask for consents."`

	origins origins
}

// Environment says what an installation is for.
type Environment string

// The environments.
const (
	Production Environment = "production"
	Test       Environment = "test"
	Demo       Environment = "demo"
)

// LogFormat is the form of a log line.
type LogFormat string

// The log formats.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// ListenTLS says how listen is encrypted, where no proxy does it.
type ListenTLS struct {
	CertFile     string `yaml:"cert_file" doc:"PEM file with our certificate and those above it. With it listen talks TLS. A changed file counts from the next connection on."`
	KeyFile      string `yaml:"key_file" doc:"PEM file with its private key."`
	ClientCAFile string `yaml:"client_ca_file" doc:"PEM file with the authorities whose certificates apps may show; see apps[].certificates. Nobody has to show one."`
}

// Redis says where the system of record is, and how it is reached.
type Redis struct {
	Addresses      []string `yaml:"addresses" default:"127.0.0.1:6379" doc:"host:port. One: a single server. Several: a cluster's nodes, or the sentinels when sentinel_master is set."`
	SentinelMaster string   `yaml:"sentinel_master" doc:"Name of the master that the sentinels watch. Makes addresses the sentinels'."`
	Cluster        bool     `yaml:"cluster" default:"false" doc:"The one address is a cluster's configuration endpoint."`
	Username       string   `yaml:"username" doc:"ACL user."`
	Password       Secret   `yaml:"password" doc:"The ACL user's password."`
	SentinelUser   string   `yaml:"sentinel_username" doc:"ACL user at the sentinels, when they ask for one."`
	SentinelPass   Secret   `yaml:"sentinel_password" doc:"The sentinels' password."`
	Database       int      `yaml:"database" default:"0" doc:"Number of the database. A cluster has only 0."`
	TLS            bool     `yaml:"tls" default:"false" doc:"Talk TLS."`
	TLSCAFile      string   `yaml:"tls_ca_file" doc:"PEM file with the authority that signed the server's certificate. Empty: the system's authorities."`
	TLSServerName  string   `yaml:"tls_server_name" doc:"Name in the server's certificate, where it differs from the address."`
	AllowPlaintext bool     `yaml:"allow_plaintext" default:"false" doc:"Accept Redis without TLS on another host in production, because something else encrypts the line."`
	AllowVolatile  bool     `yaml:"allow_volatile" default:"false" doc:"Start on a server that evicts keys or keeps nothing on disk. Loses grants; for demonstrations."`
	Attested       bool     `yaml:"attested" default:"false" doc:"The operator vouches for noeviction and persistence, because a managed Redis hides CONFIG."`
}

// RedisMode is the kind of Redis installation.
type RedisMode string

// The kinds of Redis installation.
const (
	RedisSingle   RedisMode = "single"
	RedisSentinel RedisMode = "sentinel"
	RedisCluster  RedisMode = "cluster"
)

// Mode returns the kind of installation that the addresses belong to.
func (r Redis) Mode() RedisMode {
	switch {
	case r.SentinelMaster != "":
		return RedisSentinel
	case r.Cluster || len(r.Addresses) > 1:
		return RedisCluster
	}
	return RedisSingle
}

// Refresh holds the times of the refresh protocol. Load made sure that
// Lease > BankDeadline + Margin, which is what keeps two replicas from using
// one refresh token at once.
type Refresh struct {
	Lease        time.Duration `yaml:"lease" default:"60s" doc:"How long one replica alone may refresh a grant. Longer than bank_deadline and margin together."`
	BankDeadline time.Duration `yaml:"bank_deadline" default:"20s" doc:"How long one request to a bank may take, all told."`
	Margin       time.Duration `yaml:"margin" default:"10s" doc:"Room for storing the bank's answer, and for clocks that differ."`
	Ahead        time.Duration `yaml:"ahead" default:"60s" doc:"How long before its expiry an access token is refreshed in the background."`
	MinTTLLeeway time.Duration `yaml:"min_ttl_leeway" default:"10s" doc:"A token with less than this left is never handed out."`
}

// Links says how long the one-time links of a grant live.
type Links struct {
	StartLinkLife time.Duration `yaml:"start_link_life" default:"10m" doc:"Life of the link to the page that asks the customer. At most 10m."`
	FlowLife      time.Duration `yaml:"flow_life" default:"10m" doc:"How long a customer may take at the bank. At most 10m."`
	ConfirmLife   time.Duration `yaml:"confirm_life" default:"10m" doc:"How long an app may take to confirm with the completion code. At most 1h."`
}

// Bank returns the bank with that id.
func (c Config) Bank(id string) (Bank, bool) {
	for _, b := range c.Banks {
		if b.ID == id {
			return b, true
		}
	}
	return Bank{}, false
}

// MayDialPrivate tells whether connections to b may go to loopback and
// private addresses: outside production, and where b says so.
func (c Config) MayDialPrivate(b Bank) bool {
	return c.Environment != Production || b.PrivateNetwork
}
