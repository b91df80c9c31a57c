package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// parse reads a spec: five fields (minute, hour, day of month, month, day of
// week; if both days are given, either is enough) or a descriptor.
//
// It refuses what cron accepts and then does not do: time zones, in which a
// day has a skipped or repeated hour, intervals that cron would round, and
// days that never come.
func parse(spec string) (cron.Schedule, error) {
	spec = strings.TrimSpace(spec)
	if strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ=") {
		return nil, fmt.Errorf("spec %q names a time zone, but specs are in UTC", spec)
	}
	clock, err := parseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("spec %q: %w", spec, err)
	}
	if text, ok := strings.CutPrefix(spec, "@every "); ok {
		// A parsed interval has been rounded, so look at the text again.
		every, err := time.ParseDuration(text)
		if err != nil || every < time.Second || every%time.Second != 0 {
			return nil, fmt.Errorf("spec %q: an interval is whole seconds, at least one", spec)
		}
	}
	// Any fixed day does: cron looks five years ahead, which from here
	// include a leap day.
	if clock.Next(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("spec %q never comes", spec)
	}
	return clock, nil
}

// parseStandard keeps a bug of cron's parser, which panics on some texts,
// from ending the program that checks its configuration.
func parseStandard(spec string) (clock cron.Schedule, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("not understood")
		}
	}()
	return cron.ParseStandard(spec)
}
