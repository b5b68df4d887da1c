package httpapi

import (
	"crypto/sha256"
	"net/netip"
	"slices"
	"strings"

	"greffe/api/auth"
	"greffe/projections/accounts"
)

// forwardedHeader is where a reverse proxy tells whom it has a request from: each adds
// the address of its own peer at the end.
const forwardedHeader = "X-Forwarded-For"

// maxForwarded bounds the proxies that are looked behind.
const maxForwarded = 16

// peer is who is at the other end of the connection, as far as it proved it.
func (c *Call) peer() auth.Peer {
	p := auth.Peer{Addr: c.remote()}
	t := c.r.TLS
	if t == nil || len(t.VerifiedChains) == 0 || len(t.PeerCertificates) == 0 {
		return p
	}
	// A connection may outlive the certificate that it was made with.
	if leaf := t.PeerCertificates[0]; !c.cfg.Now().After(leaf.NotAfter) {
		p.Certificate = accounts.Fingerprint(sha256.Sum256(leaf.RawSubjectPublicKeyInfo))
	}
	return p
}

// remote is the address of the peer or, if that is a trusted proxy, the last address
// that is none in what the proxies say. What others say of themselves is not looked at.
func (c *Call) remote() netip.Addr {
	at := c.direct()
	if !c.trusts(at) {
		return at
	}
	said := strings.Split(strings.Join(c.r.Header.Values(forwardedHeader), ","), ",")
	for i := len(said) - 1; i >= 0 && len(said)-i <= maxForwarded; i-- {
		next, ok := forwardedAddr(said[i])
		if !ok {
			return at
		}
		if at = next; !c.trusts(at) {
			return at
		}
	}
	return at
}

// direct is the address of the connection's other end.
func (c *Call) direct() netip.Addr {
	ap, err := netip.ParseAddrPort(c.r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// local reports that the caller is on this machine, and no proxy's client.
func (c *Call) local() bool {
	return c.direct().IsLoopback() && len(c.r.Header.Values(forwardedHeader)) == 0 && len(c.r.Header.Values("Forwarded")) == 0
}

func (c *Call) trusts(at netip.Addr) bool {
	return at.IsValid() && slices.ContainsFunc(c.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(at) })
}

// forwardedAddr reads one entry: an address, perhaps with a port.
func forwardedAddr(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}
