package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
	"greffe/domain/policy"
)

// Call is one request on its way through an endpoint.
type Call struct {
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context
	route *Route
	id    string // request id
	cfg   *Config

	principal *auth.Principal
	rules     *policy.Policy
	human     string
	reason    auth.Reason
	asked     []string // field groups in clear
	body      []byte   // once it was read as a whole
	media     string   // its media type
	began     bool     // something was written
	agreed    bool     // a second person agreed to it
}

// Context ends with the client, the server or the route's time.
func (c *Call) Context() context.Context { return c.ctx }

func (c *Call) checkReason() (err error) {
	if c.reason, err = c.principal.Reason(c.rules, c.r.Header.Get("X-Greffe-Reason")); err == nil {
		c.asked, err = c.asks(c.route.Endpoint.reveals)
	}
	return err
}

// classes are the retention classes the caller may be shown.
func (c *Call) classes() []string { return c.principal.Sees(c.rules) }

// wantsLines reports that the caller prefers NDJSON.
func (c *Call) wantsLines() bool {
	return strings.Contains(c.r.Header.Get("Accept"), mediaNDJSON)
}

// prefers reports a preference (RFC 7240), such as wait=projected.
func (c *Call) prefers(what string) bool {
	for _, line := range c.r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(line, ",") {
			p, _, _ = strings.Cut(p, ";")
			if strings.EqualFold(strings.TrimSpace(p), what) {
				return true
			}
		}
	}
	return false
}

// within is how long something may take that takes limit at most: no longer than the
// caller prefers to wait for an answer. Of a feed that preference is how long to wait
// for news.
func (c *Call) within(limit time.Duration) time.Duration {
	if d := c.wait(); d > 0 && c.route.Pattern != changesPattern {
		return min(d, limit)
	}
	return limit
}

// current waits until this node may answer reads.
func (c *Call) current(n Node) error {
	if c.route.Limits.Rate == RateIngest {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.cfg.MaxWait)
	defer cancel()
	if err := n.Current(ctx); err != nil {
		return problem.Because(problem.Stale, err)
	}
	return nil
}

// minPosition waits until this node has applied X-Greffe-Min-Position.
func (c *Call) minPosition(ctx context.Context, n Node) error {
	h := c.r.Header.Get("X-Greffe-Min-Position")
	if h == "" {
		return nil
	}
	at, err := domain.ParsePosition(h)
	if err != nil {
		return problem.At(problem.HeaderInvalid, "X-Greffe-Min-Position")
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.MaxWait)
	defer cancel()
	if err := n.WaitFor(ctx, at); err != nil {
		if ctx.Err() != nil {
			return problem.Because(problem.Stale, err)
		}
		return err
	}
	return nil
}

// deadline gives the connection d from now, to read and to write.
func (c *Call) deadline(d time.Duration) error {
	rc := http.NewResponseController(c.w)
	at := time.Now().Add(d)
	if err := rc.SetReadDeadline(at); err != nil {
		return err
	}
	return rc.SetWriteDeadline(at)
}
