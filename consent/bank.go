package consent

import "time"

// Bank is what the domain knows of a bank: a bank profile's part that
// concerns customers, scopes and dates. How to talk to the bank is the
// business of token/oauthbank.
type Bank struct {
	ID              string
	Name            string // as customers know it
	Required        []string
	Optional        []string // what apps may ask for besides
	IndividualsOnly bool     // a company's national id is refused
	NationalID      NationalIDKind
	CheckDigit      bool // enforce the check digit; off by default, because valid ids without one are issued
	Clock           Clock
	Replaces        bool     // a new grant takes the place of the old one at the bank: the old one is not revoked
	BusinessCodes   []string // error codes of its API that come with 401 or 403 and are not about the token
	OnlineBank      bool     // customers can see and withdraw accesses in their online bank
	SignIn          bool     // customers can prove here who they are, which leaves their grants as they are
}

// Clock is how a bank counts a consent's life: by Life, to the second, or by
// Days of its calendar.
type Clock struct {
	Life      time.Duration // from authorization; not with Days
	Days      int           // of the calendar in Zone; not with Life
	Inclusive bool          // the last of Days counts in full
	Zone      *time.Location
	Margin    time.Duration // we stop this much before: our moment of authorization is the later one
}

// End is when a consent authorized at a moment ends. The bank's own date,
// where it names one, wins when it is earlier. A refresh never moves it.
func (c Clock) End(authorized, bankSays time.Time) time.Time {
	end := authorized.Add(c.Life)
	if c.Days > 0 {
		end = authorized.In(c.Zone).AddDate(0, 0, c.Days)
		if c.Inclusive {
			end = time.Date(end.Year(), end.Month(), end.Day()+1, 0, 0, 0, 0, c.Zone)
		}
	}
	if !bankSays.IsZero() && bankSays.Before(end) {
		end = bankSays
	}
	return end.Add(-c.Margin).UTC()
}

// LastDay is the last moment before an end, in the bank's zone: the day that
// it lies in is the last one.
func (c Clock) LastDay(end time.Time) time.Time { return end.Add(-time.Nanosecond).In(c.zone()) }

// DaysUntil is how many midnights of the bank lie between a moment and the
// last day: 0 on it, 1 on the day before.
func (c Clock) DaysUntil(end, now time.Time) int {
	return int(date(c.LastDay(end)).Sub(date(now.In(c.zone()))) / day)
}

// date is a day without hours, so that all are of one length.
func date(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func (c Clock) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// valid reports whether the clock ticks at all.
func (c Clock) valid() bool { return (c.Life > c.Margin) != (c.Days > 0 && c.Zone != nil) }

// App is a payment service: our API client.
type App struct {
	ID         string
	Name       string // as customers know it
	Banks      []string
	Scopes     []string // optional scopes that it may ask for
	ReturnURLs map[string]string
}
