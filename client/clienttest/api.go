package clienttest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/consentd/consentd/client"
)

// consentJSON is a consent on its way, member by member as consentd sends it.
type consentJSON struct {
	ID                   string        `json:"id"`
	Status               client.Status `json:"status"`
	Bank                 string        `json:"bank"`
	ScopesRequested      []string      `json:"scopes_requested"`
	ScopesGranted        []string      `json:"scopes_granted"`
	Cause                *cause        `json:"cause,omitempty"`
	CreatedAt            time.Time     `json:"created_at"`
	AuthorizedAt         time.Time     `json:"authorized_at,omitzero"`
	EndsAt               time.Time     `json:"ends_at,omitzero"`
	EndedAt              time.Time     `json:"ended_at,omitzero"`
	BankTold             string        `json:"bank_told"`
	Renewals             int           `json:"renewals"`
	DaysLeft             int           `json:"days_left"`
	AwaitingConfirmation bool          `json:"awaiting_confirmation"`
	LastUsedAt           time.Time     `json:"last_used_at,omitzero"`
	*pageJSON
}

type pageJSON struct {
	PageURL       string    `json:"page_url"`
	PageExpiresAt time.Time `json:"page_expires_at"`
}

type entryJSON struct {
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	Event string    `json:"event"`
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func (c *consent) daysLeft(now time.Time) int {
	const day = 24 * time.Hour
	if status, _ := c.statusAt(now); status != client.Valid {
		return 0
	}
	return int((c.ends.Sub(now) + day - 1) / day)
}

// scopes are what was asked, which is always granted.
func (c *consent) scopes() []string {
	return append([]string{"openid", "payments"}, c.request.Scopes...)
}

func (s *Server) view(c *consent) consentJSON {
	now := s.now()
	v := consentJSON{
		ID: c.id, Bank: c.request.Bank, ScopesRequested: c.scopes(), ScopesGranted: []string{},
		CreatedAt: seconds(c.created), AuthorizedAt: seconds(c.granted), EndsAt: seconds(c.ends), EndedAt: seconds(c.ended),
		Renewals: max(c.terms-1, 0), DaysLeft: c.daysLeft(now), AwaitingConfirmation: c.code != "", LastUsedAt: seconds(c.used),
	}
	v.Status, v.Cause = c.statusAt(now)
	if c.terms > 0 {
		v.ScopesGranted = c.scopes()
	}
	if !c.ended.IsZero() {
		v.BankTold = "confirmed"
	}
	return v
}

func (s *Server) page(c *consent) *pageJSON {
	return &pageJSON{PageURL: s.URL() + "/c/" + c.id, PageExpiresAt: seconds(s.now().Add(10 * time.Minute))}
}

// made is what an idempotency key has made.
type made struct {
	body string
	view consentJSON
}

func (s *Server) create(a *answer, body []byte) {
	var in struct {
		Reference string   `json:"customer_reference"`
		Bank      string   `json:"bank"`
		ReturnTo  string   `json:"return_to"`
		Expected  string   `json:"expected_national_id"`
		Scopes    []string `json:"scopes"`
		Language  string   `json:"language"`
		Contact   struct {
			Email string `json:"email"`
		} `json:"contact"`
	}
	if !a.read(body, &in) {
		return
	}
	if before, again := s.keys[a.key]; again && a.key != "" {
		if before.body != string(body) {
			a.problem("idempotency-key-reused", nil)
			return
		}
		a.header.Set("Idempotent-Replayed", "true")
		a.write(http.StatusCreated, before.view)
		return
	}
	missing := a.missing(map[string]string{"/customer_reference": in.Reference, "/bank": in.Bank, "/return_to": in.ReturnTo})
	if missing {
		return
	}
	c := s.add(client.Request{Reference: in.Reference, Bank: in.Bank, ReturnTo: in.ReturnTo, ExpectedNationalID: client.Secret(in.Expected),
		Scopes: in.Scopes, Language: in.Language, Email: client.Secret(in.Contact.Email)})
	view := s.view(c)
	view.pageJSON = s.page(c)
	s.keys[a.key] = made{string(body), view}
	a.write(http.StatusCreated, view)
}

// list answers GET /v1/consents; a cursor is a place in the list.
func (s *Server) list(a *answer, r *http.Request) {
	q, now := r.URL.Query(), s.now()
	first, _ := strconv.Atoi(q.Get("cursor"))
	limit := limitOf(r)
	answer := map[string]any{"consents": []consentJSON{}}
	found := []consentJSON{}
	for i := first; i < len(s.consents); i++ {
		if !s.consents[i].fits(q.Get, now) {
			continue
		}
		if len(found) == limit {
			answer["next_cursor"] = strconv.Itoa(i)
			break
		}
		found = append(found, s.view(s.consents[i]))
	}
	answer["consents"] = found
	a.write(http.StatusOK, answer)
}

func (c *consent) fits(asked func(string) string, now time.Time) bool {
	status, _ := c.statusAt(now)
	before, _ := time.Parse(time.RFC3339, asked("ends_before"))
	since, _ := time.Parse(time.RFC3339, asked("changed_since"))
	changed := slices.MaxFunc([]time.Time{c.created, c.granted, c.ended}, time.Time.Compare)
	for _, pair := range [][2]string{{"customer_reference", c.request.Reference}, {"bank", c.request.Bank}, {"status", string(status)}} {
		if want := asked(pair[0]); want != "" && want != pair[1] {
			return false
		}
	}
	return (before.IsZero() || !c.ends.IsZero() && c.ends.Before(before)) && (since.IsZero() || !changed.Before(since))
}

func limitOf(r *http.Request) int {
	n, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if n < 1 || n > 100 {
		return 50
	}
	return n
}

// poll answers GET /v1/events; a cursor is a place in the log.
func (s *Server) poll(a *answer, r *http.Request) {
	after, _ := strconv.Atoi(r.URL.Query().Get("after"))
	after = min(max(after, 0), len(s.events))
	end := min(after+limitOf(r), len(s.events))
	a.write(http.StatusOK, map[string]any{"events": append([]event{}, s.events[after:end]...), "next_cursor": strconv.Itoa(end)})
}

func (s *Server) erase(a *answer, body []byte) {
	var in struct {
		Reference string `json:"customer_reference"`
	}
	if !a.read(body, &in) || a.missing(map[string]string{"/customer_reference": in.Reference}) {
		return
	}
	before := len(s.consents)
	s.consents = slices.DeleteFunc(s.consents, func(c *consent) bool { return c.request.Reference == in.Reference })
	a.write(http.StatusOK, map[string]any{"reference": "erasure-for-tests", "consents": before - len(s.consents), "erased_at": seconds(s.now())})
}

func (s *Server) access(a *answer, body []byte) {
	var in struct {
		Reference string `json:"customer_reference"`
		Language  string `json:"language"`
	}
	if !a.read(body, &in) || a.missing(map[string]string{"/customer_reference": in.Reference}) {
		return
	}
	a.write(http.StatusOK, &pageJSON{PageURL: s.URL() + "/a/" + rand.Text(), PageExpiresAt: seconds(s.now().Add(10 * time.Minute))})
}

func (s *Server) me(a *answer) {
	a.write(http.StatusOK, json.RawMessage(`{"app":{"id":"shop","name":"Shop"},"credential":{"kind":"api_key","id":"ck_for"},`+
		`"banks":[],"scopes":[],"operations":[],"rate_limit":{"requests":600,"per_seconds":60}}`))
}
