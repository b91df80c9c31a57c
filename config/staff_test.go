package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/config"
)

const console = base + app + `staff:
  listen: :8081
  public_url: https://staff.example.is
  issuer: https://login.example.is
  client_id: console
  client_secret: s3
  roles: {support: [kundethjonusta], auditor: [innri-endurskodun], admin: [consentd-admins]}
`

func TestStaff(t *testing.T) {
	c := mustLoad(t, console+"  amr: [mfa]\n").Staff
	want := config.Staff{Listen: ":8081", PublicURL: "https://staff.example.is", Issuer: "https://login.example.is", ClientID: "console",
		ClientSecret: "s3", GroupsClaim: "groups", AMR: []string{"mfa"}, Idle: 15 * time.Minute, Absolute: 8 * time.Hour,
		Roles: config.StaffRoles{Support: []string{"kundethjonusta"}, Auditor: []string{"innri-endurskodun"}, Admin: []string{"consentd-admins"}}}
	if diff := cmp.Diff(want, c); diff != "" || !c.Enabled() {
		t.Errorf("Staff differs (-want +got):\n%s", diff)
	}
	if mustLoad(t, base+app).Staff.Enabled() {
		t.Error("there is a console that nobody asked for")
	}
}

func TestStaffMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"nothing but an address": {base + app + "staff: {listen: ':8080'}\n", []string{
			"staff.listen: is the same address as listen or admin_listen; the console needs its own",
			"staff.public_url: missing; give the address that staff open, such as https://consent-staff.example.is",
			"staff.issuer: missing; give the issuer of the company's identity provider",
			"staff.client_id: missing; register the console at the identity provider",
			"staff.client_secret: missing; set CONSENTD_STAFF_CLIENT_SECRET or CONSENTD_STAFF_CLIENT_SECRET_FILE",
			"staff.roles: are empty, so nobody could sign in; give at least one group",
		}},
		"no console": {base + app + "staff: {issuer: 'https://login.example.is', roles: {admin: [a]}}\n", []string{
			"staff.issuer: has no effect without staff.listen",
			"staff.roles.admin: has no effect without staff.listen",
		}},
		"one host": {strings.Replace(console, "https://staff", "https://consent", 1), []string{
			"staff.public_url: is on the same host as public_url; customers must not reach the console",
		}},
		"times and groups": {strings.Replace(console, "[innri-endurskodun]", "[kundethjonusta]", 1) + "  idle: 2h\n  absolute: 30s\n", []string{
			"staff.roles.auditor[0]: is a group of support too; keep one",
			"staff.idle: must be at most 1h",
			"staff.absolute: must be at least 1m",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := problems(t, tt.text)
			for i := range got {
				_, got[i], _ = strings.Cut(got[i], ": ") // where in the file is not the point
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems differ (-want +got):\n%s", diff)
			}
		})
	}
}
