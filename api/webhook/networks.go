package webhook

import (
	"fmt"
	"net/netip"
	"net/url"
)

// reach says how near an address is.
type reach int

const (
	nobody reach = iota // no recipient's, ever: credentials of clouds, multicast, reserved ranges
	house               // this machine or a private network
	world               // the public Internet
)

// never are ranges that no recipient answers from, beyond what netip knows: where
// clouds give out credentials, and what the IANA registries of special-purpose
// addresses keep for documentation, tests and the future.
func never() []netip.Prefix {
	return prefixes("0.0.0.0/8", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "fd00:ec2::/32", "fd20:ce::254/128", "100::/64", "2001:2::/48", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10")
}

// shared are private ranges beyond RFC 1918 and RFC 4193: a carrier's own.
func shared() []netip.Prefix { return prefixes("100.64.0.0/10") }

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

func within(ip netip.Addr, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if r.Contains(ip) {
			return true
		}
	}
	return false
}

// carried is the IPv4 address that an IPv6 address stands for: mapped, compatible,
// 6to4 or NAT64 (RFC 6052, 3056, 4291). Of Teredo it is the relay's business.
func carried(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	four := func(at int) netip.Addr { return netip.AddrFrom4([4]byte(b[at : at+4])) }
	switch {
	case ip.Is4In6():
		return ip.Unmap(), true
	case within(ip, prefixes("2002::/16")):
		return four(2), true
	case within(ip, prefixes("64:ff9b::/96", "64:ff9b:1::/48")), within(ip, prefixes("::/96")) && !ip.IsLoopback() && !ip.IsUnspecified():
		return four(12), true
	}
	return netip.Addr{}, false
}

// reachOf classifies an address.
func reachOf(ip netip.Addr) reach {
	ip = ip.WithZone("")
	if v4, ok := carried(ip); ok {
		return reachOf(v4)
	}
	switch {
	case !ip.IsValid(), ip.IsUnspecified(), ip.IsLinkLocalUnicast(), ip.IsMulticast(), within(ip, never()), within(ip, prefixes("2001::/32")):
		return nobody
	case ip.IsLoopback(), ip.IsPrivate(), within(ip, shared()):
		return house
	}
	return world
}

// Check refuses a URL whose host is written as an address, or as localhost, that
// may not be sent to. What a name resolves to is looked at when it is dialled.
func Check(u *url.URL, private bool) error {
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" {
		ip, err = netip.IPv6Loopback(), nil
	}
	if err != nil {
		return nil
	}
	switch at := reachOf(ip); {
	case at == nobody:
		return fmt.Errorf("%w: it is link-local, multicast, reserved or a cloud's own", ErrAddress)
	case at == house && !private:
		return fmt.Errorf("%w: it is of this machine or a private network; allow that with --webhook-allow-private", ErrAddress)
	}
	return nil
}
