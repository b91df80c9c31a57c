package consent

import (
	"context"
	"time"
)

// DeliveryStore keeps messages in order, and what came of each. A message on
// its way is a task of the [TaskStore].
type DeliveryStore interface {
	// InTurn says whether a claimed delivery is the first of its consent in
	// its channel, in the order in which they were scheduled. If it is not, it
	// is given back: due as soon as the one ahead of it is finished, at the
	// latest at again or when that one is due, whichever is later.
	InTurn(ctx context.Context, t Task, again time.Time) (Turn, error)

	// Delivered finishes a delivery: in the timeline, in the list of what
	// was not delivered, and in the due set.
	Delivered(ctx context.Context, t Task, d Delivery) error

	// Undelivered lists what was not delivered, of consents that are still
	// there, newest first, at most limit,
	// and Redeliver makes one of it due again.
	Undelivered(ctx context.Context, limit int) ([]Task, error)
	Redeliver(ctx context.Context, t Task, at time.Time) error
}

// Turn says whether the turn of a delivery has come.
type Turn struct {
	Come  bool
	Ahead *Task // what must be told first, due when it is next looked at; nil when the claim is over
}

// Delivery is what came of a message.
type Delivery struct {
	Outcome DeliveryOutcome
	Detail  string
	At      time.Time
}

// The details of messages that say more than their outcome.
const (
	DetailJoint     = "joint"         // sent: by a mail that spoke for several consents
	DetailReminders = "reminders_off" // silenced: the customer wants none
	DetailSpokenFor = "spoken_for"    // silenced: another consent's mail has told it
)

// DeliveryOutcome says whether a message was delivered.
type DeliveryOutcome string

// The outcomes of a delivery.
const (
	DeliverySent     DeliveryOutcome = "sent"
	DeliverySilenced DeliveryOutcome = "silenced" // not told after all: no longer so, or for a reason in the detail
	DeliveryFailed   DeliveryOutcome = "undelivered"
)
