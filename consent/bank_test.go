package consent_test

import (
	"testing"
	"time"

	"github.com/consentd/consentd/consent"
)

func TestClockEnd(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		must(t, err)
		return z
	}
	stockholm, reykjavik := zone("Europe/Stockholm"), zone("Atlantic/Reykjavik")
	tests := map[string]struct {
		clock                  consent.Clock
		authorized, bank, want string
	}{
		"ninety days to the second": {consent.Clock{Life: 90 * day}, "2026-11-21T10:30:00Z", "", "2027-02-19T10:30:00Z"},
		"over a leap day":           {consent.Clock{Life: 90 * day}, "2027-12-15T00:00:00Z", "", "2028-03-14T00:00:00Z"},
		"a margin before":           {consent.Clock{Life: 90 * day, Margin: 10 * time.Minute}, "2026-11-21T10:30:00Z", "", "2027-02-19T10:20:00Z"},
		"days of a calendar, over a change of the clocks": {
			consent.Clock{Days: 90, Zone: stockholm}, "2027-01-15T10:00:00+01:00", "", "2027-04-15T10:00:00+02:00"},
		"inclusive: until the last day's midnight": {
			consent.Clock{Days: 90, Inclusive: true, Zone: stockholm}, "2027-01-15T23:30:00+01:00", "", "2027-04-16T00:00:00+02:00"},
		"inclusive, on the day that has 23 hours": {
			consent.Clock{Days: 1, Inclusive: true, Zone: stockholm}, "2027-03-27T12:00:00+01:00", "", "2027-03-29T00:00:00+02:00"},
		"inclusive, where it is yesterday in UTC": {
			consent.Clock{Days: 1, Inclusive: true, Zone: stockholm}, "2027-01-14T23:30:00Z", "", "2027-01-17T00:00:00+01:00"},
		"inclusive in Reykjavik":      {consent.Clock{Days: 90, Inclusive: true, Zone: reykjavik}, "2027-12-01T23:59:59Z", "", "2028-03-01T00:00:00Z"},
		"the bank's date is earlier":  {consent.Clock{Life: 90 * day}, "2026-11-21T10:30:00Z", "2026-12-31T00:00:00Z", "2026-12-31T00:00:00Z"},
		"the bank's date is later":    {consent.Clock{Life: 90 * day}, "2026-11-21T10:30:00Z", "2030-01-01T00:00:00Z", "2027-02-19T10:30:00Z"},
		"the bank's date, and margin": {consent.Clock{Life: 90 * day, Margin: time.Hour}, "2026-11-21T10:30:00Z", "2026-12-31T00:00:00Z", "2026-12-30T23:00:00Z"},
	}
	at := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		v, err := time.Parse(time.RFC3339, s)
		must(t, err)
		return v
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.clock.End(at(test.authorized), at(test.bank)); !got.Equal(at(test.want)) {
				t.Errorf("End = %s, want %s", got, test.want)
			}
		})
	}
}

func TestStatusAtTheEndDate(t *testing.T) {
	end := time.Date(2027, 2, 19, 10, 30, 0, 0, time.UTC)
	c := consent.Consent{Status: consent.Valid, EndsAt: end}
	for at, want := range map[time.Time]struct {
		status consent.Status
		days   int
	}{
		end.Add(-90 * day):    {consent.Valid, 90},
		end.Add(-day):         {consent.Valid, 1},
		end.Add(-time.Second): {consent.Valid, 1},
		end:                   {consent.Expired, 0},
		end.Add(1000 * day):   {consent.Expired, 0},
		end.Add(-day - 1):     {consent.Valid, 2},
	} {
		if c.StatusAt(at) != want.status || c.DaysLeft(at) != want.days {
			t.Errorf("at %s: %s, %d days left, want %s, %d", at, c.StatusAt(at), c.DaysLeft(at), want.status, want.days)
		}
	}
}

func FuzzParseTask(f *testing.F) {
	f.Add("deliver cns_7f00000000000000000000000001 mail warning-7 1")
	f.Add("purge cns_7f00000000000000000000000001")
	f.Add("")
	f.Fuzz(func(t *testing.T, name string) {
		task, err := consent.ParseTask(name, time.Unix(0, 0))
		if err != nil {
			return
		}
		if again, err := consent.ParseTask(task.Name(), task.Due); err != nil || again != task {
			t.Errorf("%q reads as %+v, and that as %+v, %v", name, task, again, err)
		}
	})
}
