package consent_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/consentd/consentd/consent"
)

// told keeps the events that customers were told.
type told struct {
	channel string
	mu      sync.Mutex
	events  []consent.Event
	down    func(consent.Event) error // when set, whether an attempt fails
}

func (n *told) Channel() string { return n.channel }

func (n *told) Reaches(e consent.Event) bool {
	return n.channel != consent.ChannelMail || e.Email != ""
}

func (n *told) Notify(_ context.Context, e consent.Event) error {
	n.mu.Lock()
	down := n.down
	n.mu.Unlock()
	if down != nil {
		if err := down(e); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
	return nil
}

// breaks makes attempts fail as down says; nil mends the channel.
func (n *told) breaks(down func(consent.Event) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

// all are the events that were told, in order.
func (n *told) all() []consent.Event {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.events)
}

// what names them.
func (n *told) what() []string {
	var out []string
	for _, e := range n.all() {
		out = append(out, e.Notice.Event)
	}
	return out
}

func wantTold(t *testing.T, n *told, want ...string) {
	t.Helper()
	if got := n.what(); !slices.Equal(got, want) {
		t.Errorf("%s told\n     %v\nwant %v", n.channel, got, want)
	}
}
