package config

import (
	"errors"
	"time"
)

// Warn says when customers are told that a consent is about to end.
type Warn struct {
	Days       []int     `yaml:"days" default:"30,14,7,3,1" doc:"Days before a consent's end at which its customer and its app are told, most first. An empty list: nobody is."`
	QuietFrom  TimeOfDay `yaml:"quiet_from" default:"21:00" doc:"Beginning of the hours in which customers get no mail that can wait, in the bank's time zone. none, with quiet_until: none: there are no such hours."`
	QuietUntil TimeOfDay `yaml:"quiet_until" default:"08:00" doc:"End of the quiet hours. Before quiet_from: on the next day."`
}

// Probe says how often banks are asked whether an idle grant still stands.
type Probe struct {
	After     time.Duration `yaml:"after" default:"24h" doc:"A grant that its bank has not confirmed for this long is refreshed, so that a withdrawal in the online bank is seen before a payment fails. 0s: never."`
	PerMinute int           `yaml:"per_minute" default:"30" doc:"Most such refreshes at one bank in a minute, by all replicas together."`
}

// Work says how the work that comes by itself is done.
type Work struct {
	Every string `yaml:"every" default:"30s" doc:"How often each replica looks for what is due: a duration of whole seconds, or a cron spec of five fields in UTC. What is due is told this much later at most."`
}

// Spec is the cron spec that Every stands for.
func (w Work) Spec() string {
	if _, err := time.ParseDuration(w.Every); err == nil {
		return "@every " + w.Every
	}
	return w.Every
}

// Mail says how customers are reached.
type Mail struct {
	Host     string  `yaml:"host" doc:"Mail server that takes our mails. None: customers are not warned, and serve says so."`
	Port     int     `yaml:"port" default:"0" doc:"Its port. 0: 587, with tls implicit 465, with none 25."`
	Username string  `yaml:"username" doc:"User to sign in as. None: no sign-in."`
	Password Secret  `yaml:"password" doc:"That user's password."`
	From     string  `yaml:"from" doc:"Sender, such as Example <no-reply@example.is>. Its domain's SPF and DKIM are the mail server's business."`
	TLS      MailTLS `yaml:"tls" default:"starttls" values:"starttls|implicit|none" doc:"How the line to the mail server is encrypted. starttls is mandatory, never opportunistic; none is for test and demo."`
}

// MailTLS is how the line to the mail server is encrypted.
type MailTLS string

// The ways of encrypting the line to the mail server.
const (
	MailStartTLS    MailTLS = "starttls"
	MailImplicitTLS MailTLS = "implicit"
	MailNoTLS       MailTLS = "none"
)

// Webhook says where an app is told of its consents.
type Webhook struct {
	URL     string   `yaml:"url" doc:"Address that is told what happens to the app's consents (Standard Webhooks). https; http only to this machine and not in production. None: the app is not told."`
	Secrets []Secret `yaml:"secrets" doc:"Secrets that events are signed with: one, or two while the app changes from one to the other. Each is whsec_ and the base64 of 24 to 64 random bytes. In a file: one on each line."`
}

// TimeOfDay is a time on a wall clock, as the time since midnight; negative
// for none.
type TimeOfDay time.Duration

const noTime TimeOfDay = -1

// None tells that there is no such time.
func (t TimeOfDay) None() bool { return t < 0 }

// Duration is the time since midnight, 0 for none.
func (t TimeOfDay) Duration() time.Duration { return max(0, time.Duration(t)) }

var errTimeOfDay = errors.New("not a time of day")

// UnmarshalText reads "21:00" or "none".
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*t = noTime
		return nil
	}
	at, err := time.Parse("15:04", string(text))
	if err != nil || len(text) != len("15:04") {
		return errTimeOfDay
	}
	*t = TimeOfDay(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t TimeOfDay) String() string {
	if t.None() {
		return "none"
	}
	return time.Time{}.Add(time.Duration(t)).Format("15:04")
}
