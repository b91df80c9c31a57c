package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
)

// consentView is a consent as support sees it: no secret, no personal data.
// Its members are those of the API where both have them.
type consentView struct {
	ID           consent.ID     `json:"id"`
	App          string         `json:"app"`
	Bank         string         `json:"bank"`
	Status       consent.Status `json:"status"`
	Cause        *causeView     `json:"cause,omitempty"`
	Asked        []string       `json:"scopes_requested"`
	Granted      []string       `json:"scopes_granted"`
	CreatedAt    time.Time      `json:"created_at"`
	AuthorizedAt time.Time      `json:"authorized_at,omitzero"`
	EndsAt       time.Time      `json:"ends_at,omitzero"`
	EndedAt      time.Time      `json:"ended_at,omitzero"`
	DaysLeft     int            `json:"days_left"`
	Awaiting     bool           `json:"awaiting_confirmation"`
	NeededUntil  time.Time      `json:"needed_until,omitzero"`
	LastUsedAt   time.Time      `json:"last_used_at,omitzero"`
}

type causeView struct {
	Actor consent.Actor `json:"actor"`
	Code  string        `json:"code"`
}

func viewConsent(c consent.Consent, now time.Time) consentView {
	v := consentView{
		ID: c.ID, App: c.App, Bank: c.Bank, Status: c.StatusAt(now), Asked: list(c.Asked), Granted: list(c.Granted),
		CreatedAt: c.CreatedAt, AuthorizedAt: c.AuthorizedAt, EndsAt: c.EndsAt, EndedAt: c.EndedAt,
		DaysLeft: c.DaysLeft(now), Awaiting: c.AwaitsConfirmation(now),
		NeededUntil: c.NeededUntil, LastUsedAt: c.LastUsedAt,
	}
	if cause := c.CauseAt(now); cause != (consent.Cause{}) {
		v.Cause = &causeView{Actor: cause.Actor, Code: cause.Code}
	}
	return v
}

// list is never null in JSON.
func list(s []string) []string { return append([]string{}, s...) }

// historyView is a consent with what happened to it.
type historyView struct {
	consentView
	Timeline []entryView      `json:"timeline"`
	Uses     map[string]int64 `json:"handouts_by_day"`
}

type entryView struct {
	At        time.Time     `json:"at"`
	Actor     consent.Actor `json:"actor"`
	Event     string        `json:"event"`
	Detail    string        `json:"detail,omitempty"`
	RequestID string        `json:"request_id,omitempty"`
	Staff     string        `json:"staff,omitempty"`
	Reason    string        `json:"reason,omitempty"`
}

func viewHistory(h consent.History, now time.Time) historyView {
	v := historyView{consentView: viewConsent(h.Consent, now), Timeline: []entryView{}, Uses: h.Uses}
	for _, e := range h.Timeline {
		v.Timeline = append(v.Timeline, entryView(e))
	}
	return v
}

func (v historyView) text(w io.Writer) {
	row := func(name, value string) { fmt.Fprintf(w, "%s\t%s\n", name, cmp.Or(value, "-")) }
	row("consent", string(v.ID))
	row("app", v.App)
	row("bank", v.Bank)
	row("status", v.statusText())
	row("scopes asked", strings.Join(v.Asked, " "))
	row("scopes granted", strings.Join(v.Granted, " "))
	row("created", moment(v.CreatedAt))
	row("authorized", moment(v.AuthorizedAt))
	row("ends", v.endText())
	row("ended early", moment(v.EndedAt))
	row("needed until", moment(v.NeededUntil))
	row("last used", moment(v.LastUsedAt))
	fmt.Fprintln(w, "\nTIMELINE\tWHO\tWHAT\tDETAIL\tREQUEST")
	for _, e := range v.Timeline {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", moment(e.At), cmp.Or(e.Staff, string(e.Actor)), e.Event,
			cmp.Or(e.Detail, "-"), cmp.Or(e.RequestID, "-"))
	}
	fmt.Fprintln(w, "\nDAY\tHAND-OUTS")
	for _, day := range slices.Sorted(maps.Keys(v.Uses)) {
		fmt.Fprintf(w, "%s\t%d\n", day, v.Uses[day])
	}
}

func (v consentView) statusText() string {
	switch {
	case v.Awaiting:
		return string(v.Status) + ", granted; the app has not confirmed the customer"
	case v.Cause != nil:
		return fmt.Sprintf("%s, by %s: %s", v.Status, v.Cause.Actor, v.Cause.Code)
	}
	return string(v.Status)
}

func (v consentView) endText() string {
	if v.Status == consent.Valid {
		return fmt.Sprintf("%s, %d days left", moment(v.EndsAt), v.DaysLeft)
	}
	return moment(v.EndsAt)
}

// foundView is the result of a search, newest first.
type foundView []consentView

func viewFound(found []consent.Consent, now time.Time) foundView {
	v := foundView{}
	for _, c := range found {
		v = append(v, viewConsent(c, now))
	}
	return v
}

func (v foundView) text(w io.Writer) {
	fmt.Fprintln(w, "CONSENT\tAPP\tBANK\tSTATUS\tCREATED\tENDS\tLAST USED")
	for _, c := range v {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.App, c.Bank, c.Status,
			moment(c.CreatedAt), moment(c.EndsAt), moment(c.LastUsedAt))
	}
}

// moment writes a time as people compare it, in UTC.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
