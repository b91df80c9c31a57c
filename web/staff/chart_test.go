package staff

import (
	"testing"

	"github.com/consentd/consentd/consent"
)

func TestBarChart(t *testing.T) {
	t.Parallel()
	c := newBarChart("x", "title", []string{"a", "b", "c"}, []int64{0, 1, 1_000_000})
	if c.Bars[0].H != 0 || c.Bars[1].H != 2 || c.Bars[2].H != chartHeight || c.Bars[2].Y != 0 || c.Bars[1].Y != chartHeight-2 {
		t.Errorf("bars = %+v", c.Bars)
	}
	if c.Total != 1_000_001 || c.Desc != "1000001 in all, at most 1000000 in one." || c.Width != 30 {
		t.Errorf("chart = %+v", c)
	}
	if empty := newBarChart("x", "title", nil, nil); empty.Width == 0 || len(empty.Bars) != 0 {
		t.Errorf("empty = %+v", empty)
	}
}

func TestConsentClock(t *testing.T) {
	t.Parallel()
	warn := []int{30, 14, 1}
	k, ok := lived(nil).consentClock(warn)
	if !ok || k.Now != 876 || k.Left != "12 of 90 days left" || len(k.Marks) != 3 || !k.Marks[1].Past || k.Marks[2].Past || k.Over {
		t.Errorf("clock = %+v, %t", k, ok)
	}
	stopped := lived(func(f *file) { f.ended(consent.RevokedByPsu, consent.ByCustomer, consent.CauseStopped) })
	if k, _ := stopped.consentClock(warn); !k.Over || k.Left != "over since 18 February" || k.Now >= 876 || len(k.Marks) != 0 {
		t.Errorf("clock of a stopped one = %+v", k)
	}
	if _, ok := asked(nil).consentClock(warn); ok {
		t.Error("a clock runs before there was a grant")
	}
}

func TestTokenClock(t *testing.T) {
	t.Parallel()
	k, ok := lived(nil).tokenClock(at("2026-02-20 11:58"), at("2026-02-20 12:03"))
	if !ok || k.Now != 400 || k.Left != "3 minutes left" || k.Over {
		t.Errorf("clock = %+v, %t", k, ok)
	}
	if k, _ := lived(nil).tokenClock(at("2026-02-20 10:00"), at("2026-02-20 10:05")); !k.Over || k.Now != 1000 {
		t.Errorf("clock = %+v, want it over", k)
	}
}
