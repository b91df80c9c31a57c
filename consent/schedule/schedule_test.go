package schedule_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent/schedule"
)

// Inside a bubble the clock starts at midnight UTC, 2000-01-01.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

const days = 24 * time.Hour

// lines is a log that is read after the schedule has stopped.
func lines() (*bytes.Buffer, *slog.Logger) {
	var b bytes.Buffer
	return &b, slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func nothing(context.Context) error { return nil }

// counted is a job that counts its runs in n.
func counted(n *int, name, spec string) schedule.Job {
	return schedule.Job{Name: name, Spec: spec, Timeout: time.Minute, Run: func(context.Context) error { *n++; return nil }}
}

func mustNew(t *testing.T, log *slog.Logger, jobs ...schedule.Job) *schedule.Schedule {
	t.Helper()
	s, err := schedule.New(log, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runFor runs s for d, less an instant, so that a tick at the very end is out.
func runFor(t *testing.T, s *schedule.Schedule, d time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d-time.Nanosecond)
	defer cancel()
	return s.Run(ctx)
}

func TestRunTicksFor91Days(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var often, daily, monday int
		s := mustNew(t, nil, counted(&often, "often", "*/10 * * * *"), counted(&daily, "daily", "30 2 * * *"), counted(&monday, "monday", "0 9 * * MON"))
		if err := runFor(t, s, 91*days); err != nil {
			t.Fatal(err)
		}
		if often != 91*144-1 || daily != 91 || monday != 13 { // the tick at the start is gone
			t.Errorf("runs = %d, %d, %d, want %d, 91, 13", often, daily, monday, 91*144-1)
		}
		if last, ok := s.Last("daily"); !ok || !last.Equal(start.Add(90*days+150*time.Minute)) {
			t.Errorf("Last = %v, %t", last, ok)
		}
	})
}

// In Stockholm 02:30 does not exist on 26 March 2000.
func TestRunIsInUTCWhereverTheMachineIs(t *testing.T) {
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Skip(err)
	}
	local := time.Local
	time.Local = stockholm
	t.Cleanup(func() { time.Local = local })
	synctest.Test(t, func(t *testing.T) {
		var hours []int
		s := mustNew(t, nil, schedule.Job{Name: "night", Spec: "30 2 * * *", Timeout: time.Minute, Run: func(context.Context) error {
			hours = append(hours, time.Now().UTC().Hour())
			return nil
		}})
		if err := runFor(t, s, 366*days); err != nil {
			t.Fatal(err)
		}
		if len(hours) != 366 || slices.Min(hours) != 2 || slices.Max(hours) != 2 {
			t.Errorf("%d runs between hour %d and %d UTC, want 366 at 2", len(hours), slices.Min(hours), slices.Max(hours))
		}
	})
}

func TestRunAfterAPanicRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logger := lines()
		runs := 0
		s := mustNew(t, logger, schedule.Job{Name: "shaky", Spec: "@every 1m", Timeout: time.Minute, Run: func(context.Context) error {
			if runs++; runs == 1 {
				panic("out of luck")
			}
			return nil
		}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if _, ok := s.Last("shaky"); ok {
			t.Error("a panic counts as a success")
		}
		time.Sleep(4 * time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if runs != 5 {
			t.Errorf("runs = %d, want 5", runs)
		}
		if text := log.String(); strings.Count(text, "job panicked") != 1 || !strings.Contains(text, "out of luck") || !strings.Contains(text, "job=shaky") || !strings.Contains(text, "stack=") {
			t.Errorf("log = %s", text)
		}
	})
}

func TestRunNeverOverlapsAJobWithItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logger := lines()
		running, runs, other := 0, 0, 0
		slow := schedule.Job{Name: "slow", Spec: "@every 1m", Timeout: time.Hour, Run: func(ctx context.Context) error {
			if running++; running > 1 {
				t.Error("two runs at once")
			}
			select {
			case <-time.After(150 * time.Second):
			case <-ctx.Done():
			}
			running--
			runs++
			return nil
		}}
		if err := runFor(t, mustNew(t, logger, slow, counted(&other, "other", "@every 1m")), time.Hour); err != nil {
			t.Fatal(err)
		}
		// It runs in every third minute; the last of its turns is cut short.
		if runs != 20 || other != 59 {
			t.Errorf("runs = %d and %d, want 20 and 59", runs, other)
		}
		if n := strings.Count(log.String(), "job skipped"); n != 39 {
			t.Errorf("%d skips in the log, want 39", n)
		}
	})
}

func TestRunGivesEveryRunItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logger := lines()
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		s := mustNew(t, logger, schedule.Job{Name: "hang", Spec: "@every 10m", Timeout: 30 * time.Second, Run: hang},
			schedule.Job{Name: "fine", Spec: "@every 10m", Timeout: time.Second, Run: nothing})
		if err := runFor(t, s, 35*time.Minute); err != nil {
			t.Fatal(err)
		}
		text := log.String()
		if strings.Count(text, `level=WARN msg="job failed" job=hang took=30s error="context deadline exceeded"`) != 3 {
			t.Errorf("log = %s", text)
		}
		if strings.Count(text, `level=DEBUG msg="job done" job=fine`) != 3 {
			t.Errorf("log = %s", text)
		}
		if _, ok := s.Last("hang"); ok {
			t.Error("Last(hang) is a success")
		}
		if got := s.Successes(); len(got) != 2 || !got["hang"].IsZero() || !got["fine"].Equal(start.Add(30*time.Minute)) {
			t.Errorf("Successes = %v", got)
		}
	})
}

func TestLastForgetsNoSuccessOverAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		s := mustNew(t, nil, schedule.Job{Name: "once", Spec: "@every 1m", Timeout: time.Second, Run: func(context.Context) error {
			if runs++; runs > 1 {
				return errors.New("no")
			}
			return nil
		}})
		if err := runFor(t, s, time.Hour); err != nil {
			t.Fatal(err)
		}
		if last, ok := s.Last("once"); !ok || !last.Equal(start.Add(time.Minute)) {
			t.Errorf("Last = %v, %t", last, ok)
		}
		if _, ok := s.Last("nobody"); ok {
			t.Error("Last of an unknown job is a success")
		}
	})
}

func TestRunWaitsForTheLastJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logger := lines()
		ended := false
		s := mustNew(t, logger, schedule.Job{Name: "tidy", Spec: "@every 1m", Timeout: time.Hour, Run: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // puts its work away
			ended = true
			return ctx.Err()
		}})
		if err := runFor(t, s, 90*time.Second); err != nil || !ended {
			t.Errorf("Run = %v, job ended: %t", err, ended)
		}
		if got := time.Since(start); got > 94*time.Second {
			t.Errorf("stopped after %s", got)
		}
		if strings.Contains(log.String(), "WARN") {
			t.Errorf("stopping is logged as a failure: %s", log)
		}
	})
}

func TestRunGivesUpOnAJobThatIgnoresTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustNew(t, nil, schedule.Job{Name: "deaf", Spec: "@every 1m", Timeout: time.Minute, Run: func(context.Context) error {
			time.Sleep(time.Hour)
			return nil
		}}, schedule.Job{Name: "fine", Spec: "@every 1m", Timeout: time.Minute, Run: nothing})
		err := runFor(t, s, 90*time.Second)
		if !errors.Is(err, schedule.ErrStillRunning) || !strings.Contains(err.Error(), `["deaf"]`) {
			t.Errorf("Run = %v, want ErrStillRunning naming deaf", err)
		}
		if got := time.Since(start); got > 101*time.Second {
			t.Errorf("gave up after %s", got)
		}
		time.Sleep(2 * time.Hour) // a bubble ends with all its goroutines
	})
}

func TestRunStartsNothingAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n := 0
		if err := mustNew(t, nil, counted(&n, "a", "@every 1s")).Run(ctx); err != nil || n != 0 {
			t.Errorf("Run = %v after %d runs", err, n)
		}
	})
}
