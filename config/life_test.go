package config_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/config"
)

func TestLifeDefaults(t *testing.T) {
	c := mustLoad(t, base+app)
	want := config.Warn{Days: []int{30, 14, 7, 3, 1}, QuietFrom: config.TimeOfDay(21 * time.Hour), QuietUntil: config.TimeOfDay(8 * time.Hour)}
	if diff := cmp.Diff(want, c.Warn); diff != "" {
		t.Errorf("Warn differs (-want +got):\n%s", diff)
	}
	if c.Probe != (config.Probe{After: 24 * time.Hour, PerMinute: 30}) || c.Retention != 2*365*24*time.Hour || c.Work.Spec() != "@every 30s" {
		t.Errorf("Probe %+v, Retention %s, Work %+v", c.Probe, c.Retention, c.Work)
	}
	if c.Mail != (config.Mail{TLS: config.MailStartTLS}) || c.Apps[0].Webhook.URL != "" {
		t.Errorf("Mail %+v, Webhook %+v", c.Mail, c.Apps[0].Webhook)
	}
	if b := c.Banks[0]; b.RenewalReplacesGrant || !b.SignIn || !cmp.Equal(b.BusinessCodes, []string{"ERR_80102_110", "ERR_80102_111", "ERR_80102_112"}) {
		t.Errorf("sandbox: renewal_replaces_grant %t, sign_in %t, business_codes %v", b.RenewalReplacesGrant, b.SignIn, b.BusinessCodes)
	}
}

func TestLifeSettings(t *testing.T) {
	c := mustLoad(t, base+"warn: {days: 5, quiet_from: none, quiet_until: none}\nwork: {every: '*/5 * * * *'}\n")
	if !c.Warn.QuietFrom.None() || c.Warn.QuietUntil.Duration() != 0 || !cmp.Equal(c.Warn.Days, []int{5}) {
		t.Errorf("Warn = %+v", c.Warn)
	}
	if c.Work.Spec() != "*/5 * * * *" {
		t.Errorf("Spec = %q", c.Work.Spec())
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil || !strings.Contains(out.String(), "quiet_from: none") {
		t.Errorf("Print = %v:\n%s", err, out.String())
	}
	if none := mustLoad(t, base+"warn: {days: []}\n").Warn.Days; none == nil || len(none) > 0 {
		t.Errorf("Days = %#v, want an empty list, which is not the default", none)
	}
	night := mustLoad(t, base+"warn: {quiet_from: '00:00', quiet_until: '06:30'}\n").Warn
	if night.QuietFrom.None() || night.QuietUntil.Duration() != 6*time.Hour+30*time.Minute || night.QuietFrom.String() != "00:00" {
		t.Errorf("Warn = %+v", night)
	}
}

func TestWebhookSecretsFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets")
	write(t, path, hook1+"\n\n "+hook2+"\r\n")
	want := []string{hook1, hook2}
	hooked := base + app + "  webhook: {url: https://shop.example/hooks"
	for name, c := range map[string]config.Config{
		"list":          mustLoad(t, hooked+", secrets: ["+hook1+", "+hook2+"]}\n"),
		"variable":      mustLoad(t, hooked+"}\n", "CONSENTD_APPS_SHOP_WEBHOOK_SECRETS="+hook1+","+hook2),
		"file":          mustLoad(t, hooked+", secrets_file: "+path+"}\n"),
		"file variable": mustLoad(t, hooked+", secrets: [replaced]}\n", "CONSENTD_APPS_SHOP_WEBHOOK_SECRETS_FILE="+path),
	} {
		var got []string
		for _, s := range c.Apps[0].Webhook.Secrets {
			got = append(got, s.Reveal())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: secrets differ (-want +got):\n%s", name, diff)
		}
	}
}
