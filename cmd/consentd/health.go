package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthDeadline is above what /readyz allows its own checks.
const healthDeadline = 4 * time.Second

func (p *program) healthcheckCommand() *cobra.Command {
	var address string
	c := &cobra.Command{
		Use: "healthcheck", Short: "Ask a running consentd whether it is ready; exit code 1 when it is not", Args: cobra.NoArgs,
		RunE: p.action(func(c *cobra.Command, _ []string) error {
			if address == "" {
				settings, err := p.load()
				if err != nil {
					return err
				}
				address = settings.AdminListen
			}
			return p.healthcheck(c.Context(), address)
		}),
	}
	c.Flags().StringVar(&address, "address", "", "`host:port` of its admin listener (default: admin_listen of the configuration)")
	return c
}

func (p *program) healthcheck(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "0" {
		return errors.New("healthcheck: want host:port of the admin listener, such as 127.0.0.1:9090")
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on all addresses
	}
	ctx, cancel := context.WithTimeout(ctx, healthDeadline)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{}} // no proxy on the way to ourselves
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(p.out, io.LimitReader(res.Body, 4<<10)); err != nil {
		return fmt.Errorf("healthcheck: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("healthcheck: not ready (%s)", res.Status)
	}
	return nil
}
