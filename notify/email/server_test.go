package email_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/consentd/consentd/notify/email"
)

// inbox is a mail server's end: what it was sent, and what it answers.
type inbox struct {
	mu                        sync.Mutex
	from, to                  string
	utf8                      bool
	texts                     []string
	mailErr, rcptErr, dataErr error
}

type session struct{ in *inbox }

func (s session) Reset()        {}
func (s session) Logout() error { return nil }

func (s session) Mail(from string, o *smtp.MailOptions) error {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.from, s.in.utf8 = from, o.UTF8
	return s.in.mailErr
}

func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.to = to
	return s.in.rcptErr
}

func (s session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.in.dataErr != nil {
		return s.in.dataErr
	}
	s.in.texts = append(s.in.texts, string(text))
	return nil
}

// only returns the one mail that came.
func (in *inbox) only(t *testing.T) string {
	t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.texts) != 1 {
		t.Fatalf("%d mails came, want 1", len(in.texts))
	}
	return in.texts[0]
}

// serve starts a mail server for in and returns a configuration to reach it.
func (in *inbox) serve(t *testing.T, mode string) email.Config {
	t.Helper()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return session{in}, nil }))
	s.Domain, s.EnableSMTPUTF8, s.ErrorLog = "mx.test", true, quiet{}
	certificate, roots := selfSigned(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	server := &tls.Config{Certificates: []tls.Certificate{certificate}}
	switch mode {
	case email.StartTLS:
		s.TLSConfig = server
	case email.ImplicitTLS:
		l = tls.NewListener(l, server)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = l.Close() // the server may not have come to know it
		<-done
	})
	return email.Config{Host: "127.0.0.1", Port: port, From: sender, TLS: mode, Insecure: mode == email.NoTLS, RootCAs: roots}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.test"},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		DNSNames: []string{"mx.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// script answers commands by their first words, on a connection in memory. A
// command that it does not know gets no answer at all, "close" hangs up.
type script map[string]string

// polite is a server that takes everything.
func polite(changes script) script {
	s := script{"": "220 mx.test", "EHLO": "250 mx.test", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken", "QUIT": "221 bye"}
	for command, answer := range changes {
		s[command] = answer
	}
	return s
}

// dial plays the script to one caller; secure wraps the server's end.
func (s script) dial(heard *[]string, secure func(net.Conn) net.Conn) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		if secure != nil {
			server = secure(server)
		}
		go s.play(server, heard)
		return client, nil
	}
}

func (s script) play(conn net.Conn, heard *[]string) {
	defer func() { _ = conn.Close() }()
	lines, inText := bufio.NewScanner(conn), false
	for command := ""; ; {
		answer, known := s[command]
		if known && answer == "close" {
			return
		}
		if known {
			_, _ = io.WriteString(conn, answer+"\r\n")
		}
		inText = command == "DATA" && strings.HasPrefix(answer, "354")
		for {
			if !lines.Scan() {
				return
			}
			if !inText || lines.Text() == "." {
				break
			}
		}
		*heard = append(*heard, lines.Text())
		command, _, _ = strings.Cut(lines.Text(), " ")
	}
}
