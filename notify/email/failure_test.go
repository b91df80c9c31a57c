package email_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/notify/email"
)

func answer(code int, enhanced smtp.EnhancedCode) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "no <gudrun@example.is> here\nsays mx.test"}
}

// wantError checks what every error of Send must keep, and its text.
func wantError(t *testing.T, err error, refused bool, text string) {
	t.Helper()
	if err == nil || err.Error() != text {
		t.Fatalf("Send = %v, want %s", err, text)
	}
	var e *email.Error
	if !errors.As(err, &e) || errors.Is(err, notify.ErrRefused) != refused {
		t.Errorf("Send = %v (refused %t), want refused %t", err, errors.Is(err, notify.ErrRefused), refused)
	}
	for _, private := range []string{"gudrun", "mx.test", "Guðrún", "127.0.0.1"} {
		if strings.Contains(err.Error(), private) {
			t.Errorf("the error shows %s: %v", private, err)
		}
	}
}

func TestSendTellsRefusedFromTransient(t *testing.T) {
	tests := []struct {
		name    string
		in      inbox
		refused bool
		text    string
	}{
		{"no such mailbox", inbox{rcptErr: answer(550, smtp.EnhancedCode{5, 1, 1})}, true, "email: recipient: server answered 550 5.1.1"},
		{"content refused", inbox{dataErr: answer(554, smtp.EnhancedCode{5, 6, 0})}, true, "email: content: server answered 554 5.6.0"},
		{"without enhanced code", inbox{rcptErr: answer(550, smtp.NoEnhancedCode)}, true, "email: recipient: server answered 550"},
		{"greylisting", inbox{rcptErr: answer(451, smtp.EnhancedCode{4, 7, 1})}, false, "email: recipient: server answered 451 4.7.1"},
		{"mailbox busy", inbox{dataErr: answer(450, smtp.EnhancedCode{4, 2, 1})}, false, "email: content: server answered 450 4.2.1"},
		{"we may not relay", inbox{rcptErr: answer(554, smtp.EnhancedCode{5, 7, 1})}, false, "email: recipient: server answered 554 5.7.1"},
		{"we must sign in", inbox{rcptErr: answer(530, smtp.NoEnhancedCode)}, false, "email: recipient: server answered 530"},
		{"our sender is refused", inbox{mailErr: answer(553, smtp.EnhancedCode{5, 1, 8})}, false, "email: sender: server answered 553 5.1.8"},
	}
	for i := range tests {
		test := &tests[i]
		t.Run(test.name, func(t *testing.T) {
			err := mustNew(t, test.in.serve(t, email.StartTLS)).Send(t.Context(), message())
			wantError(t, err, test.refused, test.text)
		})
	}
}

func TestSendWithoutEncryptionSendsNothing(t *testing.T) {
	for mode, text := range map[string]string{
		email.StartTLS:    "email: encryption: the server offers no STARTTLS",
		email.ImplicitTLS: "email: connect: tls",
	} {
		var in inbox
		c := in.serve(t, email.NoTLS) // somebody stripped it
		c.TLS = mode
		wantError(t, mustNew(t, c).Send(t.Context(), message()), false, text)
		if in.from != "" {
			t.Errorf("%s: the server heard MAIL", mode)
		}
	}
}

func TestSendTrustsNoOtherCertificate(t *testing.T) {
	for _, mode := range []string{email.StartTLS, email.ImplicitTLS} {
		var in inbox
		c := in.serve(t, mode)
		_, c.RootCAs = selfSigned(t)
		step := map[string]string{email.StartTLS: "encryption", email.ImplicitTLS: "connect"}[mode]
		wantError(t, mustNew(t, c).Send(t.Context(), message()), false, "email: "+step+": tls")
		if in.from != "" {
			t.Errorf("%s: the server heard MAIL", mode)
		}
	}
}

func TestSendToAServerThatIsDown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	c := mustNew(t, email.Config{Host: "127.0.0.1", Port: port, From: sender})
	wantError(t, c.Send(t.Context(), message()), false, "email: connect: connection")
}

func TestSendToANameThatIsUnknown(t *testing.T) {
	c := mustNew(t, email.Config{Host: "mx.test", From: sender, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Name: "mx.test", IsNotFound: true}}
	}})
	wantError(t, c.Send(t.Context(), message()), false, "email: connect: dns")
}

// scripted is a channel to a server in memory, without encryption.
func scripted(t *testing.T, s script, heard *[]string) *email.Channel {
	t.Helper()
	return mustNew(t, email.Config{Host: "mx.test", From: sender, TLS: email.NoTLS, Insecure: true, Dial: s.dial(heard, nil)})
}

func TestSendEndsWhenTheServerHangs(t *testing.T) {
	for command, step := range map[string]string{"": "greeting", "EHLO": "greeting", "MAIL": "sender", "RCPT": "recipient", "DATA": "content", ".": "content"} {
		t.Run("at "+step+command, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, start, heard := polite(nil), time.Now(), []string{}
				delete(s, command)
				err := scripted(t, s, &heard).Send(t.Context(), message())
				wantError(t, err, false, "email: "+step+": timeout")
				if took := time.Since(start); took != 30*time.Second {
					t.Errorf("took %s, want 30s", took)
				}
			})
		})
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		var heard []string
		err := scripted(t, script{}, &heard).Send(ctx, message())
		wantError(t, err, false, "email: greeting: cancelled")
	})
}

// A mail that was taken is delivered, whatever becomes of the goodbye: a
// second copy would be our fault.
func TestSendIsDoneWhenTheMailIsTaken(t *testing.T) {
	for _, goodbye := range []string{"close", "500 what?", "hang"} {
		synctest.Test(t, func(t *testing.T) {
			s, heard, start := polite(script{"QUIT": goodbye}), []string{}, time.Now()
			if goodbye == "hang" {
				delete(s, "QUIT")
			}
			if err := scripted(t, s, &heard).Send(t.Context(), message()); err != nil {
				t.Errorf("%s: Send = %v", goodbye, err)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%s: took %s", goodbye, took)
			}
		})
	}
}

func TestSendToAServerThatHangsUp(t *testing.T) {
	for command, step := range map[string]string{"": "greeting", "RCPT": "recipient", ".": "content"} {
		synctest.Test(t, func(t *testing.T) {
			var heard []string
			err := scripted(t, polite(script{command: "close"}), &heard).Send(t.Context(), message())
			wantError(t, err, false, "email: "+step+": connection")
		})
	}
}

func TestSendReadsGreetingsAndNonsense(t *testing.T) {
	for greeting, text := range map[string]string{
		"421 too busy":             "email: greeting: server answered 421",
		"554 5.7.1 gudrun is out":  "email: greeting: server answered 554 5.7.1",
		"HTTP/1.1 400 Bad Request": "email: greeting: connection",
	} {
		synctest.Test(t, func(t *testing.T) {
			var heard []string
			err := scripted(t, polite(script{"": greeting}), &heard).Send(t.Context(), message())
			wantError(t, err, false, text)
		})
	}
}

// signing is a channel with a password to an encrypted server in memory.
func signing(t *testing.T, s script, heard *[]string) *email.Channel {
	t.Helper()
	certificate, roots := selfSigned(t)
	secure := func(c net.Conn) net.Conn {
		return tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	return mustNew(t, email.Config{Host: "mx.test", From: sender, TLS: email.ImplicitTLS, RootCAs: roots,
		Username: "consentd", Password: "sesame", Dial: s.dial(heard, secure)})
}

func TestSendSignsIn(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	tests := []struct {
		name   string
		server script
		want   []string
	}{
		{"plain", script{"EHLO": "250-mx.test\r\n250 AUTH LOGIN PLAIN XOAUTH2", "AUTH": "235 ok"},
			[]string{"EHLO consent.example.is", "AUTH PLAIN " + b64("\x00consentd\x00sesame"), "MAIL FROM:<no-reply@consent.example.is>"}},
		{"login", script{"EHLO": "250-mx.test\r\n250 AUTH LOGIN", "AUTH": "334 " + b64("Username:"), b64("consentd"): "334 " + b64("Password:"), b64("sesame"): "235 ok"},
			[]string{"EHLO consent.example.is", "AUTH LOGIN", b64("consentd"), b64("sesame"), "MAIL FROM:<no-reply@consent.example.is>"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard []string
				if err := signing(t, polite(test.server), &heard).Send(t.Context(), message()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				for i, want := range test.want {
					if i >= len(heard) || heard[i] != want {
						t.Fatalf("the server heard %q, want %q first", heard, test.want)
					}
				}
			})
		})
	}
}

func TestSendWithoutSigningIn(t *testing.T) {
	for text, server := range map[string]script{
		"email: sign-in: server answered 535 5.7.8":                 {"EHLO": "250-mx.test\r\n250 AUTH PLAIN", "AUTH": "535 5.7.8 sesame is wrong for gudrun", "*": "500 what"},
		"email: sign-in: the server offers neither PLAIN nor LOGIN": {},
	} {
		synctest.Test(t, func(t *testing.T) {
			var heard []string
			err := signing(t, polite(server), &heard).Send(t.Context(), message())
			wantError(t, err, false, text)
			if strings.Contains(strings.Join(heard, " "), "MAIL") {
				t.Error("the mail was sent all the same")
			}
		})
	}
}
