package consent

import (
	"context"
	"time"
)

// Undelivered is a message that was given up, for staff to look at.
type Undelivered struct {
	ID     ID
	Notice Notice
	Since  time.Time

	task Task
}

// Undelivered lists messages that were given up, newest first, at most limit.
// Why is in each consent's timeline.
func (s *Service) Undelivered(ctx context.Context, limit int) ([]Undelivered, error) {
	tasks, err := s.c.Store.Undelivered(ctx, limit)
	if err != nil {
		return nil, err
	}
	var out []Undelivered
	for _, t := range tasks {
		n, err := parseNotice(t.Arg)
		if err != nil {
			return nil, err
		}
		out = append(out, Undelivered{ID: t.ID, Notice: n, Since: t.Due, task: t})
	}
	return out, nil
}
