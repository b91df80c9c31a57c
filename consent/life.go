package consent

import (
	"slices"
	"time"
)

const day = 24 * time.Hour

// Life is how a consent lives on by itself: when its customer is warned, when
// the bank is asked whether the grant still stands, and how long a record is
// kept.
type Life struct {
	// Warn are the days before the end at which the customer is warned;
	// default 30, 14, 7, 3 and 1.
	Warn []int

	// Quiet hours, as times of day in the customer's zone, in which nobody is
	// warned; both zero: none. They may span midnight.
	QuietFrom, QuietUntil time.Duration

	// ProbeAfter is how long the bank may go unasked; 0: it is not asked.
	// ProbesPerMinute bounds how often one bank is.
	ProbeAfter      time.Duration
	ProbesPerMinute int

	// Retention is how long a record outlives its consent; default two years.
	Retention time.Duration
}

func (l Life) withDefaults() Life {
	if l.Warn == nil {
		l.Warn = []int{30, 14, 7, 3, 1}
	}
	l.Warn = slices.Clone(l.Warn)
	slices.SortFunc(l.Warn, func(a, b int) int { return b - a })
	orDefault(&l.Retention, 2*365*day)
	if l.ProbesPerMinute == 0 {
		l.ProbesPerMinute = 30
	}
	return l
}

// crossed are the thresholds that are behind at a moment, the most urgent
// last.
func (l Life) crossed(ends, now time.Time) []int {
	return slices.DeleteFunc(slices.Clone(l.Warn), func(d int) bool { return now.Before(threshold(ends, d)) })
}

// next is when the next threshold is crossed; zero when none is left.
func (l Life) next(ends, now time.Time) time.Time {
	for _, d := range l.Warn {
		if at := threshold(ends, d); now.Before(at) {
			return at
		}
	}
	return time.Time{}
}

// optional reports whether a customer may do without being told: a reminder
// that a later one follows. The last warning, and whatever has happened, is
// told in any case.
func (l Life) optional(n Notice) bool {
	return n.Days() > 0 && slices.ContainsFunc(l.Warn, func(d int) bool { return d < n.Days() })
}

func threshold(ends time.Time, days int) time.Time { return ends.Add(-time.Duration(days) * day) }

// quietUntil is when the quiet hours that a moment lies in are over, or zero
// when it lies in none.
func (l Life) quietUntil(at time.Time, zone *time.Location) time.Time {
	if l.QuietFrom == l.QuietUntil {
		return time.Time{}
	}
	local := at.In(zone)
	midnight := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, zone)
	}
	for _, start := range []int{-1, 0} {
		from, until := clockTime(midnight(start), l.QuietFrom), clockTime(midnight(start), l.QuietUntil)
		if l.QuietUntil < l.QuietFrom {
			until = clockTime(midnight(start+1), l.QuietUntil)
		}
		if !local.Before(from) && local.Before(until) {
			return until
		}
	}
	return time.Time{}
}

// clockTime is the moment at which a clock on the wall shows a time of day;
// not that time added to midnight, because days of 23 and 25 hours exist.
func clockTime(midnight time.Time, of time.Duration) time.Time {
	return time.Date(midnight.Year(), midnight.Month(), midnight.Day(), int(of.Hours()), int(of.Minutes())%60, 0, 0, midnight.Location())
}

// life is what a consent that just became valid has coming.
func (s *Service) life(id ID, event string, term int64, now, ends time.Time) Work {
	w := s.telling(id, event, term, now)
	w.Add = append(w.Add, Task{Kind: TaskExpire, ID: id, Due: ends}, s.purge(id, ends))
	w.Remove = []Task{{Kind: TaskAbandon, ID: id}, {Kind: TaskBelieve, ID: id}}
	if at := s.c.Life.next(ends, now); !at.IsZero() {
		w.Add = append(w.Add, Task{Kind: TaskWarn, ID: id, Due: at})
	}
	if s.c.Life.ProbeAfter > 0 {
		w.Add = append(w.Add, Task{Kind: TaskProbe, ID: id, Due: now.Add(s.c.Life.ProbeAfter)})
	}
	return w
}

// over is what a consent that just ended has coming, and no longer.
func (s *Service) over(id ID, event string, term int64, now time.Time) Work {
	w := s.telling(id, event, term, now)
	w.Add = append(w.Add, s.purge(id, now))
	w.Remove = []Task{{Kind: TaskWarn, ID: id}, {Kind: TaskExpire, ID: id}, {Kind: TaskProbe, ID: id}, {Kind: TaskAbandon, ID: id},
		{Kind: TaskBelieve, ID: id}}
	return w
}

// telling is the work of telling everybody concerned.
func (s *Service) telling(id ID, event string, term int64, now time.Time) Work {
	n := Notice{Channel: channelAll, Event: event, Term: term}
	return Work{Add: []Task{{Kind: TaskDeliver, ID: id, Arg: n.String(), Due: now}}}
}

func (s *Service) purge(id ID, end time.Time) Task {
	return Task{Kind: TaskPurge, ID: id, Due: end.Add(s.c.Life.Retention)}
}
