package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// clock asks the demonstration's clock, as a program would.
func (w *world) clock(body string) (status int, messages int, now time.Time) {
	w.t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.at.shop+"/clock", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var state struct {
		Now      time.Time
		Messages int
	}
	if res.StatusCode == http.StatusOK {
		if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
			w.t.Fatal(err)
		}
	}
	return res.StatusCode, state.Messages, state.Now
}

func TestNinetyDaysInTheInbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	w.settle()
	granted := w.stage.Now()
	status, messages, now := w.clock(`{"days": 91}`)
	if passed := now.Sub(granted); status != http.StatusOK || messages != 7 || passed < 91*24*time.Hour-time.Minute || passed > 91*24*time.Hour+time.Minute {
		t.Fatalf("91 days = %d, %d messages, %s later; want 200 and 7 messages", status, messages, passed)
	}
	p.open(w.at.shop + "/inbox")
	end := w.stage.Now().Add(-24 * time.Hour)
	for days, subject := range map[int]string{30: "in 30 days, on", 14: "in 14 days, on", 7: "in 7 days, on", 3: "in 3 days, on", 1: "tomorrow, on", 0: "ended on"} {
		want := fmt.Sprintf("To jongunars@example.com · %s", end.Add(-time.Duration(days)*24*time.Hour).Format("2 January 2006"))
		p.sees(subject, want)
	}
	p.follow("Open as a mail program").sees("no longer work").follow("Connect again").sees("The access has ended")
	p.press("Connect again").throughBank(jon).sees("is connected").follow("Continue to Fika Pay")
	p.sees("90 of 90 days left").press("Pay 10 ISK").sees("Paid 10 ISK")
}

func TestRenewedFromAMailByWhoeverIsSignedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected(jon)
	w.settle()
	w.clock(`{"days": 60}`)
	p := w.person().open(w.at.shop + "/inbox").follow("/m/").sees("30 of 90 days left").press("Renew access")
	p.throughBank(jon).sees("Access renewed").follow("Continue to Fika Pay").sees("Who are you?").press("Jón").sees("90 of 90 days left")
	if _, messages, _ := w.clock(`{"days": 50}`); messages != 3 {
		t.Errorf("%d messages after the renewal, want 3: connected, one warning, renewed", messages)
	}
}

func TestStopTellsTheBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	w.settle()
	p.follow("Inbox").follow("/m/").follow("Stop access").sees("Payments through Fika Pay will no longer work").press("Stop access").sees("Access stopped")
	w.settle()
	p.open(p.at.String()).sees("Sandbox Bank has confirmed")
	p.open(w.at.shop).sees("You stopped the permission").press("Connect your bank").throughBank(jon).follow("Continue to Fika Pay")
	p.sees("Connected").press("Disconnect the bank").sees("Disconnected", "You stopped here")
	w.settle()
	p.open(w.at.bank + "/onlinebank?user=" + jon).sees("No app has access")
	p.open(w.at.shop + "/inbox").sees("Fika Pay stopped its access")
}

func TestTokenTheBankRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.connected(jon)
	w.bank.Withdraw(jon, "")
	p.press("Pay 10 ISK").sees("Access was withdrawn", "heard: consent-ended")
}

func TestClockRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, before := w.clock("")
	for body, want := range map[string]int{
		`{"days": 0}`: 400, `{"days": 367}`: 400, `{"days": -1}`: 400, `{"days": 1, "to": "eve"}`: 400, `{"to": "end"}`: 400, `{"hours": 1}`: 400,
		`days`: 400, `{"to": "eve"}`: 409,
	} {
		if status, _, _ := w.clock(body); status != want {
			t.Errorf("POST /clock %s = %d, want %d", body, status, want)
		}
	}
	if _, _, after := w.clock(""); after.Sub(before) > time.Minute {
		t.Errorf("a refused order moved the clock by %s", after.Sub(before))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.at.shop+"/clock", strings.NewReader(`{"days": 7}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign page moves the clock: %d", res.StatusCode)
	}
}

func TestLetterIsSandboxed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connected(jon)
	w.settle()
	w.person().open(w.at.shop + "/inbox/1").sees("You connected Fika Pay").open(w.at.shop + "/inbox/99").sees("What consentd has sent")
	for _, x := range w.ear.everything() {
		if policy := x.answer.Get("Content-Security-Policy"); x.uri == "/inbox/1" && !strings.HasPrefix(policy, "sandbox; default-src 'none'") {
			t.Errorf("policy of a letter = %q", policy)
		}
	}
}
