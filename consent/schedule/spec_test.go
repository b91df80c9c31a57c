package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/consentd/consentd/consent/schedule"
)

func job(spec string) schedule.Job {
	return schedule.Job{Name: "sweep", Spec: spec, Timeout: time.Minute, Run: nothing}
}

func TestNewAcceptsSpecs(t *testing.T) {
	for _, spec := range []string{"*/5 * * * *", "0 9 1 * MON", "0 0 29 2 *", "@hourly", "@daily", "@every 1s", "@every 1h30m", " @every 10m "} {
		if _, err := schedule.New(nil, job(spec)); err != nil {
			t.Errorf("New(%q) = %v", spec, err)
		}
	}
}

func TestNewRefusesSpecsThatCronWouldNotKeep(t *testing.T) {
	const utc, whole, never = "specs are in UTC", "an interval is whole seconds, at least one", "never comes"
	for spec, want := range map[string]string{
		"TZ=": utc, "CRON_TZ=": utc, "TZ=Europe/Stockholm": utc, "CRON_TZ=UTC 0 9 * * *": utc, "  TZ=UTC @daily": utc,
		"@every 500ms": whole, "@every 0s": whole, "@every -1h": whole, "@every 1500ms": whole,
		"0 0 31 2 *": never, "0 0 30 2 *": never, ", * * * *": never, "0 0 , * ,": never,
		"":            "empty",
		"* * * *":     "expected exactly 5 fields",
		"0 * * * * *": "expected exactly 5 fields",
		"61 * * * *":  "above maximum",
		"@every":      "unrecognized descriptor",
		"@every x":    "duration",
		"@reboot":     "unrecognized descriptor",
	} {
		_, err := schedule.New(nil, job(spec))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `job "sweep"`) {
			t.Errorf("New(%q) = %v, want something with %q", spec, err, want)
		}
	}
}

func TestNewReportsEverythingAtOnce(t *testing.T) {
	_, err := schedule.New(nil, job("@every 1m"), job("TZ="), schedule.Job{Spec: "x"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"is there twice", "in UTC", `job ""`, "no name", "time-out 0s", "nothing to run", "expected exactly 5"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func FuzzNew(f *testing.F) {
	for _, spec := range []string{"*/5 * * * *", "TZ=", "CRON_TZ=x", "@every 1s", ",,,,", "1-2-3 * * * *"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := schedule.New(nil, job(spec))
		if (s == nil) == (err == nil) {
			t.Errorf("New(%q) = %v, %v", spec, s, err)
		}
	})
}
