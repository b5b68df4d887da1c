package oidc

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of one exchange with a provider.
const (
	callTimeout  = 10 * time.Second
	maxAnswer    = 1 << 20 // bytes
	keyFetchRate = 10 * time.Second
	keyBurst     = 5
)

var (
	errHost    = errors.New("an endpoint is at a host that is neither the issuer's nor in hosts")
	errScheme  = errors.New("an endpoint is not https")
	errTooBig  = errors.New("an answer is over 1 MiB")
	errOften   = errors.New("its keys were asked for too often")
	errForward = errors.New("it redirects, which is not followed")
)

// transport lets through what goes to the hosts of the configuration, over TLS or
// on loopback, and bounds answers. An unknown key id makes the key set be fetched
// again, and anybody can send one, so that is slowed.
type transport struct {
	under http.RoundTripper
	hosts []string
	now   func() time.Time
	keys  *rate.Limiter
	jwks  atomic.Pointer[string] // URL of the key set, once known
}

// RoundTrip performs one exchange.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.allowed(r.URL); err != nil {
		return nil, err
	}
	if at := t.jwks.Load(); at != nil && *at == r.URL.String() && !t.keys.AllowN(t.now(), 1) {
		return nil, errOften
	}
	resp, err := t.under.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{resp.Body, maxAnswer}
	return resp, nil
}

func (t *transport) allowed(u *url.URL) error {
	switch {
	case !safe(u):
		return errScheme
	case !slices.Contains(t.hosts, hostPort(u)):
		return errHost
	}
	return nil
}

// bounded fails, rather than ends, past its bound.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooBig
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooBig
	}
	return n, err
}

func newClient(c *Config, now func() time.Time) (*http.Client, *transport, error) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CA) > 0 {
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, nil, errors.New("ca_file holds no certificate (PEM)")
		}
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return nil, nil, errors.New("issuer is no URL")
	}
	t := &transport{now: now, keys: rate.NewLimiter(rate.Every(keyFetchRate), keyBurst), hosts: []string{hostPort(issuer)},
		under: &http.Transport{TLSClientConfig: secure, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: callTimeout, MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost: 16, MaxIdleConns: 4, IdleConnTimeout: time.Minute}}
	for _, h := range c.Hosts {
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(h, "443")
		}
		t.hosts = append(t.hosts, strings.ToLower(h))
	}
	return &http.Client{Transport: t, Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errForward }}, t, nil
}
