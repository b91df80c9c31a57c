package assembly

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/consentd/consentd/config"
)

// listenTLS is how the public listener encrypts; nil: it does not.
func listenTLS(c config.ListenTLS, log *slog.Logger) (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	f := &certFiles{c: c, log: log}
	if err := f.read(); err != nil {
		return nil, fmt.Errorf("listen_tls: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: f.forClient}, nil
}

// certFiles are certificates that somebody renews: a changed file counts from
// the next connection on, and one that cannot be read changes nothing.
type certFiles struct {
	c   config.ListenTLS
	log *slog.Logger

	mu      sync.Mutex
	current *tls.Config
	since   [3]time.Time // when each file was changed last
}

func (f *certFiles) forClient(*tls.ClientHelloInfo) (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since := f.changed(); since != f.since {
		if err := f.read(); err != nil {
			f.log.Error("new certificate cannot be read; the old one goes on", slog.Any("error", err))
			f.since = since
		}
	}
	return f.current, nil
}

func (f *certFiles) changed() [3]time.Time {
	var all [3]time.Time
	for i, name := range []string{f.c.CertFile, f.c.KeyFile, f.c.ClientCAFile} {
		if info, err := os.Stat(name); err == nil {
			all[i] = info.ModTime()
		}
	}
	return all
}

func (f *certFiles) read() error {
	since := f.changed()
	own, err := tls.LoadX509KeyPair(f.c.CertFile, f.c.KeyFile)
	if err != nil {
		return err
	}
	clients, err := authorities(f.c.ClientCAFile)
	if err != nil {
		return err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}, NextProtos: []string{"h2", "http/1.1"}}
	if clients != nil {
		c.ClientCAs, c.ClientAuth = clients, tls.VerifyClientCertIfGiven
	}
	f.current, f.since = c, since
	return nil
}
