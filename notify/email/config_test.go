package email_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/consentd/consentd/notify/email"
)

func TestNewReportsEverythingAtOnce(t *testing.T) {
	_, err := email.New(email.Config{Port: 70000, TLS: "ssl", From: "nobody", Username: "u", Hello: "a b", Timeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Host is missing", "Port 70000", `TLS "ssl"`, `From "nobody"`, "Password is missing", `Hello "a b"`, "Timeout -1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := email.Config{Host: "mx.test", From: sender}
	tests := map[string]func(*email.Config){
		"none needs Insecure":     func(c *email.Config) { c.TLS = email.NoTLS },
		"would show the password": func(c *email.Config) { c.TLS, c.Insecure, c.Username, c.Password = email.NoTLS, true, "u", "sesame" },
		"Username is missing":     func(c *email.Config) { c.Password = "sesame" },
		"From is missing":         func(c *email.Config) { c.From = "" },
		"not an e-mail address":   func(c *email.Config) { c.From = "A <a@b.is>\r\nBcc: x@y.is" },
		`Host "mx.test:25"`:       func(c *email.Config) { c.Host = "mx.test:25" },
		`Host "smtp://mx.test"`:   func(c *email.Config) { c.Host = "smtp://mx.test" },
		`Hello "a\r\nMAIL"`:       func(c *email.Config) { c.Hello = "a\r\nMAIL" },
		"not between 1 and 65535": func(c *email.Config) { c.Port = -1 },
	}
	for want, change := range tests {
		c := good
		change(&c)
		_, err := email.New(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("New = %v, want something with %q", err, want)
		}
	}
}

func TestNewKnowsThePorts(t *testing.T) {
	for mode, want := range map[string]string{"": "[::1]:587", email.StartTLS: "[::1]:587", email.ImplicitTLS: "[::1]:465", email.NoTLS: "[::1]:25"} {
		var got string
		c := mustNew(t, email.Config{Host: "::1", From: sender, TLS: mode, Insecure: true, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
			got = fmt.Sprint(network, " ", address)
			return nil, errors.New("no")
		}})
		if err := c.Send(t.Context(), message()); err == nil || got != "tcp "+want {
			t.Errorf("%q: dialled %q, want %q", mode, got, want)
		}
	}
}
