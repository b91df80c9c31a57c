package consent_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/token"
)

const day = 24 * time.Hour

// replica is one more process: same store, same channels.
func (h *house) replica(t *testing.T, change func(*consent.Config)) *consent.Service {
	t.Helper()
	c := h.config
	if change != nil {
		change(&c)
	}
	s, err := consent.New(c)
	must(t, err)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

// live lets time pass, with every replica ticking each interval. Ticks at
// which nothing is due are left out: they read and change nothing.
func (h *house) live(t *testing.T, span, interval time.Duration, replicas ...*consent.Service) {
	t.Helper()
	if len(replicas) == 0 {
		replicas = []*consent.Service{h.Service}
	}
	for end := time.Now().Add(span); time.Now().Before(end); tick(t, replicas) {
		wait := interval
		if due := h.nextDue(t); due.IsZero() {
			wait = span
		} else if late := time.Until(due); late > interval {
			wait = (late + interval - 1).Truncate(interval)
		}
		time.Sleep(min(wait, time.Until(end)))
	}
}

func tick(t *testing.T, replicas []*consent.Service) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range replicas {
		all.Go(func() {
			if err := r.Work(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// nextDue is when the next task is due, whoever's; zero when there is none.
func (h *house) nextDue(t *testing.T) time.Time {
	t.Helper()
	synctest.Wait() // what is read here is not copied
	var first float64
	for _, key := range h.redis.Keys() {
		if !strings.HasSuffix(key, "}:due") {
			continue
		}
		tasks, err := h.redis.SortedSet(key)
		must(t, err)
		for _, at := range tasks {
			if first == 0 || at < first {
				first = at
			}
		}
	}
	if first == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(first))
}

func wantTold(t *testing.T, n *told, want ...string) {
	t.Helper()
	if got := n.what(); !slices.Equal(got, want) {
		t.Errorf("%s told\n     %v\nwant %v", n.channel, got, want)
	}
}

var ninetyDays = []string{"connected", "warning-30", "warning-14", "warning-7", "warning-3", "warning-1", "expired"}

func TestLifeOfNinetyOneDaysOnThreeReplicas(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 91*day, 10*time.Minute, h.Service, h.replica(t, nil), h.replica(t, nil))
		wantTold(t, h.mail, ninetyDays...)
		wantTold(t, h.hook, ninetyDays...)
		end := p.wantStatus(t, consent.Expired, consent.CauseLapsed).EndsAt
		for _, e := range h.mail.all() {
			at := end
			if d := e.Notice.Days(); d > 0 {
				at = end.Add(-time.Duration(d) * day)
			}
			if e.Notice.Event != consent.ToldConnected && (e.At.Before(at) || e.At.Sub(at) > 10*time.Minute) {
				t.Errorf("%s told at %s, due at %s", e.Notice.Event, e.At, at)
			}
		}
		h.wantNoSecret(t)
	})
}

// wantNoSecret fails if Redis holds a grant.
func (h *house) wantNoSecret(t *testing.T) {
	t.Helper()
	for _, key := range h.redis.Keys() {
		if strings.Contains(key, ":grant:") || strings.Contains(key, ":aside:") {
			t.Errorf("a secret outlived its consent: %s", key)
		}
	}
}

func TestMissedTicksLoseNoWarning(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, 91*day, 20*time.Hour)
		wantTold(t, h.mail, ninetyDays...)
	})
}

func TestAfterALongOutageOnlyTheMostUrgentIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, day, time.Hour)
		time.Sleep(83 * day)
		h.live(t, 8*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-7", "warning-3", "warning-1", "expired")
	})
}

func TestMailDownForTwoDaysDelaysAndDoesNotSilence(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, 70*day, time.Hour)
		down := time.Now().Add(8 * day) // over the 14-days threshold, for two days
		up := down.Add(2 * day)
		h.mail.breaks(func(consent.Event) error {
			if now := time.Now(); now.After(down.Add(-2*day)) && now.Before(up) {
				return errors.New("connection refused")
			}
			return nil
		})
		h.live(t, 21*day, 10*time.Minute)
		wantTold(t, h.mail, ninetyDays...)
		wantTold(t, h.hook, ninetyDays...) // a broken channel blocks no other
	})
}

func TestCrashBetweenClaimAndSend(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.granted(t)
		h.live(t, day, time.Hour)
		time.Sleep(60 * day)
		now := time.Now()
		for range 2 { // a replica claims the warning, then its delivery, and is gone each time
			due, err := h.store.Due(t.Context(), now)
			must(t, err)
			if len(due) == 0 {
				t.Fatal("nothing was due")
			}
			for _, p := range due {
				must(t, second(h.store.Claim(t.Context(), p, now, now.Add(2*time.Minute), 10)))
			}
			time.Sleep(3 * time.Minute)
			now = time.Now()
		}
		h.live(t, time.Hour, 10*time.Minute)
		wantTold(t, h.mail, "connected", "warning-30")
	})
}

func TestCrashBetweenSendAndRecordRepeatsTheSameKey(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, time.Minute, time.Second)
		crashing := h.replica(t, func(c *consent.Config) { c.Store = forgetful{c.Store} })
		_, err := h.Stop(t.Context(), p.id, consent.ByStaff, "asked") // wakes h.Service too
		must(t, err)
		must(t, crashing.Work(t.Context()))
		h.live(t, 10*time.Minute, time.Minute)
		seen := make(map[string]int)
		for _, e := range h.mail.all() {
			seen[e.Key]++
		}
		for key, n := range seen {
			if n > 2 {
				t.Errorf("%q sent %d times", key, n)
			}
		}
		if len(seen) != 2 { // connected and stopped, whatever was repeated
			t.Errorf("%d messages, want 2: %v", len(seen), seen)
		}
	})
}

// forgetful dies before it can record that a message went out.
type forgetful struct{ consent.Store }

func (forgetful) Delivered(context.Context, consent.Task, consent.Delivery) error {
	return fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)
}

func (forgetful) Finish(context.Context, consent.Task) error {
	return fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)
}

func (forgetful) Postpone(context.Context, consent.Task, time.Time) error {
	return fmt.Errorf("%w: crashed", token.ErrStoreUnavailable)
}

func TestRenewalSilencesTheRest(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 80*day, time.Hour)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.live(t, 40*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-30", "warning-14", "renewed")
		h.live(t, 60*day, time.Hour)
		wantTold(t, h.mail, append([]string{"connected", "warning-30", "warning-14", "renewed"}, ninetyDays[1:]...)...)
	})
}

func TestRenewalBetweenClaimAndDeliverySilences(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 59*day, time.Hour)
		h.mail.breaks(func(consent.Event) error { return errors.New("down") })
		h.live(t, 2*day, time.Hour)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.mail.breaks(nil)
		h.live(t, 2*day, time.Hour)
		wantTold(t, h.mail, "connected", "renewed")
	})
}

func TestRenewalGivesTheOldGrantBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		time.Sleep(80 * day)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		h.live(t, time.Minute, 10*time.Second)
		if n := h.bank.Calls(sandbox.EndpointRevoke); n != 1 {
			t.Errorf("%d revocations, want that of the old grant", n)
		}
		time.Sleep(time.Hour)
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestOneMailForConsentsThatEndTogether(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		first := h.granted(t)
		time.Sleep(5 * day)
		other := h.ask(t, consent.Request{Expected: gudrunID, Bank: "second"})
		wantEnding(t, other.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 91*day, time.Hour)
		wantTold(t, h.mail, "connected", "connected", "warning-30", "warning-14", "warning-7", "warning-3", "warning-7", "warning-1", "expired", "warning-3", "warning-1", "expired")
		for _, e := range h.mail.all()[2:6] {
			if len(e.Ending) != 2 || e.Ending[0].Consent.ID != first.id || e.Ending[1].Consent.ID != other.id {
				t.Errorf("%s speaks of %d consents, want both, the first one first", e.Notice.Event, len(e.Ending))
			}
		}
	})
}

func TestQuietHours(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		stockholm, err := time.LoadLocation("Europe/Stockholm")
		must(t, err)
		s := h.replica(t, func(c *consent.Config) {
			c.Life.QuietFrom, c.Life.QuietUntil = 21*time.Hour, 8*time.Hour
			c.Banks = slices.Clone(c.Banks)
			c.Banks[0].Clock.Zone = stockholm
		})
		h.Service = s
		time.Sleep(23*time.Hour + 17*time.Minute) // the end will lie in the night
		h.granted(t)
		h.live(t, 91*day, 10*time.Minute, s)
		wantTold(t, h.mail, ninetyDays...)
		for _, e := range h.mail.all()[1:] {
			if hour := e.At.In(stockholm).Hour(); hour < 8 || hour >= 21 {
				t.Errorf("%s told at %s", e.Notice.Event, e.At.In(stockholm))
			}
		}
		for i, e := range h.hook.all()[1:] {
			if e.At.After(h.mail.all()[i+1].At) {
				t.Errorf("the app was told of %s after the customer", e.Notice.Event)
			}
		}
	})
}

func TestCustomerWithoutAddressDoesNotKeepTheAppFromBeingTold(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		c, link, err := h.Create(t.Context(), shop, consent.Request{Reference: "x", Bank: "sandbox", ReturnTo: "done", Expected: gudrunID})
		must(t, err)
		p := &trip{house: h, at: "sandbox", id: c.ID, link: link.Secret, browser: "b"}
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndConnected)
		h.live(t, 91*day, time.Hour)
		wantTold(t, h.mail)
		wantTold(t, h.hook, ninetyDays...)
	})
}

func TestUndeliverableIsOnRecordAndCanBeSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.mail.breaks(func(consent.Event) error { return fmt.Errorf("%w: no such mailbox", consent.ErrUndeliverable) })
		p := h.granted(t)
		h.live(t, time.Minute, 10*time.Second)
		left, err := h.store.Undelivered(t.Context(), 10)
		must(t, err)
		if len(left) != 1 || left[0].ID != p.id {
			t.Fatalf("undelivered: %v", left)
		}
		p.wantTimeline(t, "message_undelivered")
		h.mail.breaks(nil)
		must(t, h.store.Redeliver(t.Context(), left[0], time.Now()))
		h.live(t, time.Minute, 10*time.Second)
		wantTold(t, h.mail, "connected")
		if left, err = h.store.Undelivered(t.Context(), 10); err != nil || len(left) != 0 {
			t.Errorf("undelivered: %v, %v", left, err)
		}
	})
}

func (p *trip) wantTimeline(t *testing.T, event string) {
	t.Helper()
	lines, err := p.store.Timeline(t.Context(), p.id, 100)
	must(t, err)
	if !slices.ContainsFunc(lines, func(e consent.Entry) bool { return e.Event == event }) {
		t.Errorf("%q is not in the timeline: %+v", event, lines)
	}
}

func TestManageLink(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.live(t, 61*day, time.Hour)
		link := p.manageLink(t)
		for range 10 {
			m, err := h.Manage(t.Context(), link)
			must(t, err)
			if m.Used || m.Consent.ID != p.id {
				t.Fatalf("manage = %+v", m)
			}
		}
		wantErr(t, second(h.Manage(t.Context(), "forged")), consent.ErrLinkGone)
		wantErr(t, second(h.Manage(t.Context(), link[:len(link)-4]+"AAAA")), consent.ErrLinkGone)
		fresh, err := h.RenewByCustomer(t.Context(), link)
		must(t, err)
		p.link = fresh.Secret
		wantEnding(t, p.visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		synctest.Wait()
		wantErr(t, second(h.RenewByCustomer(t.Context(), link)), consent.ErrLinkGone)
		wantErr(t, second(h.StopByCustomer(t.Context(), link)), consent.ErrLinkGone)
		if m, err := h.Manage(t.Context(), link); err != nil || !m.Used {
			t.Errorf("manage after renewal = %+v, %v", m, err)
		}
		must(t, second(h.StopByCustomer(t.Context(), p.manageLink(t))))
		p.wantStatus(t, consent.RevokedByPsu, consent.CauseStopped)
	})
}

func TestRenewalWhoseStoringIsNotAnsweredIsNotGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		lossy := &lossyActivate{Store: h.store, until: time.Now().Add(10 * day).Add(time.Minute)}
		time.Sleep(10 * day)
		h.Service = h.replica(t, func(c *consent.Config) { c.Store = lossy })
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndUnknown)
		time.Sleep(2 * time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{})))
		time.Sleep(6 * time.Minute)
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

// lossyActivate stores grants, and does not say so for a while.
type lossyActivate struct {
	consent.Store
	until time.Time
}

func (s *lossyActivate) Activate(ctx context.Context, id consent.ID, a consent.Activation) error {
	err := s.Store.Activate(ctx, id, a)
	if err == nil && time.Now().Before(s.until) {
		return fmt.Errorf("%w: reply lost", token.ErrStoreUnavailable)
	}
	return err
}

func TestSecondTripDoesNotUndoAGrantThatWaitsToBeConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{})
		r := p.visit(t, sandbox.Customer{User: gudrun})
		wantEnding(t, r, consent.EndUnconfirmed)
		wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun, Cancel: true}), consent.EndCancelled)
		must(t, second(h.Confirm(t.Context(), shop, p.id, r.Code)))
		must(t, second(p.token(t, consent.TokenRequest{})))
	})
}

func TestGrantOfTheWrongPersonIsGivenBackUntilTheBankTakesIt(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.ask(t, consent.Request{Expected: gudrunID})
		h.bank.Fail(sandbox.EndpointRevoke, 3, sandbox.Fault{Status: 503})
		wantEnding(t, p.visit(t, sandbox.Customer{User: anna}), consent.EndWrongPerson)
		h.live(t, 2*time.Hour, time.Minute)
		if h.bank.Withdraw(anna, "consentd") != 0 {
			t.Error("the grant lives on at the bank")
		}
		h.wantNoSecret(t)
	})
}

func TestErasureFindsAConsentThatWasRenewedForYears(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		for range 12 {
			time.Sleep(80 * day)
			wantEnding(t, p.again(t).visit(t, sandbox.Customer{User: gudrun}), consent.EndRenewed)
		}
		e, err := h.Erase(t.Context(), shop, "customer-1")
		must(t, err)
		if e.Consents != 1 {
			t.Errorf("erased %d consents, want 1", e.Consents)
		}
	})
}

func TestMinTTLThatNeverFitsIsSaidAndNotHammered(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		p := h.granted(t)
		h.bank.Fail(sandbox.EndpointToken, 1, sandbox.Fault{Delay: 3 * time.Second})
		time.Sleep(time.Minute)
		r := wantErr(t, second(p.token(t, consent.TokenRequest{MinTTL: 5*time.Minute - time.Second})), consent.ErrLifetime)
		if h.bank.Refreshes() > 1 || r.Longest != 5*time.Minute {
			t.Errorf("%d refreshes, longest %s", h.bank.Refreshes(), r.Longest)
		}
	})
}

// TestClockBackwards: a machine whose clock was set back must warn nobody
// twice and end nothing early.
func TestClockBackwards(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		var back time.Duration
		h.Service = h.replica(t, func(c *consent.Config) { c.Now = func() time.Time { return time.Now().Add(-back) } })
		p := h.granted(t)
		h.live(t, 84*day, time.Hour)
		back = 10 * day
		h.live(t, 9*day, time.Hour)
		wantTold(t, h.mail, "connected", "warning-30", "warning-14", "warning-7")
		p.wantStatus(t, consent.Valid, "")
	})
}

// TestChance lets consents begin, renew, stop and lapse at random on three
// replicas whose store loses replies: nobody is told anything twice, and
// nobody lapses unwarned.
func TestChance(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		r := rand.New(rand.NewPCG(1, 2))
		var trips []*trip
		for range 12 {
			trips = append(trips, h.granted(t))
			h.live(t, time.Duration(r.IntN(9)+8)*day, 12*time.Hour)
			p := trips[r.IntN(len(trips))]
			switch c, err := h.Consent(t.Context(), shop, p.id); {
			case err != nil:
				t.Fatal(err)
			case r.IntN(3) == 0:
				must(t, second(h.StopByApp(t.Context(), shop, p.id)))
			case c.Renewable():
				p.again(t).visit(t, sandbox.Customer{User: gudrun})
			}
		}
		h.live(t, 91*day, 12*time.Hour, h.Service, h.replica(t, nil), h.replica(t, nil))
		told := make(map[string]int)
		for _, e := range h.hook.all() {
			told[e.Key]++
		}
		for key, n := range told {
			if n != 1 {
				t.Errorf("%q was told %d times", key, n)
			}
			if id, rest, _ := strings.Cut(key, " webhook expired "); rest != "" && told[id+" webhook warning-1 "+rest] == 0 {
				t.Errorf("%s lapsed unwarned", id)
			}
		}
		h.wantNoSecret(t)
	})
}
