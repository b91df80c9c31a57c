package clienttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/consentd/consentd/client"
)

// event is a line of the log of events, in the form of the webhooks.
type event struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      eventData `json:"data"`
}

type eventData struct {
	ConsentID string        `json:"consent_id"`
	Status    client.Status `json:"status"`
	Bank      string        `json:"bank"`
	EndsAt    time.Time     `json:"ends_at,omitzero"`
	DaysLeft  int           `json:"days_left"`
	Cause     *cause        `json:"cause,omitempty"`

	WarningDays int       `json:"warning_days,omitempty"`
	NeededUntil time.Time `json:"needed_until,omitzero"`
}

func (s *Server) tell(kind client.EventType, c *consent) { s.tellAt(kind, c, s.now(), 0) }

// tellAt tells of what happened at some time; warning is how many days before
// the end it warns, or 0.
func (s *Server) tellAt(kind client.EventType, c *consent, at time.Time, warning int) {
	now := s.now()
	status, why := c.statusAt(now)
	s.events = append(s.events, event{
		ID: fmt.Sprintf("evt_%d", len(s.events)+1), Type: string(kind), Timestamp: seconds(at),
		Data: eventData{ConsentID: c.id, Status: status, Bank: c.request.Bank, EndsAt: seconds(c.ends), DaysLeft: c.daysLeft(now), Cause: why,
			WarningDays: warning, NeededUntil: seconds(c.needed)},
	})
	close(s.told)
	s.told = make(chan struct{})
}

// Webhook is the newest event as consentd would send it, signed with a secret
// of the form "whsec_" and base64.
func (s *Server) Webhook(secret client.Secret) (http.Header, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		panic("clienttest: nothing has happened yet")
	}
	newest, now := s.events[len(s.events)-1], s.now()
	body, err := json.Marshal(newest)
	must(err)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	must(err)
	hook, err := standard.NewWebhookRaw(key)
	must(err)
	signature, err := hook.Sign(newest.ID, now, body)
	must(err)
	header := make(http.Header)
	header.Set(standard.HeaderWebhookID, newest.ID)
	header.Set(standard.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standard.HeaderWebhookSignature, signature)
	return header, body
}

// must panics on what only a mistake of the test can cause.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("clienttest: %v", err))
	}
}

// wait returns when there are events after a cursor, or the time is over. It
// is called without mu.
func (s *Server) wait(r *http.Request, after int) {
	n, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	timer := time.NewTimer(time.Duration(n) * time.Second)
	defer timer.Stop()
	for {
		s.mu.Lock()
		there, told := len(s.events) > after, s.told
		s.mu.Unlock()
		if there {
			return
		}
		select {
		case <-told:
		case <-timer.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}
