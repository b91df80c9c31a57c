package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// call is one question to consentd.
type call struct {
	method string
	path   string // below the address, escaped
	query  url.Values
	body   any // written as JSON; nil: none
	key    string
	repeat bool // a repetition does no harm
}

// answerLimit is far more than any answer of the API has.
const answerLimit = 8 << 20

// consentPath is that of a consent, or of something below it.
func consentPath(id, below string) string { return "/v1/consents/" + url.PathEscape(id) + below }

// do asks, repeats where that is allowed, and reads the answer into out.
func (c *Client) do(ctx context.Context, q call, out any) (http.Header, error) {
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return nil, fmt.Errorf("client: write request: %w", err)
		}
	}
	id := requestIDOf(ctx)
	for repeats := 0; ; repeats++ {
		header, err := c.once(ctx, q, body, id, out)
		if err == nil || !q.repeat || repeats >= c.repeats {
			return header, err
		}
		wait, again := c.wait(err, repeats)
		if !again || !pause(ctx, wait) {
			return nil, err
		}
	}
}

// wait says whether a failure is of the kind that a repetition may mend, and
// how long to wait before.
func (c *Client) wait(err error, repeats int) (time.Duration, bool) {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.RetryAfter + jitter(p.RetryAfter/4), p.Status == http.StatusServiceUnavailable && p.RetryAfter > 0 && p.RetryAfter <= c.longestWait
	}
	if e, ok := errors.AsType[*NoAnswer](err); ok {
		const first = 200 * time.Millisecond
		return first<<min(repeats, 4) + jitter(first), !isCancelled(e.Err)
	}
	return 0, false
}

// jitter keeps callers who failed together from coming back together.
func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most)
}

// pause waits, unless the context ends before that.
func pause(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func isCancelled(err error) bool { return errors.Is(err, context.Canceled) }

func (c *Client) once(ctx context.Context, q call, body []byte, requestID string, out any) (http.Header, error) {
	r, err := c.request(ctx, q, body, requestID)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, noAnswer(ctx, requestID, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return nil, noAnswer(ctx, requestID, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, problemOf(res, answer, requestID)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return nil, notOurs(res.StatusCode, requestID) // its text may hold what was sent
	}
	return res.Header, nil
}

// noAnswer tells a caller who gave up from a network that did, whatever cause
// the caller named.
func noAnswer(ctx context.Context, requestID string, err error) error {
	if given := ctx.Err(); isCancelled(given) {
		err = given
	}
	return &NoAnswer{RequestID: requestID, Err: bare(err)}
}

// bare takes the address out of a network's error: it may name a customer.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func (c *Client) request(ctx context.Context, q call, body []byte, requestID string) (*http.Request, error) {
	authorization, err := c.authorization(ctx)
	if err != nil {
		return nil, err
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	address := c.base.String() + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, q.method, address, content)
	if err != nil {
		return nil, fmt.Errorf("client: %w", bare(err))
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("X-Request-Id", requestID)
	r.Header.Set("User-Agent", c.agent)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	return r, nil
}
