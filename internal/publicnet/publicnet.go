// Package publicnet keeps connections to hosts that others name on the public
// internet. It knows which addresses are not: those of this machine, of
// private networks, and blocks that embed or reserve such.
package publicnet

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
)

// ErrForbidden: an address that is not on the public internet.
var ErrForbidden = errors.New("publicnet: address inside a network")

// Guard is the ControlContext of a [net.Dialer]. It runs after name
// resolution, for each address that is tried, so that a name which changes its
// address cannot get around it.
func Guard(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !public(ap.Addr()) {
		return ErrForbidden
	}
	return nil
}

// reserved are the blocks, besides those that net/netip knows, which are not
// the public internet or embed an address that may not be.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::/96",
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
