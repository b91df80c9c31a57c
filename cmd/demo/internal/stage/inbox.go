package stage

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/consentd/consentd/notify"
)

// keptMessages bounds the inbox.
const keptMessages = 200

// inbox is a channel that delivers to a page of this demonstration.
type inbox struct {
	mu       sync.Mutex
	messages []Message // newest first
	keys     map[string]bool
}

// Message is one that consentd sent.
type Message struct {
	To, Subject, Text string
	At                time.Time
}

var _ notify.Channel = (*Stage)(nil)

// Send delivers a message. One that has come before is dropped, as a mail
// server would by its id.
func (s *Stage) Send(_ context.Context, m notify.Message) error {
	if s.inbox.put(m) {
		s.Tell("consentd", "sent a message: “"+m.Subject+"”.")
	}
	return nil
}

func (i *inbox) put(m notify.Message) (first bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.keys[m.Key] {
		return false
	}
	if len(i.keys) > keptMessages || i.keys == nil {
		i.keys = make(map[string]bool)
	}
	i.keys[m.Key] = true
	i.messages = slices.Insert(i.messages, 0, Message{To: m.To.Reveal(), Subject: m.Subject, Text: m.Text, At: m.At})
	i.messages = i.messages[:min(len(i.messages), keptMessages)]
	return true
}

func (i *inbox) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.messages)
}

func (i *inbox) all() []Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.messages)
}
