package notify_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/notify/webhook"
	"github.com/consentd/consentd/token"
)

// endpoint is an app that verifies what it is told, by an independent library.
type endpoint struct {
	t      *testing.T
	verify *standard.Webhook
	status int
	ids    []string
	bodies []string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		e.t.Error(err)
	}
	if err := e.verify.Verify(body, r.Header); err != nil {
		e.t.Errorf("Verify: %v", err)
	}
	e.ids, e.bodies = append(e.ids, r.Header.Get("webhook-id")), append(e.bodies, string(body))
	w.WriteHeader(e.status)
}

// hooked is the channel of one app, shop, with its endpoint.
func hooked(t *testing.T) (*notify.Hooks, *endpoint) {
	t.Helper()
	secret := webhook.NewSecret()
	verify, err := standard.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint{t: t, verify: verify, status: http.StatusNoContent}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	sender := webhook.New(webhook.Config{AllowPrivate: true})
	hook := sender.To(webhook.Endpoint{URL: server.URL, Secrets: []token.Secret{secret}})
	return notify.NewHooks(map[string]notify.Hook{"shop": hook}), e
}

// hookEvent is an event with everything in it that apps must not see.
func hookEvent(what string) consent.Event {
	e := event(what)
	e.ID, e.Name, e.Email = "cns_7f00000000000000000000000001 "+what+" 1", "Canary Name", "canary@example.is"
	e.Consent.App, e.Consent.Bank, e.Consent.Personal = "shop", "landsbankinn", []byte("canary")
	e.Consent.AuthorizedAt = time.Date(2026, 12, 3, 12, 0, 0, 5, time.UTC)
	e.Consent.Cause = consent.Cause{}
	return e
}

func TestHooksSayWhatHappened(t *testing.T) {
	const authorized, ends, ended, told = "2026-12-03T12:00:00Z", "2027-03-03T12:00:00Z", "2027-02-01T00:00:00Z", "2027-02-24T12:00:00Z"
	for _, test := range []struct {
		event  string
		change func(*consent.Consent)
		typ    string
		at     string
		data   map[string]any
	}{
		{event: consent.ToldConnected, typ: "consent.granted", at: authorized},
		{event: consent.ToldRecovered, typ: "consent.recovered", at: authorized},
		{event: consent.ToldRenewed, typ: "consent.renewed", at: authorized},
		{event: consent.ToldWarning + "-7", typ: "consent.expiring", at: told, data: map[string]any{"warning_days": 7.0}},
		{event: consent.ToldNeeded, typ: "consent.expiring", at: told,
			change: func(c *consent.Consent) { c.NeededUntil = time.Date(2027, 4, 1, 0, 0, 0, 7, time.UTC) },
			data:   map[string]any{"needed_until": "2027-04-01T00:00:00Z"}},
		{event: consent.ToldExpired, typ: "consent.expired", at: "2027-02-20T00:00:00Z",
			change: func(c *consent.Consent) { c.EndsAt = time.Date(2027, 2, 20, 0, 0, 0, 0, time.UTC) },
			data: map[string]any{"status": "expired", "ends_at": "2027-02-20T00:00:00Z", "days_left": 0.0,
				"cause": map[string]any{"actor": "system", "code": "lapsed"}}},
		{event: consent.ToldStopped, typ: "consent.revoked", at: ended,
			change: func(c *consent.Consent) {
				c.Status, c.Cause = consent.RevokedByPsu, consent.Cause{Actor: consent.ByCustomer, Code: consent.CauseStopped}
			},
			data: map[string]any{"status": "revokedByPsu", "days_left": 0.0, "cause": map[string]any{"actor": "customer", "code": "stopped"}}},
		{event: consent.ToldRefused, typ: "consent.needs_renewal", at: ended,
			change: func(c *consent.Consent) {
				c.Status, c.Cause = consent.TerminatedByAspsp, consent.Cause{Actor: consent.ByBank, Code: consent.CauseRefused}
			},
			data: map[string]any{"status": "terminatedByAspsp", "days_left": 0.0, "cause": map[string]any{"actor": "bank", "code": "refused"}}},
		{event: consent.ToldRejected, typ: "consent.rejected", at: told,
			change: func(c *consent.Consent) { c.Status, c.EndsAt, c.EndedAt = consent.Rejected, time.Time{}, time.Time{} },
			data:   map[string]any{"status": "rejected", "ends_at": nil, "days_left": 0.0}},
	} {
		t.Run(test.event, func(t *testing.T) {
			hooks, app := hooked(t)
			e := hookEvent(test.event)
			if test.change != nil {
				test.change(&e.Consent)
			}
			if err := hooks.Notify(t.Context(), e); err != nil || len(app.bodies) != 1 {
				t.Fatalf("Notify = %v, %d deliveries", err, len(app.bodies))
			}
			want := map[string]any{"consent_id": string(e.Consent.ID), "status": "valid", "bank": "landsbankinn", "ends_at": ends, "days_left": 7.0}
			for k, v := range test.data {
				want[k] = v
				if v == nil {
					delete(want, k)
				}
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(app.bodies[0]), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]any{"type": test.typ, "timestamp": test.at, "data": want}, got); diff != "" {
				t.Errorf("payload differs (-want +got):\n%s", diff)
			}
			if strings.Contains(strings.ToLower(app.bodies[0]), "canary") || strings.Contains(app.bodies[0], "secret-link") {
				t.Errorf("personal data or a link in %s", app.bodies[0])
			}
		})
	}
}

func TestHooksRepeatTheirID(t *testing.T) {
	hooks, app := hooked(t)
	app.status = http.StatusServiceUnavailable
	e := hookEvent(consent.ToldConnected)
	for range 2 {
		if err := hooks.Notify(t.Context(), e); err == nil || errors.Is(err, consent.ErrUndeliverable) {
			t.Errorf("Notify = %v, want a transient error", err)
		}
		e.At = e.At.Add(time.Hour)
	}
	other := hookEvent(consent.ToldRenewed)
	if err := hooks.Notify(t.Context(), other); err == nil {
		t.Error("Notify = nil for a 503")
	}
	if app.ids[0] != app.ids[1] || app.ids[0] == app.ids[2] {
		t.Errorf("ids = %v, want the same for the same thing alone", app.ids)
	}
	if app.bodies[0] == "" || strings.ContainsAny(app.ids[0], ". ") || strings.Contains(app.ids[0], "cns_") {
		t.Errorf("id = %q", app.ids[0])
	}
}

func TestHooksGoneForGoodIsUndeliverable(t *testing.T) {
	hooks, app := hooked(t)
	app.status = http.StatusGone
	if err := hooks.Notify(t.Context(), hookEvent(consent.ToldConnected)); !errors.Is(err, consent.ErrUndeliverable) || !errors.Is(err, notify.ErrRefused) {
		t.Errorf("Notify = %v, want undeliverable", err)
	}
}

func TestHooksReachAppsWithAnEndpoint(t *testing.T) {
	hooks, _ := hooked(t)
	e := hookEvent(consent.ToldRejected)
	if !hooks.Reaches(e) || hooks.Channel() != consent.ChannelWebhook {
		t.Error("an app with an endpoint is not reached")
	}
	e.Consent.App = "other"
	if hooks.Reaches(e) {
		t.Error("an app without an endpoint is reached")
	}
	if err := hooks.Notify(t.Context(), e); !errors.Is(err, consent.ErrUndeliverable) {
		t.Errorf("Notify = %v, want undeliverable", err)
	}
}
