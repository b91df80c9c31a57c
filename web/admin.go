package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// AdminConfig configures the handler that [NewAdmin] makes.
type AdminConfig struct {
	// Ready are the checks of /readyz by name, such as "redis". They run side
	// by side and each has two seconds. None: always ready.
	Ready   map[string]func(context.Context) error
	Metrics http.Handler // nil: no /metrics
	Log     *slog.Logger // default: discard
}

const checkDeadline = 2 * time.Second

// NewAdmin returns the handler of the operators' listener, which must not be
// reachable from outside: /livez (the process answers), /readyz (it can do
// its work) and /metrics.
func NewAdmin(c AdminConfig) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeHealth(w, http.StatusOK, health{Status: "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		h := c.check(r.Context())
		status := http.StatusOK
		if h.Status != "ok" {
			status = http.StatusServiceUnavailable
		}
		writeHealth(w, status, h)
	})
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics)
	}
	return mux
}

// health names what works; why something does not is in the log.
type health struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks,omitempty"`
}

func (c AdminConfig) check(ctx context.Context) health {
	ctx, cancel := context.WithTimeout(ctx, checkDeadline)
	defer cancel()
	h := health{Status: "ok", Checks: make(map[string]string)}
	var mu sync.Mutex
	var checks sync.WaitGroup
	for name, ready := range c.Ready {
		checks.Go(func() {
			err := ready(ctx)
			mu.Lock()
			defer mu.Unlock()
			h.Checks[name] = "ok"
			if err != nil {
				h.Status, h.Checks[name] = "unavailable", "unavailable"
				c.Log.WarnContext(ctx, "not ready", slog.String("check", name), slog.Any("error", err))
			}
		})
	}
	checks.Wait()
	return h
}

func writeHealth(w http.ResponseWriter, status int, h health) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(h) // a prober that has left
}
