package config_test

import (
	"strings"
	"testing"
)

func TestCallsAtOnce(t *testing.T) {
	c := mustLoad(t, base+app)
	if c.Apps[0].Egress.InFlight != 16 || c.Banks[0].APIMaxInFlight != 64 {
		t.Errorf("defaults: %d of an app, %d at a bank", c.Apps[0].Egress.InFlight, c.Banks[0].APIMaxInFlight)
	}
	text := strings.Replace(base, "  client_id", "  api_max_in_flight: -1\n  client_id", 1) + app + "  egress: {in_flight: -1}\n"
	_, err := load(t, text)
	for _, want := range []string{"banks.sandbox.api_max_in_flight: want a whole number, 0 or more", "apps.shop.egress.in_flight: want a whole number, 0 or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load = %v, want %s", err, want)
		}
	}
}
