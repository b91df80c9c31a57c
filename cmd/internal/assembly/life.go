package assembly

import (
	"fmt"
	"slices"
	"time"

	"github.com/consentd/consentd/config"
	"github.com/consentd/consentd/consent"
	"github.com/consentd/consentd/consent/schedule"
	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/notify/email"
	"github.com/consentd/consentd/notify/webhook"
	"github.com/consentd/consentd/token"
)

// The jobs: whatever is due, and what apps were told too long ago.
const (
	jobWork   = "work"
	jobEvents = "events"
)

// workLimit is the longest that one run of it may take. What it does not get
// to, another replica or the next run does.
const workLimit = 5 * time.Minute

func life(c config.Config) consent.Life {
	return consent.Life{
		Warn: c.Warn.Days, QuietFrom: c.Warn.QuietFrom.Duration(), QuietUntil: c.Warn.QuietUntil.Duration(),
		ProbeAfter: c.Probe.After, ProbesPerMinute: c.Probe.PerMinute, Retention: c.Retention,
	}
}

func newSchedule(c config.Config, p *Program) (*schedule.Schedule, error) {
	s, err := schedule.New(p.log,
		schedule.Job{Name: jobWork, Spec: c.Work.Spec(), Timeout: workLimit, Run: p.Service.Work},
		schedule.Job{Name: jobEvents, Spec: "@hourly", Timeout: workLimit, Run: p.Service.DropEvents})
	if err != nil {
		return nil, fmt.Errorf("work.every: %w", err)
	}
	return s, nil
}

// notifiers are the channels that are configured, and those from outside. Of
// two with one name the one from outside counts: the domain asks the first.
func notifiers(c config.Config, o Outside, log notify.EventLog) ([]consent.Notifier, error) {
	all := slices.Clone(o.Notify)
	add := func(n consent.Notifier) {
		if !slices.ContainsFunc(all, func(other consent.Notifier) bool { return other.Channel() == n.Channel() }) {
			all = append(all, n)
		}
	}
	if c.Mail.Host != "" {
		channel, err := mailChannel(c, o)
		if err != nil {
			return nil, fmt.Errorf("mail: %w", err)
		}
		add(notify.NewMail(channel, c.PublicURL))
	}
	if hooks := appHooks(c, o); len(hooks) > 0 {
		add(notify.NewHooks(hooks))
	}
	add(notify.NewLog(log))
	return all, nil
}

func mailChannel(c config.Config, o Outside) (*email.Channel, error) {
	return email.New(email.Config{
		Host: c.Mail.Host, Port: c.Mail.Port, Username: c.Mail.Username, Password: token.Secret(c.Mail.Password.Reveal()),
		From: c.Mail.From, TLS: string(c.Mail.TLS), Insecure: c.Environment != config.Production, Now: o.Now,
	})
}

// appHooks are the webhooks of the apps that have one, by app.
func appHooks(c config.Config, o Outside) map[string]notify.Hook {
	sender := webhook.New(webhook.Config{AllowPrivate: c.Environment != config.Production, Now: o.Now, Log: o.Log})
	hooks := make(map[string]notify.Hook)
	for _, a := range c.Apps {
		if a.Webhook.URL == "" {
			continue
		}
		e := webhook.Endpoint{URL: a.Webhook.URL}
		for _, s := range a.Webhook.Secrets {
			e.Secrets = append(e.Secrets, token.Secret(s.Reveal()))
		}
		hooks[a.ID] = sender.To(e)
	}
	return hooks
}
