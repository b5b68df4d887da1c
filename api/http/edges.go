package httpapi

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"greffe/api/problem"
)

// edge is what every request is held to before its route: that it was sent to a
// name of this service, says nothing twice that proxies read differently, and does
// not come from another site's page.
type edge struct {
	names  map[string]bool // lower case, without port
	origin *http.CrossOriginProtection
	tls    bool // people reach this service by TLS alone
}

// newEdge reads the names and the origin of a service. publicURL may be empty.
func newEdge(publicURL string, hosts []string) (edge, error) {
	e := edge{names: map[string]bool{"localhost": true}, origin: http.NewCrossOriginProtection()}
	for _, h := range hosts {
		name := hostName(h)
		if name == "" || strings.ContainsAny(h, "/*@ ") {
			return edge{}, errors.New("a host of --host is no name: give names such as greffe.example.org, one each")
		}
		e.names[name] = true
	}
	if publicURL == "" {
		return e, nil
	}
	u, err := url.Parse(publicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return edge{}, errors.New("the public URL is none: give one such as https://greffe.example.org")
	}
	e.names[strings.ToLower(u.Hostname())] = true
	e.tls = u.Scheme == "https"
	if err := e.origin.AddTrustedOrigin(u.Scheme + "://" + strings.ToLower(u.Host)); err != nil {
		return edge{}, errors.New("the public URL has no origin: give one such as https://greffe.example.org")
	}
	return e, nil
}

// hostName is the name of a Host header, without port, brackets and last dot.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// known reports a host that a request may be sent to. An address is always one: a
// page that points its name at this machine (DNS rebinding) still sends its name.
func (e edge) known(host string) bool {
	name := hostName(host)
	if host == "" || e.names[name] { // only HTTP/1.0 may leave it out, and no browser speaks that
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// said are the headers that decide something. Who sends one twice may mean another
// one than a proxy ahead of us understood.
func said() []string {
	return []string{"Authorization", "Content-Type", "Content-Encoding", "Content-Length", "Idempotency-Key", "If-Match", "Origin",
		"Sec-Fetch-Site", "X-Greffe-Actor", "X-Greffe-Approval", "X-Greffe-Csrf", "X-Greffe-Min-Position", "X-Greffe-Reason", revealHeader}
}

// admit refuses what is not for this service or not clear.
func (e edge) admit(r *http.Request) error {
	if !e.known(r.Host) {
		return problem.At(problem.HostUnknown, "Host")
	}
	for _, name := range said() {
		if len(r.Header.Values(name)) > 1 {
			return problem.At(problem.HeaderInvalid, name)
		}
	}
	return nil
}

// sameSite refuses a change that a page of another site asks for. A link that is
// itself the permission (RFC 8058) may be used from anywhere.
func (e edge) sameSite(r *http.Request, route *Route) error {
	if route.Endpoint.anySite {
		return nil
	}
	if err := e.origin.Check(r); err != nil {
		return problem.Because(problem.OriginForbidden, err)
	}
	return nil
}

// secure sets the headers every answer has. Nothing here loads anything from
// elsewhere, and no page holds code.
func (e edge) secure(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Permitted-Cross-Domain-Policies", "none")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()")
	if e.tls || r.TLS != nil { // browsers ignore it over plain HTTP
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	h.Set("Vary", "Accept, Accept-Language, Authorization, Cookie")
	// Of a chunked request nobody can tell any more whether it also had a length. What
	// another reader would take for a second request goes with the connection (RFC 9112, 6.1).
	if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
		h.Set("Connection", "close")
	}
}
