package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/consentd/consentd/consent"
)

// Hook delivers events to one app. Its error wraps [ErrRefused] or is
// transient; its text holds nothing that the app answered.
type Hook interface {
	// Post makes one attempt to deliver body, which is JSON. The id is the
	// same whenever the same thing is told again.
	Post(ctx context.Context, id string, body []byte) error
}

// Hooks tells apps. What it tells names consents and never a person: an app
// knows whose consent it is.
type Hooks struct{ hooks map[string]Hook }

var _ consent.Notifier = (*Hooks)(nil)

// NewHooks tells apps through a hook each, by the app's id. An app without
// one is not told.
func NewHooks(hooks map[string]Hook) *Hooks { return &Hooks{hooks: hooks} }

// Channel implements [consent.Notifier].
func (h *Hooks) Channel() string { return consent.ChannelWebhook }

// Reaches implements [consent.Notifier].
func (h *Hooks) Reaches(e consent.Event) bool { return h.hooks[e.Consent.App] != nil }

// Notify implements [consent.Notifier].
func (h *Hooks) Notify(ctx context.Context, e consent.Event) error {
	hook := h.hooks[e.Consent.App]
	if hook == nil {
		return fmt.Errorf("%w: the app has no webhook", consent.ErrUndeliverable)
	}
	body, err := json.Marshal(payloadOf(e))
	if err != nil {
		return fmt.Errorf("%w: %w", consent.ErrUndeliverable, err)
	}
	return undeliverable(hook.Post(ctx, eventID(e.ID), body))
}

// eventID is what apps know an event by, through whichever channel. It is a
// hash, because a webhook's id must have no dots, and ends up in logs where a
// consent's id would say more than it needs to.
func eventID(id string) string {
	sum := sha256.Sum256([]byte("consentd/webhook\x00" + id))
	return "evt_" + hex.EncodeToString(sum[:16])
}

// hookTypes are the types of events, by what happened.
var hookTypes = map[string]string{
	consent.ToldConnected: "consent.granted",
	consent.ToldRenewed:   "consent.renewed",
	consent.ToldRecovered: "consent.recovered",
	consent.ToldNeeded:    "consent.expiring",
	consent.ToldExpired:   "consent.expired",
	consent.ToldStopped:   "consent.revoked",
	consent.ToldRefused:   "consent.needs_renewal",
	consent.ToldRejected:  "consent.rejected",
}

// payload is an event as apps get it. Members may be added, so apps must
// ignore those that they do not know.
type payload struct {
	ID        string      `json:"id,omitempty"` // in the log; a webhook has it in a header
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"` // when it happened, not when it was told
	Data      payloadData `json:"data"`
}

type payloadData struct {
	ConsentID   consent.ID     `json:"consent_id"`
	Status      consent.Status `json:"status"`
	Bank        string         `json:"bank"`
	EndsAt      time.Time      `json:"ends_at,omitzero"`
	DaysLeft    int            `json:"days_left"`
	Cause       *payloadCause  `json:"cause,omitempty"`
	WarningDays int            `json:"warning_days,omitempty"`
	NeededUntil time.Time      `json:"needed_until,omitzero"`
}

type payloadCause struct {
	Actor consent.Actor `json:"actor"`
	Code  string        `json:"code"`
}

func payloadOf(e consent.Event) payload {
	c := e.Consent
	p := payload{Type: hookTypes[e.Notice.Word()], Timestamp: happened(e).UTC().Truncate(time.Second), Data: payloadData{
		ConsentID: c.ID, Status: c.StatusAt(e.At), Bank: c.Bank, EndsAt: c.EndsAt.Truncate(time.Second), DaysLeft: c.DaysLeft(e.At),
		NeededUntil: c.NeededUntil.Truncate(time.Second),
	}}
	if days := e.Notice.Days(); days > 0 {
		p.Type, p.Data.WarningDays = "consent.expiring", days
	}
	if cause := c.CauseAt(e.At); cause != (consent.Cause{}) {
		p.Data.Cause = &payloadCause{Actor: cause.Actor, Code: cause.Code}
	}
	return p
}

// happened is when what is told happened, as far as the record knows, so that
// an event that was delivered late does not look new.
func happened(e consent.Event) time.Time {
	at := e.Notice.RestoredAt()
	if !at.IsZero() {
		return at
	}
	switch e.Notice.Event {
	case consent.ToldConnected, consent.ToldRenewed, consent.ToldRecovered:
		at = e.Consent.AuthorizedAt
	case consent.ToldExpired:
		at = e.Consent.EndsAt
	case consent.ToldStopped, consent.ToldRefused:
		at = e.Consent.EndedAt
	}
	if at.IsZero() {
		return e.At
	}
	return at
}
