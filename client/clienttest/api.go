package clienttest

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
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
	NeededUntil          time.Time     `json:"needed_until,omitzero"`
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
		Renewals: max(c.terms-1, 0), DaysLeft: c.daysLeft(now), AwaitingConfirmation: c.code != "", LastUsedAt: seconds(c.used), NeededUntil: seconds(c.needed),
	}
	v.Status, v.Cause = c.statusAt(now)
	if c.terms > 0 {
		v.ScopesGranted = c.scopes()
	}
	if c.stopped() {
		v.BankTold = "confirmed"
	}
	return v
}

func (s *Server) page(c *consent) *pageJSON {
	s.serial++
	return &pageJSON{PageURL: fmt.Sprintf("%s/c/%s-%d", s.URL(), c.id, s.serial), PageExpiresAt: seconds(s.now().Add(10 * time.Minute))}
}

// made is what an idempotency key has made.
type made struct {
	request asked
	id      string
	page    *pageJSON
}

// asked is the body of POST /v1/consents.
type asked struct {
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

func (s *Server) create(a *answer, body []byte) {
	var in asked
	if !a.read(body, &in) || a.wrong(in) {
		return
	}
	before, again := s.keys[a.key]
	if again && !reflect.DeepEqual(before.request, in) {
		a.problem("idempotency-key-reused", nil)
		return
	}
	if !again {
		c := s.add(client.Request{Reference: in.Reference, Bank: in.Bank, ReturnTo: in.ReturnTo, ExpectedNationalID: client.Secret(in.Expected),
			Scopes: in.Scopes, Language: in.Language, Email: client.Secret(in.Contact.Email)})
		before = made{in, c.id, s.page(c)}
	} else {
		a.header.Set("Idempotent-Replayed", "true")
	}
	c := s.find(before.id)
	if c == nil { // forgotten since
		a.problem("not-found", nil)
		return
	}
	if !s.now().Before(before.page.PageExpiresAt) {
		before.page = s.page(c)
	}
	if a.key != "" {
		s.keys[a.key] = before
	}
	view := s.view(c)
	view.pageJSON = before.page
	a.write(http.StatusCreated, view)
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{0,255}$`)

// wrong answers with what is wrong in a request: first of form, then of
// meaning.
func (a *answer) wrong(in asked) bool {
	form := map[string]bool{
		"/customer_reference": in.Reference == "", "Idempotency-Key": !keyForm.MatchString(a.key),
		"/language": !slices.Contains([]string{"", "en", "is", "sv"}, in.Language),
	}
	return a.mistakes(form) || a.mistakes(map[string]bool{"/bank": in.Bank == "", "/return_to": in.ReturnTo == ""})
}

// list answers GET /v1/consents; a cursor is a place in the list.
func (s *Server) list(a *answer, r *http.Request) {
	q, now := r.URL.Query(), s.now()
	first, cursorErr := place(q.Get("cursor"))
	limit, limitErr := limitOf(r)
	if a.mistakes(map[string]bool{"?cursor": cursorErr != nil, "?limit": limitErr != nil, "?changed_since": q.Has("changed_since") && q.Has("ends_before"),
		"?status": q.Has("status") && !slices.Contains(statuses, client.Status(q.Get("status")))}) {
		return
	}
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

var statuses = []client.Status{client.Received, client.Valid, client.Rejected, client.PartiallyAuthorised, client.Expired,
	client.RevokedByPsu, client.TerminatedByTpp, client.TerminatedByAspsp}

func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 50, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > 100) {
		err = strconv.ErrRange
	}
	return n, err
}

// place reads a cursor, which is a number here.
func place(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(cursor)
	return max(n, 0), err
}

// poll answers GET /v1/events; a cursor is a place in the log.
func (s *Server) poll(a *answer, r *http.Request) {
	after, afterErr := place(r.URL.Query().Get("after"))
	limit, limitErr := limitOf(r)
	if a.mistakes(map[string]bool{"?after": afterErr != nil, "?limit": limitErr != nil}) {
		return
	}
	after = min(after, len(s.events))
	end := min(after+limit, len(s.events))
	a.write(http.StatusOK, map[string]any{"events": append([]event{}, s.events[after:end]...), "next_cursor": strconv.Itoa(end)})
}

func (s *Server) erase(a *answer, body []byte) {
	var in struct {
		Reference string `json:"customer_reference"`
	}
	if !a.read(body, &in) || a.mistakes(map[string]bool{"/customer_reference": in.Reference == ""}) {
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
	if !a.read(body, &in) || a.mistakes(map[string]bool{"/customer_reference": in.Reference == ""}) {
		return
	}
	a.write(http.StatusOK, &pageJSON{PageURL: s.URL() + "/a/" + rand.Text(), PageExpiresAt: seconds(s.now().Add(10 * time.Minute))})
}

// me lists the banks that were asked for: the fake takes any.
func (s *Server) me(a *answer) {
	banks, scopes := []string{}, []string{}
	for _, c := range s.consents {
		banks, scopes = append(banks, c.request.Bank), append(scopes, c.request.Scopes...)
	}
	slices.Sort(banks)
	slices.Sort(scopes)
	a.write(http.StatusOK, map[string]any{
		"app": map[string]string{"id": "shop", "name": "Shop"}, "credential": map[string]string{"kind": "api_key", "id": "for"},
		"banks": slices.Compact(banks), "scopes": slices.Compact(scopes),
		"operations": []string{"create", "read", "token", "renew", "revoke", "confirm", "report", "erase"},
		"rate_limit": map[string]int{"requests": 600, "per_seconds": 60},
	})
}
