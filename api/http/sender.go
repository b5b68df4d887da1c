package httpapi

import (
	"bytes"
	"io"
	"net/http"

	"greffe/api/auth"
	"greffe/api/problem"
)

// identify says who calls: by token, by a session's cookie where there is none, or, where webhooks arrive, also by
// signature or by HTTP Basic with a token as the password.
func (a *API) identify(c *Call) (*auth.Principal, error) {
	h := c.r.Header
	switch {
	case h.Get("Authorization") == "" && h.Get("X-Greffe-Signature") == "" && a.cookieOf(c, "") != "":
		return a.bySession(c)
	case !c.route.Endpoint.sender:
		return a.services.Auth.Identify(c.ctx, h.Get("Authorization"), c.peer())
	case h.Get("X-Greffe-Signature") == "":
		return a.services.Auth.IdentifySender(c.ctx, h.Get("Authorization"), c.peer())
	}
	claim, err := a.services.Auth.Claim(c.ctx, h.Get("X-Greffe-Key"), h.Get("X-Greffe-Signature"), c.peer())
	if err != nil {
		return nil, err
	}
	if c.r.ContentLength > c.route.Limits.Body {
		return nil, problem.New(problem.BodyTooLarge)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.route.Limits.Body))
	if err != nil {
		return nil, bodyError(err)
	}
	c.r.Body = io.NopCloser(bytes.NewReader(body))
	return claim.Verify(body)
}
