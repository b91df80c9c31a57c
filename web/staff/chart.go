package staff

import (
	"fmt"
	"time"

	"github.com/consentd/consentd/consent"
)

// Charts are geometry here and SVG in templates/charts.html, where
// html/template escapes whatever comes from outside.

// barChart is a bar for each point, beside a table with the same numbers.
type barChart struct {
	Title, Desc   string
	ID            string
	Width, Height int
	Bars          []bar
	Most, Total   int64
}

// bar is one value: where it is drawn, and what it says.
type bar struct {
	X, Y, W, H int
	Label      string
	N          int64
}

const (
	chartHeight = 120
	barWidth    = 8
	barGap      = 2
)

// newBarChart scales the points so that the greatest fills the height; what
// is not zero is seen.
func newBarChart(id, title string, labels []string, values []int64) barChart {
	c := barChart{ID: id, Title: title, Width: max(1, len(values)) * (barWidth + barGap), Height: chartHeight}
	for _, n := range values {
		c.Most, c.Total = max(c.Most, n), c.Total+n
	}
	for i, n := range values {
		h := 0
		if n > 0 {
			h = max(2, int(n*chartHeight/c.Most))
		}
		c.Bars = append(c.Bars, bar{X: i * (barWidth + barGap), Y: chartHeight - h, W: barWidth, H: h, Label: labels[i], N: n})
	}
	c.Desc = fmt.Sprintf("%d in all, at most %d in one.", c.Total, c.Most)
	return c
}

// clock is one of a consent's two clocks: a line from its start to its end.
type clock struct {
	ID, Title, Desc string
	Now             int // per mille of the line; what is left is behind it
	Marks           []mark
	From, To        string
	Left            string
	Over            bool
}

// mark is something that happened, or will, on a clock's line.
type mark struct {
	At    int // per mille
	Label string
	Past  bool
}

// perMille is where a moment lies between two others.
func perMille(from, to, at time.Time) int {
	if !to.After(from) {
		return 1000
	}
	return int(min(1000, max(0, at.Sub(from)*1000/to.Sub(from))))
}

// consentClock is the 90 days, with their warnings. ok is false before there
// was a grant.
func (f file) consentClock(warnDays []int) (clock, bool) {
	c := f.Consent
	if c.AuthorizedAt.IsZero() || c.EndsAt.IsZero() {
		return clock{}, false
	}
	k := clock{ID: "consent-clock", Title: "The permission", From: f.date(c.AuthorizedAt), To: f.date(c.EndsAt),
		Now: perMille(c.AuthorizedAt, c.EndsAt, f.Now), Over: c.StatusAt(f.Now) != consent.Valid}
	of := int((c.EndsAt.Sub(c.AuthorizedAt) + day - 1) / day)
	k.Left = fmt.Sprintf("%d of %d days left", c.DaysLeft(f.Now), of)
	if k.Over {
		k.Left = "over"
		if !c.EndedAt.IsZero() {
			k.Now = perMille(c.AuthorizedAt, c.EndsAt, c.EndedAt)
			k.Left = "over since " + f.date(c.EndedAt)
		}
	}
	for _, d := range warnDays {
		if k.Over && c.EndedAt.After(c.AuthorizedAt) {
			break // the warnings that were to come do not come
		}
		at := c.EndsAt.Add(-time.Duration(d) * day)
		if at.After(c.AuthorizedAt) {
			k.Marks = append(k.Marks, mark{At: perMille(c.AuthorizedAt, c.EndsAt, at), Past: !at.After(f.Now),
				Label: "warning " + plural(d, "day") + " before the end"})
		}
	}
	k.Desc = fmt.Sprintf("From %s to %s: %s.", k.From, k.To, k.Left)
	return k, true
}

// tokenClock is the access token's life.
func (f file) tokenClock(issued, expires time.Time) (clock, bool) {
	if issued.IsZero() || expires.IsZero() {
		return clock{}, false
	}
	k := clock{ID: "token-clock", Title: "The access token", From: f.moment(issued), To: f.clock(expires),
		Now: perMille(issued, expires, f.Now), Over: !f.Now.Before(expires)}
	k.Left = "over; the next request for it refreshes it"
	if !k.Over {
		k.Left = spoken(expires.Sub(f.Now)) + " left"
	}
	k.Desc = fmt.Sprintf("From %s to %s: %s.", k.From, k.To, k.Left)
	return k, true
}

// spoken is a duration in the two units that matter.
func spoken(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d seconds", int(d.Round(time.Second)/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d/time.Minute))
	case d < 2*day:
		return fmt.Sprintf("%d hours", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/day))
}
