package consent

import (
	"context"
	"time"
)

// Overview is how things stand, in numbers.
type Overview struct {
	At       time.Time
	Consents []Count // by app, bank and status as of At
	Failing  []Count // valid ones whose last refresh failed, by app and bank
	Short    []Count // valid ones that an app needs beyond their end, by app and bank

	Lapses    []DayCount    // ends of valid consents on each of LapseDays days, from today on
	Refreshes []RefreshDay  // in the last PastDays days, oldest first; only what is not zero
	HandOuts  []HandOutsDay // the same

	Undelivered int64 // messages that were given up
}

// The days that an [Overview] speaks of. Days are those of UTC. What is granted
// today for ninety days ends on the last of LapseDays.
const (
	LapseDays = 91
	PastDays  = 14
)

// Count is how many consents of an app at a bank are in a state.
type Count struct {
	App, Bank string
	Status    Status
	N         int64
}

// DayCount is how many there are on a day.
type DayCount struct {
	Day time.Time // its beginning
	N   int64
}

// RefreshDay is how often refreshing came to nothing at a bank on a day.
type RefreshDay struct {
	Day     time.Time
	Bank    string
	Failed  int64 // no usable answer; the consents are as they were
	Refused int64 // the bank refused the grant, which ended the consent
}

// HandOutsDay is how often an app asked for a token on a day.
type HandOutsDay struct {
	Day     time.Time
	App     string
	Allowed int64
	Denied  int64
}

// RebuildBooks makes lists and counters of consents anew from the records, and
// says from how many: needed once for records that a version without them
// wrote.
func (s *Service) RebuildBooks(ctx context.Context) (int64, error) {
	return s.c.Store.Rebuild(ctx, s.holderOf)
}

// Overview reads how things stand, from counters that are kept as things
// happen: it reads no record.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	return s.c.Store.Overview(ctx, s.c.Now().UTC())
}
