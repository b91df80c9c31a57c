package staff

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/consentd/consentd/consent"
)

// busyDesk is a desk on a bad day.
type busyDesk struct {
	Desk
	id   consent.ID
	done []string
}

func (d *busyDesk) Incidents(context.Context) ([]consent.Incident, error) {
	now := d.Now()
	return []consent.Incident{{Bank: "bank", Since: now.Add(-day), Until: now.Add(day), Refusals: 31, Doubted: []consent.ID{d.id}}}, nil
}

func (d *busyDesk) LiftIncident(_ context.Context, who consent.Staff, bank, reason string) error {
	d.done = append(d.done, who.ID+" lifts "+bank+": "+reason)
	return nil
}

func (d *busyDesk) Undelivered(context.Context, int) ([]consent.Undelivered, error) {
	return []consent.Undelivered{
		{ID: d.id, Notice: consent.Notice{Channel: consent.ChannelMail, Event: "warning-7", Term: 1}, Since: d.Now()},
		{ID: d.id, Notice: consent.Notice{Channel: consent.ChannelWebhook, Event: consent.ToldStopped, Term: 1}, Since: d.Now()},
	}, nil
}

func (d *busyDesk) Resend(_ context.Context, who consent.Staff, u consent.Undelivered, reason string) error {
	d.done = append(d.done, who.ID+" resends "+u.Notice.String()+": "+reason)
	return nil
}

func (d *busyDesk) Overview(context.Context) (consent.Overview, error) {
	return consent.Overview{At: d.Now(), Undelivered: 2, Consents: []consent.Count{
		{App: "shop", Bank: "bank", Status: consent.Valid, N: 990_000}, {App: "shop", Bank: "bank", Status: consent.Expired, N: 10_000}},
		Failing: []consent.Count{{App: "shop", Bank: "bank", N: 7}}, Short: []consent.Count{{App: "shop", Bank: "bank", N: 9}}, Lapses: []consent.DayCount{{Day: today, N: 4321}, {Day: today.Add(day)}},
		Refreshes: []consent.RefreshDay{{Day: today, Bank: "bank", Failed: 17, Refused: 3}, {Day: today.Add(day), Bank: "bank", Failed: 1}},
		HandOuts:  []consent.HandOutsDay{{Day: today, App: "shop", Allowed: 5000, Denied: 12}}}, nil
}

func newBusyWorld(t *testing.T) (*world, *busyDesk) {
	w := newWorld(t)
	d := &busyDesk{Desk: w.desk, id: w.id}
	w.server.desk = d
	return w, d
}

func TestIncidentDesk(t *testing.T) {
	t.Parallel()
	w, d := newBusyWorld(t)
	support, admin := w.browser().signIn("audur"), w.browser().signIn("dagny")
	support.get("/desk").want(http.StatusOK, "Landsbankinn", "31 since", "the end in 7 days", "Send again", string(w.id))
	for _, unwanted := range []string{"Believe the bank again", "Replay"} {
		if strings.Contains(support.text, unwanted) {
			t.Errorf("support is offered %q", unwanted)
		}
	}
	admin.get("/desk").want(http.StatusOK, "Believe the bank again", "Replay", "Send again")
	mail, event := "mail warning-7 1", "webhook stopped 1"
	support.post("/desk/resend", "consent", string(w.id), "message", mail).want(http.StatusSeeOther)
	support.post("/desk/resend", "consent", string(w.id), "message", event).want(http.StatusNotFound)
	support.post("/desk/resend", "consent", string(w.id), "message", "mail warning-3 1").want(http.StatusNotFound)
	admin.post("/desk/replay", "consent", string(w.id), "message", event).want(http.StatusSeeOther)
	admin.post("/desk/lift", "bank", "another", "other", "asked them").want(http.StatusNotFound)
	admin.post("/desk/lift", "bank", "bank", "other", "asked them").want(http.StatusSeeOther)
	want := "audur resends mail warning-7 1: send-again; dagny resends webhook stopped 1: send-again; dagny lifts bank: asked them"
	if got := strings.Join(d.done, "; "); got != want {
		t.Errorf("done = %s\nwant %s", got, want)
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	w, _ := newBusyWorld(t)
	b := w.browser().signIn("bjorn").get("/overview").want(http.StatusOK, "<strong>1000000</strong>", "990000", "<strong>7</strong> refresh failing",
		`href="/?short=1&amp;all=1"><strong>9</strong> needed beyond`,
		"4321 in all", "20 February: 4321", `role="img"`, "Landsbankinn", "no usable answer", ">18<", ">5000<", "refuses many customers at once")
	if strings.Contains(b.text, "21 February</th>") {
		t.Error("the table lists a day on which nothing ends")
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().signIn("bjorn")
	b.get("/").want(http.StatusOK, "Find")
	if strings.Contains(b.text, string(w.id)) {
		t.Error("the front page lists consents that nobody asked for")
	}
	for query, found := range map[string]bool{"all=1": true, "bank=bank": true, "app=shop&status=received": true, "status=valid": false, "bank=other": false,
		"within=30": false, "failing=1": false, "short=1": false} {
		b.get("/?" + query).want(http.StatusOK)
		if got := strings.Contains(b.text, "1 consent") && strings.Contains(b.text, string(w.id)); got != found {
			t.Errorf("%s: found = %t, want %t\n%s", query, got, found, b.text)
		}
	}
	b.get("/?failing=1&short=1").want(http.StatusUnprocessableEntity)
	b.get("/?status=nonsense").want(http.StatusUnprocessableEntity)
	b.get("/?all=1&after=nonsense").want(http.StatusUnprocessableEntity)
}

// TestPages goes on to the next page of a long list.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range onPage {
		_, _, err := w.desk.Create(t.Context(), shop, consent.Request{Reference: "customer-18", Bank: "bank", ReturnTo: "done"})
		must(t, err)
	}
	b := w.browser().signIn("bjorn").get("/?all=1").want(http.StatusOK, "26 consents", "Next page")
	_, rest, _ := strings.Cut(b.text, `href="/?after=`)
	cursor, _, _ := strings.Cut(rest, `&amp;`)
	b.get("/?all=1&after="+cursor).want(http.StatusOK, "26 consents")
	if n := strings.Count(b.text, `<a href="/consents/`); n != 1 {
		t.Errorf("the second page lists %d, want 1", n)
	}
	b.get("/found").want(http.StatusSeeOther) // nobody was looked for
}

// TestOneCustomersListAsksWhy: at which banks somebody is, is shown to whoever
// has said why, once for the whole list, and is on record of each consent.
func TestOneCustomersListAsksWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second, _, err := w.desk.Create(t.Context(), shop, consent.Request{Reference: "customer-17", Bank: "bank", ReturnTo: "done"})
	must(t, err)
	b := w.browser().signIn("bjorn")
	b.post("/find", "what", "customer-17", "by", "app:shop").want(http.StatusSeeOther)
	if to := b.header.Get("Location"); to != "/found" {
		t.Errorf("sent to %q", to)
	}
	b.get("/found").want(http.StatusOK, "Why do you look", "2 consents")
	for _, early := range []string{string(w.id), string(second.ID), "Landsbankinn"} {
		if strings.Contains(b.text, early) {
			t.Errorf("%s is shown before a reason", early)
		}
	}
	b.post("/found/look").want(http.StatusUnprocessableEntity)
	b.post("/found/look", "reason", "customer-called").want(http.StatusSeeOther)
	b.do(http.MethodHead, "/found", nil).want(http.StatusOK)
	b.get("/found").want(http.StatusOK, "2 consents", string(w.id), string(second.ID))
	acts, err := w.desk.Audit(t.Context(), 0, 100)
	must(t, err)
	var onRecord []string
	for _, a := range acts[1:] {
		onRecord = append(onRecord, a.Action+" "+string(a.Consent)+" "+a.Reason)
	}
	slices.Sort(onRecord)
	want := []string{"find  ", "list " + string(w.id) + " customer-called", "list " + string(second.ID) + " customer-called"}
	slices.Sort(want)
	if !slices.Equal(onRecord, want) {
		t.Errorf("on record: %q", onRecord)
	}
	for _, id := range []consent.ID{w.id, second.ID} {
		b.get("/consents/"+string(id)).want(http.StatusOK, "Customer called", "looked at this", "saw this in a list of the customer’s")
	}
	b.get("/?all=1").want(http.StatusOK) // another search
	b.get("/found").want(http.StatusSeeOther)
}
