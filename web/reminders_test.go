package web_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestRemindersOffAndOnAgain(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(60 * day)
	mail := w.mail()
	b := w.newBrowser()
	b.get(mail+"/reminders").says(t, "No more reminders about Súpubúðin?", "Turn reminders off", "Keep the reminders")
	w.wantReminders(id, true)
	b.press(mail+"/reminders").says(t, "Reminders are off", "Turn reminders on again")
	w.wantReminders(id, false)
	b.get(mail+"/reminders").says(t, "Reminders are off")
	if r := b.press(mail + "/reminders?on=yes"); r.status != http.StatusSeeOther {
		t.Errorf("turning on = %d", r.status)
	}
	w.wantReminders(id, true)
}

func (w *world) wantReminders(id string, on bool) {
	w.t.Helper()
	w.settle()
	timeline := w.call(w.key, "GET", "/v1/consents/"+id+"/proof", nil).text
	if off := strings.Count(timeline, `"reminders_off"`) > strings.Count(timeline, `"reminders_on"`); off == on {
		w.t.Errorf("reminders on = %v, want %v: %s", !off, on, timeline)
	}
}

// TestMailProgramsUnsubscribe by a request that no browser would send.
func TestMailProgramsUnsubscribe(t *testing.T) {
	t.Parallel()
	w, _, id := granted(t)
	w.pass(60 * day)
	mail := w.mail()
	one := func(path string) int {
		r, err := http.Post(w.server.URL+path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
		w.check(err)
		defer r.Body.Close()
		return r.StatusCode
	}
	if got := one(mail + "/reminders"); got != http.StatusOK {
		t.Fatalf("one click = %d", got)
	}
	w.wantReminders(id, false)
	if got := one(mail + "/reminders?on=yes"); got != http.StatusForbidden {
		t.Errorf("a foreign form turned them on: %d", got)
	}
	w.wantReminders(id, false)
	if got := one("/m/nothing/reminders"); got != http.StatusGone {
		t.Errorf("a link that leads nowhere = %d", got)
	}
}
