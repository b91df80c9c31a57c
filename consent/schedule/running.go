package schedule

import (
	"log/slog"
	"maps"
	"slices"
)

func (s *Schedule) mark(name string, running bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if running {
		s.running[name] = true
	} else {
		delete(s.running, name)
	}
}

func (s *Schedule) stillRunning() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.running))
}

// chainLog tells what cron's wrappers have to say about a job. The only Info
// that they know is a skipped run, the only Error a panic.
type chainLog struct{ log *slog.Logger }

func (l chainLog) Info(string, ...any) {
	l.log.Warn("job skipped: its last run has not ended")
}

func (l chainLog) Error(err error, _ string, keysAndValues ...any) {
	l.log.With("panic", err).Error("job panicked", keysAndValues...)
}
