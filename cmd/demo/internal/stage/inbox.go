package stage

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/consentd/consentd/cmd/demo/internal/pages"
	"github.com/consentd/consentd/notify"
)

// keptMessages bounds the inbox.
const keptMessages = 200

// inbox is a channel that delivers to a page of this demonstration.
type inbox struct {
	mu       sync.Mutex
	messages []Message // newest first
	keys     map[string]bool
	last     int // id of the newest message
	bounces  int // how many to refuse
}

// Message is one that consentd sent.
type Message struct {
	ID                      int
	To, Subject, Text, HTML string
	At                      time.Time
}

var _ notify.Channel = (*Stage)(nil)

// Send delivers a message. One that has come before is dropped, as a mail
// server would by its id.
func (s *Stage) Send(_ context.Context, m notify.Message) error {
	if s.inbox.bounce() {
		s.Tell("consentd", "could not deliver a message: there is no such mailbox.")
		return noMailbox{}
	}
	if s.inbox.put(m) {
		s.Tell("consentd", "sent a message: “"+m.Subject+"”.")
	}
	return nil
}

// noMailbox is a mail server's last word.
type noMailbox struct{}

func (noMailbox) Error() string { return "email: recipient: server answered 550 5.1.1" }
func (noMailbox) Unwrap() error { return notify.ErrRefused }

// BounceNext has the next message refused, as a mail server does that knows
// no such mailbox.
func (s *Stage) BounceNext() {
	s.inbox.mu.Lock()
	defer s.inbox.mu.Unlock()
	s.inbox.bounces++
}

func (i *inbox) bounce() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.bounces == 0 {
		return false
	}
	i.bounces--
	return true
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
	i.last++
	i.messages = slices.Insert(i.messages, 0, Message{ID: i.last, HTML: m.HTML, To: m.To.Reveal(), Subject: m.Subject, Text: m.Text, At: m.At})
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

// Inbox serves the page with the messages.
func (s *Stage) Inbox(p *pages.Pages) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		p.Show(w, http.StatusOK, "inbox", "Inbox", s.inbox.all(), "")
	}
}

// letterPolicy lets a letter have colours and links, and nothing else: it is
// a foreign page to the site that shows it.
const letterPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// Letter serves one message as a mail program shows it.
func (s *Stage) Letter(w http.ResponseWriter, r *http.Request) {
	for _, m := range s.inbox.all() {
		if strconv.Itoa(m.ID) != r.PathValue("id") || m.HTML == "" {
			continue
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", letterPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, m.HTML) // the browser has gone: nothing to tell it
		return
	}
	http.Redirect(w, r, "/inbox", http.StatusSeeOther)
}
