package config

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The longest that a staff session may last.
const (
	mostStaffIdle     = time.Hour
	mostStaffAbsolute = 12 * time.Hour
)

func (r *report) checkStaff(c Config) {
	s := c.Staff
	if !s.Enabled() {
		r.checkNoStaff(s)
		return
	}
	r.checkListen("staff.listen", s.Listen, c.Environment != Production)
	if !strings.HasSuffix(s.Listen, ":0") && (s.Listen == c.Listen || s.Listen == c.AdminListen) {
		r.bad("staff.listen", "is the same address as listen or admin_listen; the console needs its own")
	}
	for _, m := range []struct{ key, value, hint string }{
		{"public_url", s.PublicURL, "give the address that staff open, such as https://consent-staff.example.is"},
		{"issuer", s.Issuer, "give the issuer of the company's identity provider"},
		{"client_id", s.ClientID, "register the console at the identity provider"},
	} {
		if m.value == "" {
			r.bad("staff."+m.key, "missing; %s", m.hint)
		}
	}
	if s.ClientSecret == "" && !r.has("staff.client_secret"+fileSuffix) {
		r.bad("staff.client_secret", "missing; set CONSENTD_STAFF_CLIENT_SECRET or CONSENTD_STAFF_CLIENT_SECRET_FILE")
	}
	plain := c.Environment != Production
	r.checkURL("staff.public_url", s.PublicURL, urlRules{plain: plain, bare: true})
	r.checkURL("staff.issuer", s.Issuer, urlRules{plain: plain})
	if sameHost(s.PublicURL, c.PublicURL, plain) {
		r.bad("staff.public_url", "is on the same host as public_url; customers must not reach the console")
	}
	r.checkStaffRoles(s)
	r.checkStaffTimes(s)
}

// checkNoStaff reports what was set for a console that there is not.
func (r *report) checkNoStaff(s Staff) {
	for _, m := range []struct{ key, value string }{
		{"public_url", s.PublicURL}, {"issuer", s.Issuer}, {"client_id", s.ClientID}, {"client_secret", string(s.ClientSecret)},
		{"roles.support", strings.Join(s.Roles.Support, "")}, {"roles.auditor", strings.Join(s.Roles.Auditor, "")},
		{"roles.admin", strings.Join(s.Roles.Admin, "")},
	} {
		if m.value != "" {
			r.bad("staff."+m.key, "has no effect without staff.listen")
		}
	}
}

func sameHost(a, b string, portsCount bool) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	if errX != nil || errY != nil || x.Host == "" {
		return false
	}
	if portsCount {
		return strings.EqualFold(x.Host, y.Host)
	}
	return strings.EqualFold(x.Hostname(), y.Hostname())
}

func (r *report) checkStaffRoles(s Staff) {
	first := map[string]string{}
	for _, role := range []struct {
		key    string
		groups []string
	}{{"support", s.Roles.Support}, {"auditor", s.Roles.Auditor}, {"admin", s.Roles.Admin}} {
		for i, group := range role.groups {
			name := "staff.roles." + role.key + "[" + strconv.Itoa(i) + "]"
			if before, taken := first[group]; taken {
				r.bad(name, "is a group of %s too; keep one", before)
			}
			first[group] = role.key
		}
	}
	if len(first) == 0 {
		r.bad("staff.roles", "are empty, so nobody could sign in; give at least one group")
	}
	if s.GroupsClaim == "" {
		r.bad("staff.groups_claim", "is empty; name the claim that lists groups")
	}
}

func (r *report) checkStaffTimes(s Staff) {
	for key, d := range map[string]time.Duration{"staff.idle": s.Idle, "staff.absolute": s.Absolute} {
		if d < time.Minute && !r.has(key) {
			r.bad(key, "must be at least 1m")
		}
	}
	r.checkMost("staff.idle", s.Idle, mostStaffIdle)
	r.checkMost("staff.absolute", s.Absolute, mostStaffAbsolute)
	if s.Idle > s.Absolute && s.Absolute >= time.Minute && s.Idle <= mostStaffIdle {
		r.bad("staff.idle", "is longer than absolute (%s)", durationText(s.Absolute))
	}
}
