package webhook

import (
	"context"

	"github.com/consentd/consentd/notify"
)

// Hook is a sender with the endpoint of one app.
type Hook struct {
	sender   *Sender
	endpoint Endpoint
}

var _ notify.Hook = (*Hook)(nil)

// To makes a hook that posts to an endpoint.
func (s *Sender) To(e Endpoint) *Hook { return &Hook{sender: s, endpoint: e} }

// Post implements [notify.Hook]; see [Sender.Post].
func (h *Hook) Post(ctx context.Context, id string, body []byte) error {
	return h.sender.Post(ctx, h.endpoint, id, body)
}
