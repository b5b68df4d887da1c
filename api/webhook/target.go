package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrAddress: an address is not one that changes may be sent to. The error names
// what is wrong, never the address, which may hold a secret.
var ErrAddress = errors.New("not an address that changes may be sent to")

// Target is a recipient that changes are pushed to.
type Target struct {
	Recipient string // code of the policy
	URL       *url.URL
	Key       []byte // signs
	Private   bool   // it may be on this machine or in a private network
}

// ParseURL reads a recipient's address.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: it is no URL", ErrAddress)
	}
	switch {
	case u.Host == "" || u.Hostname() == "":
		return nil, fmt.Errorf("%w: it names no host", ErrAddress)
	case u.User != nil:
		return nil, fmt.Errorf("%w: take the user and password out of it; requests are signed", ErrAddress)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: take the part after # out of it", ErrAddress)
	case u.Scheme == "http" && !loopbackName(u.Hostname()):
		return nil, fmt.Errorf("%w: use https, http is for this machine alone", ErrAddress)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: use https", ErrAddress)
	}
	return u, Check(u, true)
}

func loopbackName(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// transport speaks to one target. What a name resolves to is looked at for every
// connection, so that a name cannot be pointed elsewhere later.
func transport(u *url.URL, private bool) *http.Transport {
	plain := u.Scheme == "http"
	dialer := &net.Dialer{Timeout: 10 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return mayDial(plain, private, address)
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 1,
		IdleConnTimeout: 90 * time.Second,
	}
}

// mayDial looks at the address that is connected to. Plain HTTP stays on this
// machine, and the house is closed unless the operator opened it.
func mayDial(plain, private bool, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return ErrAddress
	}
	switch r := reachOf(at.Addr()); {
	case r == nobody, r == house && !private, plain && !at.Addr().Unmap().IsLoopback():
		return ErrAddress
	}
	return nil
}
