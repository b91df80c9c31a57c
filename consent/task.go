package consent

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TaskKind is a kind of work that a consent has coming.
type TaskKind string

// The kinds. All of them wait in one due set, and each is re-checked against
// the record before anything is done: a task is a hint, the record decides.
const (
	TaskWarn    TaskKind = "warn"    // a warning threshold is crossed
	TaskExpire  TaskKind = "expire"  // the end date passed: delete the secret
	TaskRevoke  TaskKind = "revoke"  // tell the bank that a grant is over; Arg is its commit id
	TaskAbandon TaskKind = "abandon" // granted, and never confirmed by the app
	TaskProbe   TaskKind = "probe"   // nobody has asked the bank for a while whether the grant lives; with an Arg: whatever was asked before
	TaskDeliver TaskKind = "deliver" // tell somebody; Arg is a Notice
	TaskBelieve TaskKind = "believe" // the bank refused the grant: take its word, or give the grant back after an incident
	TaskPurge   TaskKind = "purge"   // the retention time is over
)

// Task is work that is due, or was claimed.
type Task struct {
	Kind TaskKind
	ID   ID
	Arg  string
	Due  time.Time // milliseconds; of a claimed task: until when it is ours
}

// Name is the task's name in the due set, without its time: there is one of
// a name.
func (t Task) Name() string {
	if t.Arg == "" {
		return string(t.Kind) + " " + string(t.ID)
	}
	return string(t.Kind) + " " + string(t.ID) + " " + t.Arg
}

// ParseTask reads a name that [Task.Name] wrote.
func ParseTask(name string, due time.Time) (Task, error) {
	kind, rest, _ := strings.Cut(name, " ")
	raw, arg, _ := strings.Cut(rest, " ")
	id, err := ParseID(raw)
	if err != nil {
		return Task{}, fmt.Errorf("consent: %.64q is no task", name)
	}
	return Task{Kind: TaskKind(kind), ID: id, Arg: arg, Due: due}, nil
}

// Work is what a transition of a consent leaves to be done, or makes
// needless. It is part of the transition's one step.
type Work struct {
	Add    []Task
	Remove []Task
}

// Notice is one thing to tell, by one channel: what happened, in which term
// of the consent. A renewal begins a new term.
type Notice struct {
	Channel string // ChannelMail, ChannelWebhook, ChannelLog
	Event   string // one of the Told… words; behind a hyphen a warning has its days, a link its act, a grant given back its time
	Term    int64
}

// The channels.
const (
	ChannelMail    = "mail"    // to the customer
	ChannelWebhook = "webhook" // to the app
	ChannelLog     = "log"     // to the app, which asks for it

	channelAll = "all" // not known yet: a delivery of its own for each that reaches somebody
)

// What people are told.
const (
	ToldConnected = "connected" // the customer granted
	ToldRenewed   = "renewed"   // a new end date
	ToldRecovered = "recovered" // the customer granted again after the bank had refused it; with a time: the grant was given back
	ToldWarning   = "warning"   // will end in N days
	ToldNeeded    = "needed"    // the app needs it beyond its end
	ToldExpired   = "expired"   // the end date passed
	ToldStopped   = "stopped"   // customer, app or staff ended it
	ToldRefused   = "refused"   // the bank did
	ToldRejected  = "rejected"  // the customer, or a check, said no; apps only
	ToldLink      = "link"      // staff send the link to the page where one renews; customers only
)

// warning is the event of a threshold.
func warning(days int) string { return ToldWarning + "-" + strconv.Itoa(days) }

// renewalLink is the event of a link that staff send, by their act's number:
// each is a message of its own.
func renewalLink(act int64) string { return ToldLink + "-" + strconv.FormatInt(act, 10) }

// restored is the event of a grant that was given back after an incident.
func restored(at time.Time) string {
	return ToldRecovered + "-" + strconv.FormatInt(at.UnixMilli(), 10)
}

// RestoredAt is when the grant that is told of was given back; zero for another
// event.
func (n Notice) RestoredAt() time.Time {
	text, ok := strings.CutPrefix(n.Event, ToldRecovered+"-")
	ms, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Word is the event's Told… word.
func (n Notice) Word() string {
	word, _, _ := strings.Cut(n.Event, "-")
	return word
}

// Days is the threshold of a warning, 0 for another event.
func (n Notice) Days() int {
	days, ok := strings.CutPrefix(n.Event, ToldWarning+"-")
	if !ok {
		return 0
	}
	d, _ := strconv.Atoi(days)
	return d
}

// toApp reports whether it is the app that is told, of this consent alone.
func (n Notice) toApp() bool { return n.Channel == ChannelWebhook || n.Channel == ChannelLog }

func (n Notice) String() string {
	return fmt.Sprintf("%s %s %d", n.Channel, n.Event, n.Term)
}

func parseNotice(s string) (Notice, error) {
	var n Notice
	if _, err := fmt.Sscanf(s, "%s %s %d", &n.Channel, &n.Event, &n.Term); err != nil {
		return Notice{}, fmt.Errorf("consent: %.64q is no notice", s)
	}
	return n, nil
}
