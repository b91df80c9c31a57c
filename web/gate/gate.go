// Package gate is what stands in front of every handler, on the customers'
// pages and the staff console alike: where a request comes from, how often it
// may, how it is called in the log, and that a panic ends nothing else.
//
// It knows neither people nor pages.
package gate

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"

	"github.com/labstack/echo/v4"
)

// ErrPanic: a handler panicked, which the log has.
var ErrPanic = errors.New("gate: panic")

// Guard calls a handler and keeps the process up. A panic's value may hold
// anything, so only the runtime's own are logged, of others the type.
func Guard(log *slog.Logger, next func() error, about ...any) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
			panic(v)
		}
		what := slog.String("panic", fmt.Sprintf("%T", v))
		if e, ok := v.(runtime.Error); ok {
			what = slog.String("panic", e.Error())
		}
		log.With(about...).Error("panic while answering", what, slog.String("stack", string(debug.Stack())))
		err = ErrPanic
	}()
	return next()
}

// NewRequestID makes an id by which a request is found again.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// IPExtractor finds the address that a request comes from. The headers of
// proxies are believed where they come from a trusted one.
func IPExtractor(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		p = p.Masked()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}
