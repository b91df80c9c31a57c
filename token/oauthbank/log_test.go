package oauthbank_test

import (
	"bytes"
	"io"
	"log"
	"log/slog"
	"sync"

	"github.com/consentd/consentd/token/oauthbank"
)

// logged collects a log.
func logged(c *oauthbank.Config) *syncBuffer {
	out := &syncBuffer{}
	c.Log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return out
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
