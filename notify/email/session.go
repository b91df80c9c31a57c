package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// The steps of a delivery, as errors name them.
const (
	stepConnect   = "connect"
	stepGreeting  = "greeting"
	stepTLS       = "encryption"
	stepSignIn    = "sign-in"
	stepSender    = "sender"
	stepRecipient = "recipient"
	stepContent   = "content"
)

var (
	errNoStartTLS = errors.New("the server offers no STARTTLS")
	errNoSignIn   = errors.New("the server offers neither PLAIN nor LOGIN")
)

// deliver speaks SMTP itself, on go-mail's protocol package, rather than
// through its client, which leaves connections open when TLS fails, calls a
// mail undelivered when only the QUIT after it failed, and does not say at
// which step a server refused.
func (c *Channel) deliver(ctx context.Context, to *mail.Address, text []byte) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return failure(ctx, stepConnect, err)
	}
	defer func() { _ = conn.Close() }()
	// Closing is what ends a read or write in progress when ctx does.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	client, step, err := c.open(conn)
	if err != nil {
		return failure(ctx, step, err)
	}
	if step, err = c.transfer(client, to, text); err != nil {
		return failure(ctx, step, err)
	}
	// The mail is accepted; how the goodbye goes is no longer of interest.
	_ = client.UpdateDeadline(quitLimit)
	_ = client.Quit()
	return nil
}

func (c *Channel) connect(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort(c.config.Host, strconv.Itoa(c.config.Port))
	conn, err := c.config.Dial(ctx, "tcp", address)
	if err != nil || c.config.TLS != ImplicitTLS {
		return conn, err
	}
	secure := tls.Client(conn, c.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

func (c *Channel) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.config.Host, RootCAs: c.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// open greets the server, encrypts, and signs in.
func (c *Channel) open(conn net.Conn) (*smtp.Client, string, error) {
	client, err := smtp.NewClient(conn, c.config.Host)
	if err != nil {
		return nil, stepGreeting, err
	}
	if err := client.Hello(c.config.Hello); err != nil {
		return nil, stepGreeting, err
	}
	if c.config.TLS == StartTLS {
		// Somebody in between can strip the offer, so no offer is a failure.
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return nil, stepTLS, errNoStartTLS
		}
		if err := client.StartTLS(c.tlsConfig()); err != nil {
			return nil, stepTLS, err
		}
	}
	if c.config.Username == "" {
		return client, "", nil
	}
	auth, err := c.auth(client)
	if err == nil {
		err = client.Auth(auth)
	}
	return client, stepSignIn, err
}

// auth picks how to sign in. The connection is encrypted by now, so PLAIN is
// as good as any, and the one that servers get right.
func (c *Channel) auth(client *smtp.Client) (smtp.Auth, error) {
	_, offered := client.Extension("AUTH")
	mechanisms := strings.Fields(strings.ToUpper(offered))
	user, password := c.config.Username, c.config.Password.Reveal()
	switch {
	case slices.Contains(mechanisms, "PLAIN"):
		return smtp.PlainAuth("", user, password, c.config.Host, false), nil
	case slices.Contains(mechanisms, "LOGIN"):
		return smtp.LoginAuth(user, password, c.config.Host, false), nil
	default:
		return nil, errNoSignIn
	}
}

// transfer hands one mail over.
func (c *Channel) transfer(client *smtp.Client, to *mail.Address, text []byte) (string, error) {
	// SMTPUTF8 makes a mail undeliverable through an older server further on:
	// ask for it only when the address needs it.
	client.SkipSMTPUTF8(isASCII(to.Address) && isASCII(c.from.Address))
	if err := client.Mail(path(c.from)); err != nil {
		return stepSender, err
	}
	if err := client.Rcpt(path(to)); err != nil {
		return stepRecipient, err
	}
	w, err := client.Data()
	if err != nil {
		return stepContent, err
	}
	if _, err := w.Write(text); err != nil {
		return stepContent, err
	}
	return stepContent, w.Close()
}

// path is an address in angle brackets, with its local part quoted if needed.
func path(a *mail.Address) string { return (&mail.Address{Address: a.Address}).String() }

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > '~' })
}
