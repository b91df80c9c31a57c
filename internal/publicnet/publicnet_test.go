package publicnet

import (
	"errors"
	"net/netip"
	"testing"
)

// This test is internal because asking from outside would mean dialling
// public addresses.
func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.215.14": true, "130.208.0.1": true, "2a00:1450:4001:81b::200e": true, "::ffff:93.184.215.14": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"0.0.0.0": false, "100.64.0.1": false, "192.0.0.192": false, "198.18.0.1": false, "203.0.113.9": false, "224.0.0.1": false,
		"240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
		"2001::1": false, "2001:db8::1": false, "fec0::1": false,
		"1.1.1.1": true, "2606:4700::1111": true, "::ffff:1.1.1.1": true, "0.1.2.3": false, "172.31.255.255": false,
		"100.127.255.255": false, "192.0.2.1": false, "198.19.255.255": false, "::ffff:100.64.0.1": false, "64:ff9b:1::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("public(%s) = %t, want %t", text, got, want)
		}
	}
	for address, want := range map[string]error{"no address": ErrForbidden, "bank.example:443": ErrForbidden, "127.0.0.1:443": ErrForbidden, "[::1]:443": ErrForbidden, "93.184.215.14:443": nil} {
		if err := Guard(t.Context(), "tcp", address, nil); !errors.Is(err, want) {
			t.Errorf("Guard(%s) = %v, want %v", address, err, want)
		}
	}
}
