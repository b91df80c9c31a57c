package config_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/consentd/consentd/config"
)

func TestLimitOfAnApp(t *testing.T) {
	c := mustLoad(t, base+app+"rate_limit: {requests: 100, per: 10s, burst: 50}\n")
	for name, tt := range map[string]struct {
		own  config.AppRateLimit
		want config.RateLimit
	}{
		"none":           {config.AppRateLimit{}, config.RateLimit{Requests: 100, Per: 10 * time.Second, Burst: 50}},
		"other requests": {config.AppRateLimit{Requests: 7}, config.RateLimit{Requests: 7, Per: 10 * time.Second}},
		"other burst":    {config.AppRateLimit{Burst: 5}, config.RateLimit{Requests: 100, Per: 10 * time.Second, Burst: 5}},
		"all its own":    {config.AppRateLimit{Requests: 7, Per: time.Second, Burst: 2}, config.RateLimit{Requests: 7, Per: time.Second, Burst: 2}},
	} {
		if diff := cmp.Diff(tt.want, c.LimitOf(config.App{RateLimit: tt.own})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnAppMayDoAllButEgress(t *testing.T) {
	c := mustLoad(t, base+app)
	want := []string{"create", "read", "token", "renew", "revoke", "confirm", "report", "erase"}
	if got := c.Apps[0].Operations; !slices.Equal(got, want) {
		t.Errorf("operations = %q, want %q", got, want)
	}
}

func TestPrintNamesWorkloadsByPosition(t *testing.T) {
	text := base + app + "  workloads:\n  - {issuer: cluster, subject: a}\nworkload_issuers: [{id: cluster, issuer: 'https://k8s.example'}]\n"
	var printed bytes.Buffer
	if err := mustLoad(t, text, "CONSENTD_APPS_SHOP_WORKLOADS_0_CLAIMS_TEAM=payments").Print(&printed); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"subject: a # consentd.yaml:15", "team: payments # CONSENTD_APPS_SHOP_WORKLOADS_0_CLAIMS_TEAM"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("printed without %q:\n%s", want, printed.String())
		}
	}
}
