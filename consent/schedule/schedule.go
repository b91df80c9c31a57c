// Package schedule runs named jobs on cron specs, in UTC.
//
// It knows when a job is due by the machine's clock, that a job never
// overlaps itself, and when it last succeeded. It refuses to know what a job
// does. A tick that was missed (start-up, a long run, a sleeping machine) is
// not made up for, and every replica ticks: a job must therefore be "do
// everything that is due", not "do today's".
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// stopLimit is how long [Schedule.Run] waits for jobs whose context it has
// cancelled.
const stopLimit = 10 * time.Second

// ErrStillRunning is returned by [Schedule.Run] when a job ignored the end of
// its context.
var ErrStillRunning = errors.New("schedule: stopped with jobs still running")

// Job is work that is repeated.
type Job struct {
	Name    string                      // required, unique
	Spec    string                      // required: "*/5 * * * *" (UTC), @hourly, @every 10m
	Timeout time.Duration               // required: the longest that one run may take
	Run     func(context.Context) error // required
}

// Schedule is a fixed set of jobs. Its methods may be used concurrently.
type Schedule struct {
	log    *slog.Logger
	jobs   []Job
	clocks []cron.Schedule // one for each of jobs

	mu      sync.Mutex
	success map[string]time.Time
	running map[string]bool
}

// New checks all jobs and reports everything that is wrong with them at once.
// Without a log nothing is logged.
func New(log *slog.Logger, jobs ...Job) (*Schedule, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Schedule{log: log, jobs: slices.Clone(jobs), success: map[string]time.Time{}, running: map[string]bool{}}
	var problems []error
	for _, j := range jobs {
		_, twice := s.success[j.Name]
		clock, err := check(j, twice)
		if err != nil {
			problems = append(problems, fmt.Errorf("schedule: job %q: %w", j.Name, err))
		}
		s.clocks = append(s.clocks, clock)
		s.success[j.Name] = time.Time{}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return s, nil
}

func check(j Job, twice bool) (cron.Schedule, error) {
	clock, err := parse(j.Spec)
	problems := []error{err}
	if j.Name == "" {
		problems = append(problems, errors.New("has no name"))
	}
	if twice {
		problems = append(problems, errors.New("is there twice"))
	}
	if j.Timeout <= 0 {
		problems = append(problems, fmt.Errorf("time-out %s is not above zero", j.Timeout))
	}
	if j.Run == nil {
		problems = append(problems, errors.New("has nothing to run"))
	}
	return clock, errors.Join(problems...)
}

// Run runs the jobs until ctx ends, and returns when the last of them has
// ended: nil, or after ten seconds [ErrStillRunning]. Call it once.
func (s *Schedule) Run(ctx context.Context) error {
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger))
	for i, j := range s.jobs {
		log := chainLog{s.log.With("job", j.Name)}
		// The other way around, a job that panicked would never run again:
		// SkipIfStillRunning gives back its turn only to a job that returns.
		chain := cron.NewChain(cron.SkipIfStillRunning(log), cron.Recover(log))
		c.Schedule(s.clocks[i], chain.Then(cron.FuncJob(func() { s.run(ctx, j) })))
	}
	c.Start()
	<-ctx.Done()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-c.Stop().Done():
		return nil
	case <-limit.C:
		return fmt.Errorf("%w: %q", ErrStillRunning, s.stillRunning())
	}
}

// run makes one run. It may come just after ctx ended, then nothing starts.
func (s *Schedule) run(ctx context.Context, j Job) {
	if ctx.Err() != nil {
		return
	}
	s.mark(j.Name, true)
	defer s.mark(j.Name, false)
	start := time.Now()
	jobCtx, cancel := context.WithTimeout(ctx, j.Timeout)
	defer cancel()
	err := j.Run(jobCtx)
	log := s.log.With("job", j.Name, "took", time.Since(start))
	switch {
	case err == nil:
		s.succeeded(j.Name)
		log.Debug("job done")
	case ctx.Err() != nil: // stopping us is not the job's failure
		log.Debug("job stopped", "error", err)
	default:
		log.Warn("job failed", "error", err)
	}
}

// Last tells when a job last succeeded. It reports false when it has not
// since the program started, and for a name that is no job's.
func (s *Schedule) Last(name string) (success time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	success = s.success[name]
	return success, !success.IsZero()
}

// Successes tells of every job when it last succeeded, the zero time when it
// has not: for metrics and readiness.
func (s *Schedule) Successes() map[string]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.success)
}

// succeeded takes the machine's time, as the ticks do: how stale a job is
// must not depend on a demo's movable clock.
func (s *Schedule) succeeded(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.success[name] = time.Now().UTC()
}
