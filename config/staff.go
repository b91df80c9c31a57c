package config

import "time"

// Staff says how staff reach their console, and who they are. Without listen
// there is no console.
type Staff struct {
	Listen       string        `yaml:"listen" doc:"Address and port to serve the staff console on, which need not be on the internet. None: there is no console."`
	PublicURL    string        `yaml:"public_url" doc:"Address under which staff reach the console; a host of its own. https, except in test and demo."`
	Issuer       string        `yaml:"issuer" doc:"The company's identity provider (OpenID Connect), letter for letter as its ID tokens have it."`
	ClientID     string        `yaml:"client_id" doc:"The console's client id there, registered for it alone, with the redirect address public_url and /callback."`
	ClientSecret Secret        `yaml:"client_secret" doc:"The console's secret there."`
	GroupsClaim  string        `yaml:"groups_claim" default:"groups" doc:"ID-token claim that lists a person's groups."`
	Roles        StaffRoles    `yaml:"roles"`
	ACRValues    []string      `yaml:"acr_values" doc:"Ways of signing in (acr) of which one is asked for and required, such as the one with a second factor. None: any will do."`
	AMR          []string      `yaml:"amr" doc:"Methods (amr) that a sign-in must all have used, such as mfa."`
	Idle         time.Duration `yaml:"idle" default:"15m" doc:"A session ends when nothing was done in it for this long. At most 1h."`
	Absolute     time.Duration `yaml:"absolute" default:"8h" doc:"A session ends this long after signing in, whatever was done. At most 12h. Groups are read at sign-in: a role that was taken away ends with the session."`
}

// StaffRoles maps the company's groups to what their members may do. Of
// several, the first of admin, support and auditor counts.
type StaffRoles struct {
	Support []string `yaml:"support" doc:"Groups that answer calls: see, send renewal links, stop an access with a reason."`
	Auditor []string `yaml:"auditor" doc:"Groups that see everything, the audit log included, and change nothing."`
	Admin   []string `yaml:"admin" doc:"Groups that may do all of it, and end incidents and send events again."`
}

// Enabled tells whether there is a console.
func (s Staff) Enabled() bool { return s.Listen != "" }
