package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Behind is the consentd that lives by the stage's clock.
type Behind struct {
	Work func(context.Context) error              // does what is due
	Ends func(context.Context) (time.Time, error) // when the next access ends; zero: none does
}

// Connect tells the stage what lives by its clock.
func (s *Stage) Connect(b Behind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = b
}

const day = 24 * time.Hour

// Jump lets time go by day after day. After each, consentd does what has
// become due, as its schedule would, so that every message comes with its own
// date.
func (s *Stage) Jump(ctx context.Context, d time.Duration) error {
	s.jumping.Lock()
	defer s.jumping.Unlock()
	s.mu.Lock()
	work := s.behind.Work
	s.mu.Unlock()
	for d > 0 {
		step := min(d, day)
		s.Pass(step)
		if d -= step; work == nil {
			continue
		}
		if err := work(ctx); err != nil {
			return fmt.Errorf("do what is due: %w", err)
		}
	}
	return nil
}

// errNothingEnds: there is no end before which to stop.
var errNothingEnds = errors.New("no access ends later than in a day")

// JumpToEve lets time go by until the last day of the access that ends next
// has begun.
func (s *Stage) JumpToEve(ctx context.Context) error {
	s.mu.Lock()
	next := s.behind.Ends
	s.mu.Unlock()
	if next == nil {
		return errNothingEnds
	}
	end, err := next(ctx)
	if err != nil {
		return fmt.Errorf("find the next end: %w", err)
	}
	left := end.Add(-day + time.Minute).Sub(s.Now())
	if end.IsZero() || left <= 0 {
		return errNothingEnds
	}
	return s.Jump(ctx, left)
}

// Limits of what may be asked of the clock.
const (
	mostDays  = 366
	mostOrder = 1 << 10
)

// clockOrder is what a program asks of the clock.
type clockOrder struct {
	Days int    `json:"days"` // 1 to 366
	To   string `json:"to"`   // or "eve": the day before the next end
}

// clockState is how the clock stands.
type clockState struct {
	Now      time.Time `json:"now"`
	Messages int       `json:"messages"` // in the inbox
}

// Clock serves the clock to programs: GET reads it, POST moves it on.
func (s *Stage) Clock(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var o clockOrder
		d := json.NewDecoder(io.LimitReader(r.Body, mostOrder))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil || !o.valid() {
			http.Error(w, `want {"days": 7}, from 1 to 366, or {"to": "eve"}`, http.StatusBadRequest)
			return
		}
		if err := s.obey(r.Context(), o); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(clockState{Now: s.Now().Truncate(time.Second), Messages: s.inbox.count()}) // a caller that has left
}

func (o clockOrder) valid() bool {
	return o.To == "eve" && o.Days == 0 || o.To == "" && o.Days >= 1 && o.Days <= mostDays
}

// obey moves the clock to the end of the jump even if the caller leaves: half
// a jump would be hard to explain.
func (s *Stage) obey(ctx context.Context, o clockOrder) error {
	ctx = context.WithoutCancel(ctx)
	if o.To != "" {
		return s.JumpToEve(ctx)
	}
	return s.Jump(ctx, time.Duration(o.Days)*day)
}
