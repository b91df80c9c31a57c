package main

import (
	"bytes"
	"strings"
	"sync"
)

// record is a log that several goroutines write to, and that a test can wait
// for.
type record struct {
	mu      sync.Mutex
	b       bytes.Buffer
	begun   string // the line that is not written whole yet
	waiting map[string]chan string
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.b.Write(p)
	lines := strings.SplitAfter(r.begun+string(p), "\n") // a pipe hands on several at once, or a part of one
	r.begun = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		for text, found := range r.waiting {
			if strings.Contains(line, text) {
				found <- line
				delete(r.waiting, text)
			}
		}
	}
	return len(p), nil
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// line returns a channel for the first line with that text, from now on.
func (r *record) line(text string) <-chan string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		r.waiting = make(map[string]chan string)
	}
	found := make(chan string, 1)
	r.waiting[text] = found
	return found
}
