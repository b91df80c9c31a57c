package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// check reports what single settings cannot show: how they fit together, and
// what production forbids.
func (r *report) check(c Config) {
	r.checkServer(c)
	r.checkRedis(c)
	r.checkTimes(c)
	r.checkLife(c)
	r.checkLimits(c)
	r.checkStaff(c)
	r.checkBanks(c)
	r.checkApps(c)
	r.checkWorkloadIssuers(c)
	r.checkCertificates(c)
}

func (r *report) checkServer(c Config) {
	r.checkURL("public_url", c.PublicURL, urlRules{plain: c.Environment != Production, bare: true})
	anyPort := c.Environment != Production
	r.checkListen("listen", c.Listen, anyPort)
	r.checkListen("admin_listen", c.AdminListen, anyPort)
	if c.Listen == c.AdminListen && !strings.HasSuffix(c.Listen, ":0") {
		r.bad("admin_listen", "is the same address as listen; health and metrics need their own")
	}
	for i, p := range c.TrustedProxies {
		if p.Bits() == 0 {
			r.bad("trusted_proxies["+strconv.Itoa(i)+"]", "trusts every sender; name the load balancers' network")
		}
	}
}

// checkListen reports what cannot be listened on. Port 0 is any free one,
// which is of use to tests alone.
func (r *report) checkListen(setting, addr string, anyPort bool) {
	host, port, err := net.SplitHostPort(addr)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || n == 0 && !anyPort || strings.ContainsAny(host, " /") {
		r.bad(setting, "want an address and a port, such as :8080 or 127.0.0.1:9090")
	}
}

func (r *report) checkRedis(c Config) {
	redis := c.Redis
	if len(redis.Addresses) == 0 {
		r.bad("redis.addresses", "is empty; give at least one host:port")
	}
	remote := false
	for i, addr := range redis.Addresses {
		host, port, err := net.SplitHostPort(addr)
		n, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || n == 0 || host == "" || strings.ContainsAny(host, "/@ ") {
			r.bad("redis.addresses["+strconv.Itoa(i)+"]", "want host:port, such as redis.internal:6379")
			continue
		}
		remote = remote || !isLoopback(host)
	}
	if c.Environment == Production && remote && !redis.TLS && !redis.AllowPlaintext {
		r.bad("redis.tls", "Redis on another host is reached without TLS; set tls: true, or allow_plaintext: true if something else encrypts the line")
	}
	if redis.SentinelMaster != "" && redis.Cluster {
		r.bad("redis.cluster", "contradicts sentinel_master; keep one")
	}
	if redis.Mode() == RedisCluster && redis.Database != 0 {
		r.bad("redis.database", "a cluster has only database 0")
	}
	r.checkRedisNeighbours(redis)
}

// checkRedisNeighbours reports settings that have no effect without another.
func (r *report) checkRedisNeighbours(redis Redis) {
	if !redis.TLS && redis.TLSCAFile != "" {
		r.bad("redis.tls_ca_file", "has no effect without tls: true")
	}
	if !redis.TLS && redis.TLSServerName != "" {
		r.bad("redis.tls_server_name", "has no effect without tls: true")
	}
	if redis.SentinelMaster == "" && redis.SentinelUser != "" {
		r.bad("redis.sentinel_username", "has no effect without sentinel_master")
	}
	if redis.SentinelMaster == "" && redis.SentinelPass != "" {
		r.bad("redis.sentinel_password", "has no effect without sentinel_master")
	}
	if redis.Username != "" && redis.Password == "" {
		r.bad("redis.password", "missing beside username; set CONSENTD_REDIS_PASSWORD or CONSENTD_REDIS_PASSWORD_FILE")
	}
}

// checkTimes reports times that would break a promise: two refreshes of one
// grant at once, or a refresh killed by its own process stopping.
func (r *report) checkTimes(c Config) {
	f := c.Refresh
	for setting, d := range map[string]time.Duration{
		"refresh.bank_deadline": f.BankDeadline,
		"refresh.margin":        f.Margin,
		"links.start_link_life": c.Links.StartLinkLife,
		"links.flow_life":       c.Links.FlowLife,
		"links.confirm_life":    c.Links.ConfirmLife,
	} {
		if d <= 0 && !r.has(setting) {
			r.bad(setting, "must be more than zero")
		}
	}
	if f.Lease <= f.BankDeadline+f.Margin {
		r.bad("refresh.lease", "must be longer than bank_deadline and margin together (%s), or two replicas could use one refresh token at once",
			durationText(f.BankDeadline+f.Margin))
	}
	if c.ShutdownTimeout <= f.BankDeadline {
		r.bad("shutdown_timeout", "must be longer than refresh.bank_deadline (%s), or stopping could cut a refresh in two", durationText(f.BankDeadline))
	}
	r.checkMost("links.start_link_life", c.Links.StartLinkLife, 10*time.Minute)
	r.checkMost("links.flow_life", c.Links.FlowLife, 10*time.Minute)
	r.checkMost("links.confirm_life", c.Links.ConfirmLife, time.Hour)
}

func (r *report) checkMost(setting string, d, most time.Duration) {
	if d > most {
		r.bad(setting, "must be at most %s", durationText(most))
	}
}

// checkID reports an id that is malformed or taken.
func (r *report) checkID(at, id string, seen map[string]string) {
	switch first, taken := seen[id]; {
	case id == "":
		return // reported as missing
	case !idForm.MatchString(id) || len(id) > 40:
		r.bad(at+".id", "want a lower-case letter, then letters, digits and hyphens, 40 at most, such as my-bank")
	case taken:
		r.bad(at+".id", "is the id of %s too; give each its own", first)
	default:
		seen[id] = at
	}
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
