// Package email delivers messages by SMTP.
//
// It knows how a mail is built and what a mail server's answers mean. It
// refuses to know what a message says, when it is due and how often to try.
// A mail leaves encrypted, to the server that its certificate names, or not
// at all, unless the operator asked for "none" and said so twice. No error of
// this package holds an address, a word of a message, or a server's words.
package email

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net"
	"net/mail"
	"time"

	"github.com/consentd/consentd/notify"
	"github.com/consentd/consentd/token"
)

// How the connection to the server is encrypted.
const (
	StartTLS    = "starttls" // mandatory: without it nothing is sent
	ImplicitTLS = "implicit"
	NoTLS       = "none"
)

const (
	defaultTimeout = 30 * time.Second
	quitLimit      = 2 * time.Second
)

// Config tells where mails go.
type Config struct {
	Host     string // required
	Port     int    // default 587; 465 with "implicit", 25 with "none"
	Username string // empty: no sign-in
	Password token.Secret
	From     string        // required: "Name <address>"
	TLS      string        // default "starttls"
	Insecure bool          // lets TLS be "none": a demo or a test
	Hello    string        // our name in the greeting; default From's domain
	Timeout  time.Duration // of one message in all; default 30 s

	RootCAs *x509.CertPool                                                       // default the system's
	Dial    func(ctx context.Context, network, address string) (net.Conn, error) // default a net.Dialer
	Now     func() time.Time                                                     // default time.Now
}

// Channel is a [notify.Channel]. It makes a connection for each message and
// keeps nothing, so it may be used concurrently, and a message sent twice is
// delivered twice, with the same Message-ID.
type Channel struct {
	config Config
	from   *mail.Address
	domain string
}

var _ notify.Channel = (*Channel)(nil)

// New makes a channel, or reports everything that is wrong with c.
func New(c Config) (*Channel, error) {
	c = c.withDefaults()
	from, err := c.check()
	if err != nil {
		return nil, err
	}
	domain := domainOf(from.Address)
	if c.Hello == "" {
		c.Hello = domain
	}
	return &Channel{config: c, from: from, domain: domain}, nil
}

// Send delivers m to the mail server. Its error is an [*Error], except that
// of a message which cannot be built; it wraps [notify.ErrRefused] when
// another try is of no use. A server that falls silent after taking the text
// may have accepted it: the error is transient and the next mail a copy.
func (c *Channel) Send(ctx context.Context, m notify.Message) error {
	to, err := recipient(m.To)
	if err != nil {
		return err
	}
	text, err := c.compose(m, to)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return c.deliver(ctx, to, text)
}

// messageID is the same for the same key, so that a copy is recognised, and
// does not show the key, which may name a consent.
func (c *Channel) messageID(key string) string {
	sum := sha256.Sum256([]byte("consentd/email\x00" + key))
	return hex.EncodeToString(sum[:16]) + "@" + c.domain
}
