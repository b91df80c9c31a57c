package main

import (
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// foreign is what a tab asked hosts for that are not this machine.
type foreign struct {
	mu        sync.Mutex
	addresses []string
}

func (f *foreign) hear(event any) {
	sent, ok := event.(*network.EventRequestWillBeSent)
	if !ok {
		return
	}
	u, err := url.Parse(sent.Request.URL)
	if err == nil && (u.Scheme == "data" || slices.Contains([]string{"localhost", "127.0.0.1"}, u.Hostname())) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addresses = append(f.addresses, sent.Request.URL)
}

// none fails the test if there was anything.
func (f *foreign) none(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, address := range f.addresses {
		t.Errorf("a page asked for %s", address)
	}
}
