package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
)

// texts are everything that customers read, in one language. Messages are
// found by key and formatted by fmt, with numbered arguments because
// languages order words differently.
type texts struct {
	lang     string // BCP 47
	months   [12]string
	messages map[string]string
}

func (x texts) has(key string) bool { _, ok := x.messages[key]; return ok }

// text is a message; a key that is not there is an error, so that no page
// shows a hole.
func (x texts) text(key string, args ...any) (string, error) {
	m, ok := x.messages[key]
	if !ok {
		return "", fmt.Errorf("no text %q in %s", key, x.lang)
	}
	if !strings.Contains(m, "%[") {
		return m, nil // fmt would complain of arguments that a message has no use for
	}
	return fmt.Sprintf(m, args...), nil
}

// wording is all messages whose keys have one of the prefixes, in a fixed
// order: what a version of a text is computed from.
func (x texts) wording(prefixes ...string) []byte {
	var lines []string
	for key, m := range x.messages {
		for _, prefix := range prefixes {
			if strings.HasPrefix(key, prefix) {
				lines = append(lines, key+"="+m)
			}
		}
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n"))
}

// must is text for keys that this package writes down itself; a test renders
// them all.
func (x texts) must(key string, args ...any) string {
	m, err := x.text(key, args...)
	if err != nil {
		return key
	}
	return m
}

// may says in sentences what scopes allow.
func (x texts) may(bank consent.Bank, scopes []string) []string {
	var out []string
	for _, scope := range scopes {
		key := "scope." + kindOf(scope)
		if !x.has(key) {
			key = "scope.other"
		}
		out = append(out, x.must(key, bank.Name, x.nationalID(bank), scope))
	}
	return out
}

// kindOf drops the id that some banks put into a scope, such as AIS:<id>.
func kindOf(scope string) string {
	kind, _, _ := strings.Cut(scope, ":")
	return strings.ToLower(kind)
}

// mayNot says what stays out of reach, which calms more than what is allowed.
func (x texts) mayNot(a consent.Ask) []string {
	kinds := make(map[string]bool)
	for _, scope := range a.Scopes {
		kinds[kindOf(scope)] = true
	}
	out := []string{x.must("ask.never.password", a.Bank.Name)}
	if !kinds["accounts"] && !kinds["ais"] {
		out = append(out, x.must("ask.never.balance"))
	}
	if !kinds["payments"] && !kinds["pis"] {
		out = append(out, x.must("ask.never.pay"))
	}
	return append(out, x.must("ask.never.share"), x.must("ask.never.after"))
}

func (x texts) nationalID(bank consent.Bank) string {
	key := "national_id." + string(bank.NationalID)
	if !x.has(key) {
		key = "national_id."
	}
	return x.must(key)
}

// lastDay writes out the day that contains the last moment before end, on
// the bank's calendar.
func (x texts) lastDay(end time.Time, bank consent.Bank) string {
	if end.IsZero() {
		return ""
	}
	return x.day(end.Add(-time.Nanosecond), bank)
}

// day writes out the day of a moment on the bank's calendar.
func (x texts) day(at time.Time, bank consent.Bank) string {
	zone := bank.Clock.Zone
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	return x.must("date", at.Day(), x.months[at.Month()-1], at.Year())
}
