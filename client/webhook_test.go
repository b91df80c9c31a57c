package client_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/consentd/consentd/client"
	"github.com/consentd/consentd/client/clienttest"
)

const (
	hookSecret  = client.Secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	otherSecret = client.Secret("whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=")
)

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	s := clienttest.New()
	id := s.Grant(asked)
	s.Revoke(id)
	header, body := s.Webhook(hookSecret)
	now := time.Now()
	e, err := client.VerifyWebhook([]client.Secret{otherSecret, hookSecret}, header, body, now)
	must(t, err)
	if e.Type != client.Revoked || e.Data.ConsentID != id || e.ID != header.Get("webhook-id") || e.Data.Cause.Actor != "customer" {
		t.Errorf("event = %+v", e)
	}
	with := func(name, value string) http.Header {
		h := header.Clone()
		h.Set(name, value)
		return h
	}
	tests := []struct {
		name    string
		secrets []client.Secret
		header  http.Header
		body    string
		now     time.Time
		want    error
	}{
		{"another secret", []client.Secret{otherSecret}, header, string(body), now, client.ErrSignature},
		{"another body", []client.Secret{hookSecret}, header, string(body) + " ", now, client.ErrSignature},
		{"another id", []client.Secret{hookSecret}, with("webhook-id", "x"), string(body), now, client.ErrSignature},
		{"an id with a dot", []client.Secret{hookSecret}, with("webhook-id", "a.1"), string(body), now, client.ErrSignature},
		{"no signature", []client.Secret{hookSecret}, with("webhook-signature", ""), string(body), now, client.ErrSignature},
		{"no number", []client.Secret{hookSecret}, with("webhook-timestamp", "now"), string(body), now, client.ErrSignature},
		{"long ago", []client.Secret{hookSecret}, header, string(body), now.Add(6 * time.Minute), client.ErrTimestamp},
		{"not yet", []client.Secret{hookSecret}, header, string(body), now.Add(-6 * time.Minute), client.ErrTimestamp},
		{"no secret", nil, header, string(body), now, client.ErrWebhookSecret},
		{"an empty secret", []client.Secret{""}, header, string(body), now, client.ErrWebhookSecret},
		{"a short secret", []client.Secret{"whsec_c2hvcnQ="}, header, string(body), now, client.ErrWebhookSecret},
	}
	for _, test := range tests {
		if _, err := client.VerifyWebhook(test.secrets, test.header, []byte(test.body), test.now); !errors.Is(err, test.want) {
			t.Errorf("%s: error = %v, want %v", test.name, err, test.want)
		}
	}
}

// TestVerifyWebhookRefusesADotInTheID: signed as it is, "a" at time 1 with a
// body "2.{}" would pass for "a.1" at time 2 with the body "{}".
func TestVerifyWebhookRefusesADotInTheID(t *testing.T) {
	t.Parallel()
	hook, err := standard.NewWebhook(hookSecret.Reveal())
	must(t, err)
	body, now := []byte(`{"type":"consent.granted"}`), time.Now()
	for id, want := range map[string]error{"a": nil, "a.1": client.ErrSignature} {
		signature, err := hook.Sign(id, now, body)
		must(t, err)
		header := http.Header{}
		header.Set("webhook-id", id)
		header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		header.Set("webhook-signature", "v1,AAAA "+signature)
		if _, err := client.VerifyWebhook([]client.Secret{hookSecret}, header, body, now); !errors.Is(err, want) {
			t.Errorf("id %q: error = %v, want %v", id, err, want)
		}
	}
}
