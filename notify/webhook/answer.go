package webhook

import (
	"bytes"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const maxRetryAfter = 24 * time.Hour

// isPage tells a web page from the short or empty answers of frameworks that
// call everything HTML: those did take the event.
func isPage(contentType string, answer []byte) bool {
	text := bytes.TrimSpace(bytes.TrimPrefix(answer, []byte("\ufeff")))
	if strings.HasPrefix(http.DetectContentType(text), "text/html") {
		return true
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	return (kind == "text/html" || kind == "application/xhtml+xml") && bytes.HasPrefix(text, []byte("<"))
}

// retryAfter reads seconds or a date. What makes no sense counts as nothing.
func retryAfter(text string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
