package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
)

// listenFor opens the address that a visitor opens. A taken default gives way
// to a free port; one that was asked for does not.
func listenFor(asked string) (net.Listener, error) {
	if asked != "" {
		return listen(asked)
	}
	l, err := listen(defaultAddr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return listen("localhost:0")
	}
	return l, err
}

// listen opens an address of this machine. Browsers find "localhost" at ::1
// as well as at 127.0.0.1: a port of which somebody else has the other half is
// taken.
func listen(asked string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(asked)
	if err != nil {
		return nil, fmt.Errorf("address %q: want host:port, such as %s", asked, defaultAddr)
	}
	for range 20 {
		l, err := net.Listen("tcp", asked)
		if err != nil {
			return nil, err
		}
		if host != "localhost" || otherHalfFree(l) {
			return l, nil
		}
		if err := l.Close(); err != nil {
			return nil, err
		}
		if port != "0" {
			break
		}
	}
	return nil, fmt.Errorf("listen %s: %w", asked, syscall.EADDRINUSE)
}

func otherHalfFree(l net.Listener) bool {
	here := l.Addr().(*net.TCPAddr)
	other := net.IPv6loopback
	if here.IP.To4() == nil {
		other = net.IPv4(127, 0, 0, 1)
	}
	probe, err := net.Listen("tcp", net.JoinHostPort(other.String(), fmt.Sprint(here.Port)))
	if err != nil {
		return !errors.Is(err, syscall.EADDRINUSE) // a machine without IPv6 has no other half
	}
	return probe.Close() == nil
}

// siteOf is the address to print and to link to: by name, because cookies and
// the browser's idea of "same site" go by the name.
func siteOf(asked string, l net.Listener) string {
	host, _, err := net.SplitHostPort(asked)
	if ip := net.ParseIP(host); err != nil || host == "" || ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
}

// atHome sends a browser that opened another name of this machine to the one
// that cookies and return addresses are for. Forms of a foreign name are
// refused: it may be somebody else's that leads here.
func atHome(site string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case "http://"+r.Host == site:
			h.ServeHTTP(w, r)
		case r.Method == http.MethodGet:
			http.Redirect(w, r, site+"/", http.StatusSeeOther)
		default:
			http.Error(w, "Open "+site, http.StatusMisdirectedRequest)
		}
	})
}
