package redisstore

import (
	"strconv"
	"strings"
	"time"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/token"
)

// recordFields writes a new consent's record as fields and values. What is
// empty is left out.
func recordFields(c consent.Consent) []any {
	var out []any
	add := func(name, value string) {
		if value != "" {
			out = append(out, name, value)
		}
	}
	add("app", c.App)
	add("bank", c.Bank)
	add("status", string(c.Status))
	add("version", strconv.FormatInt(c.Version, 10))
	add("asked", strings.Join(c.Asked, " "))
	add("return_to", c.ReturnTo)
	add("language", c.Language)
	add("created", millis(c.CreatedAt))
	add("personal", string(c.Personal))
	return out
}

// record reads a consent's record.
func record(id consent.ID, h map[string]string) consent.Consent {
	return consent.Consent{
		ID: id, App: h["app"], Bank: h["bank"], Status: consent.Status(h["status"]), Version: number(h["version"]),
		Cause: consent.Cause{Actor: consent.Actor(h["cause_actor"]), Code: h["cause_code"]},
		Asked: strings.Fields(h["asked"]), Granted: strings.Fields(h["granted"]),
		ReturnTo: h["return_to"], Language: h["language"], NoReminders: h["no_reminders"] == "1",
		CreatedAt: instant(h["created"]), AuthorizedAt: instant(h["authorized"]), EndsAt: instant(h["ends"]),
		EndedAt: instant(h["ended"]), ChangedAt: instant(h["changed"]), ConfirmUntil: instant(h["confirm_until"]), LastUsedAt: instant(h["used"]),
		NeededUntil: instant(h["needed"]),
		Failing:     h["failing"] == "1", TextVersion: h["text"], Term: number(h["term"]), BankTold: token.Revocation(h["told_bank"]),
		TellingBank: h["ended_grant"] != "" && h["told_bank"] == "", Personal: []byte(h["personal"]),
	}
}

// number reads what a script wrote; anything else reads as zero, which no
// version, generation or lease is.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func instant(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	return time.UnixMilli(number(s)).UTC()
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
