package client

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RateLimit is how much may be asked, as the headers RateLimit and
// RateLimit-Policy tell it (draft-ietf-httpapi-ratelimit-headers).
type RateLimit struct {
	Requests  int           // allowed in Window; 0: not told
	Window    time.Duration // 0: not told
	Remaining int           // of them left
	Reset     time.Duration // until all of them are there again
}

// rateLimitOf is nil where the server tells nothing.
func rateLimitOf(h http.Header) *RateLimit {
	now := parameters(h.Get("RateLimit"))
	policy := parameters(h.Get("RateLimit-Policy"))
	if len(now) == 0 && len(policy) == 0 {
		return nil
	}
	return &RateLimit{Requests: policy["q"], Window: inSeconds(policy["w"]), Remaining: now["r"], Reset: inSeconds(now["t"])}
}

// parameters are the whole numbers of a list's first item: "app";r=3;t=20.
func parameters(text string) map[string]int {
	item, _, _ := strings.Cut(text, ",")
	found := make(map[string]int)
	for part := range strings.SplitSeq(item, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if n, err := strconv.Atoi(value); err == nil {
			found[name] = n
		}
	}
	return found
}

// retryAfter reads seconds; consentd sends no dates.
func retryAfter(h http.Header) (time.Duration, bool) {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	return inSeconds(n), err == nil
}
