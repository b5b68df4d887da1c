package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"greffe/api/problem"
)

// serve takes one request through its row of the table.
func (a *API) serve(route *Route, w http.ResponseWriter, r *http.Request) {
	c := &Call{w: w, r: r, route: route, id: requestID(r), cfg: &a.cfg}
	ctx, cancel := context.WithTimeout(r.Context(), c.within(route.Limits.Timeout))
	defer cancel()
	c.ctx = ctx
	seen := seenOf(r)
	seen.pattern = route.Pattern
	if err := c.deadline(route.Limits.Timeout + a.cfg.RecordTimeout); err != nil && !errors.Is(err, http.ErrNotSupported) {
		a.fail(c, err)
		return
	}
	if err := a.admit(c); err != nil {
		a.fail(c, err)
		return
	}
	ans, err := a.perform(c)
	if err == nil {
		err = a.send(c, ans)
	}
	if err != nil {
		a.fail(c, err)
	}
}

// admit says who calls, whether they may, and not too often.
func (a *API) admit(c *Call) error {
	e := c.route.Endpoint
	c.rules, _ = a.services.Ledger.Policy()
	if err := a.edge.sameSite(c.r, c.route); err != nil {
		return err
	}
	if e.open || e.local && c.local() && c.r.Header.Get("Authorization") == "" {
		return nil
	}
	if err := c.current(a.services.Nodes); err != nil {
		return err
	}
	// Who calls and what they may is told by what this node has read, too.
	if err := c.minPosition(c.ctx, a.services.Nodes); err != nil {
		return err
	}
	c.rules, _ = a.services.Ledger.Policy()
	p, err := a.identify(c)
	if err != nil {
		return err
	}
	c.principal = p
	seenOf(c.r).account = p.Account.String()
	if l := a.limits[c.route.Limits.Rate]; l != nil {
		s := l.Take(p.Account.String())
		h, name := c.w.Header(), strconv.Quote(string(c.route.Limits.Rate))
		h.Set("RateLimit-Policy", fmt.Sprintf("%s;q=%d;w=%d", name, s.Limit, int(l.Window()/time.Second)))
		h.Set("RateLimit", fmt.Sprintf("%s;r=%d;t=%d", name, s.Left, int((s.Reset+time.Second-1)/time.Second)))
		if s.Wait > 0 {
			return &problem.Error{Code: problem.RateLimited, RetryAfter: s.Wait}
		}
	}
	if err := p.May(c.rules, c.route.Permission); err != nil {
		return err
	}
	if err := a.guest(c); err != nil {
		return err
	}
	if err := a.fresh(c); err != nil {
		return err
	}
	c.human, err = p.Human(c.rules, c.r.Header.Get("X-Greffe-Actor"))
	return err
}

// perform runs the endpoint, once for each Idempotency-Key.
func (a *API) perform(c *Call) (answer, error) {
	run := func() (answer, error) {
		if asked, done, err := a.approve(c); err != nil || done {
			return asked, err
		}
		return c.route.Endpoint.serve(a, c)
	}
	key := c.r.Header.Get("Idempotency-Key")
	if !c.route.Idempotent || key == "" || c.r.Header.Get(approvalHdr) == approvalAsk {
		return run()
	}
	return a.once(c, key, run)
}

// send writes an answer.
func (a *API) send(c *Call, ans answer) error {
	h := c.w.Header()
	for k, v := range ans.header {
		h.Set(k, v)
	}
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	if ans.status == 0 {
		ans.status = http.StatusOK
	}
	if ans.stream != nil {
		h.Set("Content-Type", ans.media)
		return ans.stream(c)
	}
	out, media := ans.bytes, ans.media
	if ans.body != nil {
		var err error
		if out, err = json.Marshal(ans.body); err != nil {
			return fmt.Errorf("encode the answer: %w", err)
		}
		media = mediaJSON
	}
	if media != "" {
		h.Set("Content-Type", media)
	}
	c.began = true
	if ans.status == http.StatusNoContent {
		c.w.WriteHeader(ans.status)
		return nil
	}
	h.Set("Content-Length", strconv.Itoa(len(out)))
	c.w.WriteHeader(ans.status)
	_, _ = c.w.Write(out) // the client is gone if this fails
	return nil
}

// fail answers an error, or, when an answer has begun, ends it where it is: a
// stream without its last line is void.
func (a *API) fail(c *Call, err error) {
	p := problem.From(classify(err))
	seen := seenOf(c.r)
	seen.code, seen.cause = p.Code, p.Cause
	a.denied(c, p.Code, err)
	if c.began {
		panic(http.ErrAbortHandler)
	}
	problem.Write(c.w, c.r, p, c.id)
}
