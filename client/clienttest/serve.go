package clienttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

var (
	_ http.Handler      = (*Server)(nil)
	_ http.RoundTripper = (*Server)(nil)
)

// problems are those that the fake can answer with.
var problems = map[string]struct {
	status int
	title  string
}{
	"malformed-request":      {400, "The body is not JSON"},
	"unauthorized":           {401, "No valid API key"},
	"operation-not-allowed":  {403, "The app may not do this"},
	"insufficient-scope":     {403, "A scope was not granted"},
	"not-found":              {404, "Not found"},
	"consent-pending":        {409, "The customer has not granted it yet"},
	"confirmation-required":  {409, "The app has not confirmed the customer"},
	"confirmation-failed":    {409, "The completion code does not fit"},
	"consent-rejected":       {409, "The customer or a check said no"},
	"renewal-required":       {409, "The customer must go to the bank again"},
	"lifetime-unavailable":   {409, "No token lives that long"},
	"consent-expired":        {410, "The consent has ended"},
	"consent-revoked":        {410, "The consent was withdrawn"},
	"invalid-request":        {422, "The request cannot be carried out as it stands"},
	"idempotency-key-reused": {422, "The idempotency key was used for another request"},
	"rate-limited":           {429, "Too many calls"},
	"bank-unavailable":       {503, "The bank does not answer"},
	"store-unavailable":      {503, "Our storage does not answer"},
}

// answer is one in the making.
type answer struct {
	header    http.Header
	status    int
	body      []byte
	key       string
	requestID string
}

func (a *answer) write(status int, v any) {
	body, err := json.Marshal(v)
	must(err)
	a.status, a.body = status, body
	a.header.Set("Content-Type", "application/json")
}

func (a *answer) problem(code string, next map[string]any) {
	p := problems[code]
	all := map[string]any{"type": "/problems/" + code, "title": p.title, "status": p.status, "detail": p.title + ".", "code": code, "request_id": a.requestID}
	maps.Copy(all, next)
	if after, ok := next["retry_after"].(int); ok {
		a.header.Set("Retry-After", strconv.Itoa(after))
	}
	a.write(p.status, all)
	a.header.Set("Content-Type", "application/problem+json")
}

func (a *answer) invalid(pointer, detail string) {
	a.problem("invalid-request", map[string]any{"errors": []map[string]string{{"pointer": pointer, "detail": detail}}})
}

// mistakes answers with the places that are wrong, if there are any.
func (a *answer) mistakes(wrong map[string]bool) bool {
	var all []map[string]string
	for _, pointer := range slices.Sorted(maps.Keys(wrong)) {
		if wrong[pointer] {
			all = append(all, map[string]string{"pointer": pointer, "detail": "is missing, or not as docs/api.md wants it"})
		}
	}
	if len(all) > 0 {
		a.problem("invalid-request", map[string]any{"errors": all})
	}
	return len(all) > 0
}

// read takes a body; unknown members are refused, as by consentd.
func (a *answer) read(body []byte, into any) bool {
	if len(body) == 0 {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		a.problem("malformed-request", nil)
		return false
	}
	return true
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.URL.Path == "/v1/events" && s.answers(r) {
		if after, err := place(r.URL.Query().Get("after")); err == nil {
			s.wait(r, after)
		}
	}
	a, lost := s.answer(r, body)
	if lost {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// answers reports whether a question would get more than a problem.
func (s *Server) answers(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.storeDown && !s.limited && signedIn(r)
}

func signedIn(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+Key.Reveal() }

func (s *Server) answer(r *http.Request, body []byte) (a *answer, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a = &answer{header: make(http.Header), key: r.Header.Get("Idempotency-Key"), requestID: r.Header.Get("X-Request-Id")}
	a.header.Set("X-Request-Id", a.requestID)
	s.route(a, r, body)
	s.calls = append(s.calls, Call{Method: r.Method, Path: r.URL.Path, RequestID: a.requestID, IdempotencyKey: a.key, Status: a.status})
	if s.lose > 0 {
		s.lose--
		return a, true
	}
	return a, false
}

func (s *Server) route(a *answer, r *http.Request, body []byte) {
	id, below, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/consents/"), "/")
	switch {
	case s.storeDown:
		a.problem("store-unavailable", map[string]any{"retry_after": 2})
	case !signedIn(r):
		a.problem("unauthorized", nil)
	case s.limited:
		a.header.Set("RateLimit", `"app";r=0;t=7`)
		a.header.Set("RateLimit-Policy", `"app";q=600;w=60`)
		a.problem("rate-limited", map[string]any{"retry_after": 7})
	case r.Method+r.URL.Path == "POST/v1/consents":
		s.create(a, body)
	case r.Method+r.URL.Path == "GET/v1/consents":
		s.list(a, r)
	case r.Method+r.URL.Path == "GET/v1/events":
		s.poll(a, r)
	case r.Method+r.URL.Path == "GET/v1/me":
		s.me(a)
	case r.Method+r.URL.Path == "POST/v1/access-links":
		s.access(a, body)
	case r.Method+r.URL.Path == "POST/v1/erasures":
		s.erase(a, body)
	case strings.HasPrefix(below, "bank/"):
		a.problem("operation-not-allowed", nil)
	case s.find(id) != nil:
		s.about(a, r.Method, below, s.find(id), body)
	default:
		a.problem("not-found", nil)
	}
}

var errLost = errors.New("clienttest: the answer was lost")

// RoundTrip implements [http.RoundTripper] within the process.
func (s *Server) RoundTrip(r *http.Request) (res *http.Response, err error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer func() { _ = r.Body.Close() }()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				panic(v)
			}
			res, err = nil, errLost
		}
	}()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	res = w.Result()
	res.Request = r
	return res, nil
}
