package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/consentd/consentd/sandbox"
	"github.com/consentd/consentd/sandbox/workforce"
)

// Time limits of the server. The one for writing is long, because the slow
// answers that a tester orders are written in it.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 15 * time.Second
	writeTimeout    = 5 * time.Minute
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 5 * time.Second
)

// run serves the bank until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	s.bank.Log = slog.New(slog.NewTextHandler(stdout, nil))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return err
	}
	if s.bank.Issuer == "" {
		s.bank.Issuer = "http://" + spoken(s.addr, listener.Addr())
	}
	bank, err := sandbox.New(s.bank)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	all, ctx := errgroup.WithContext(ctx)
	if s.staffAddr != "" {
		staff, company, err := openCompany(ctx, s)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		fmt.Fprintf(stdout, "  staff         sign in at %s\n", "http://"+spoken(s.staffAddr, staff.Addr()))
		all.Go(func() error { return serve(ctx, staff, company) })
	}
	greet(stdout, s.bank)
	all.Go(func() error { return serve(ctx, listener, bank) })
	return all.Wait()
}

// openCompany makes the identity provider of a company's staff.
func openCompany(ctx context.Context, s settings) (net.Listener, http.Handler, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.staffAddr)
	if err != nil {
		return nil, nil, err
	}
	if s.company.Issuer == "" {
		s.company.Issuer = "http://" + spoken(s.staffAddr, listener.Addr())
	}
	s.company.Log = s.bank.Log
	company, err := workforce.New(s.company)
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	return listener, company, nil
}

// spoken is the host and port to print: what was asked for, with the port that
// was given when any would do.
func spoken(asked string, got net.Addr) string {
	host, port, err := net.SplitHostPort(asked)
	if err != nil {
		return got.String()
	}
	if host == "" {
		host = "localhost"
	}
	if tcp, ok := got.(*net.TCPAddr); ok && port == "0" {
		port = fmt.Sprint(tcp.Port)
	}
	return net.JoinHostPort(host, port)
}

func greet(w io.Writer, cfg sandbox.Config) {
	fmt.Fprintf(w, "Sandbox bank: no real money, nothing is kept.\n")
	fmt.Fprintf(w, "  open          %s\n", cfg.Issuer)
	fmt.Fprintf(w, "  online bank   %s/onlinebank\n", cfg.Issuer)
	fmt.Fprintf(w, "  discovery     %s/.well-known/openid-configuration\n", cfg.Issuer)
	fmt.Fprintf(w, "  refresh       rotation %s, access tokens %s, grants %s\n", cfg.Rotation, orDefault(cfg.AccessTTL, "5m"), orDefault(cfg.GrantLife, "2160h (90 days)"))
	for _, c := range cfg.Clients {
		fmt.Fprintf(w, "  client        id %s, redirect %v\n", c.ID, c.RedirectURIs)
	}
	if cfg.AdminToken == "" {
		fmt.Fprintf(w, "  faults        off; -admin-token turns %s/admin/ on\n", cfg.Issuer)
	} else {
		fmt.Fprintf(w, "  faults        %s/admin/, with your admin token as bearer\n", cfg.Issuer)
	}
	fmt.Fprintf(w, "Ctrl-C ends it.\n")
}

func orDefault(d time.Duration, text string) string {
	if d == 0 {
		return text
	}
	return d.String()
}

// serve answers until ctx ends, then lets running requests finish. Their
// context ends with ctx, so that hanging answers let go.
func serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	<-served // http.ErrServerClosed, or the error that Shutdown has told
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(err, server.Close())
	}
	return err
}

// adminTokenVariable keeps the token out of the process list.
const adminTokenVariable = "SANDBOXBANK_ADMIN_TOKEN"

func adminTokenDefault() string { return os.Getenv(adminTokenVariable) }
