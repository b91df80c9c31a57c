package web

import (
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/internal/wording"
)

// texts are everything that customers read, in one language, and the
// sentences that are made of a consent.
type texts struct{ wording.Texts }

// must is Text for keys that this package writes down itself; a test renders
// them all.
func (x texts) must(key string, args ...any) string {
	m, err := x.Text(key, args...)
	if err != nil {
		return key
	}
	return m
}

// may says in sentences what scopes allow.
func (x texts) may(bank consent.Bank, scopes []string) []string {
	var out []string
	for _, scope := range scopes {
		key := "scope." + consent.ScopeKind(scope)
		if !x.Has(key) {
			key = "scope.other"
		}
		out = append(out, x.must(key, bank.Name, x.nationalID(bank), scope))
	}
	return out
}

// mayNot says what stays out of reach, which calms more than what is allowed.
func (x texts) mayNot(a consent.Ask) []string {
	kinds := make(map[string]bool)
	for _, scope := range a.Scopes {
		kinds[consent.ScopeKind(scope)] = true
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
	if !x.Has(key) {
		key = "national_id."
	}
	return x.must(key)
}

// lastDay writes out the last day of what ends at that moment.
func (x texts) lastDay(end time.Time, bank consent.Bank) string {
	if end.IsZero() {
		return ""
	}
	return x.Day(bank.Clock.LastDay(end), bank.Clock.Zone)
}
