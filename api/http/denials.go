package httpapi

import (
	"errors"
	"net/http"

	"greffe/api/auth"
	"greffe/api/denial"
	"greffe/api/problem"
	"greffe/domain"
)

// Denials records what known callers were refused; *denial.Recorder does, without
// making the request wait.
type Denials interface {
	Denied(r denial.Refusal)
}

// denies reports a code that refuses somebody something, rather than saying that a
// request is wrong: 401, 403 and quotas.
func denies(code problem.Code) bool {
	e, ok := problem.Lookup(code)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || code == problem.QuotaExceeded)
}

// denied takes down a refusal: of a known caller in the log, of anybody in the
// metrics, where nothing tells who it was.
func (a *API) denied(c *Call, code problem.Code, err error) {
	if !denies(code) {
		return
	}
	account, who := refusedAccount(c, err), "unknown"
	if !account.IsZero() {
		who = "known"
		a.services.Denials.Denied(denial.Refusal{Account: account, Route: operationID(c.route), Code: string(code)})
	}
	a.metrics.denials.WithLabelValues(string(code), who).Inc()
}

func refusedAccount(c *Call, err error) domain.ID {
	var refused *auth.Refused
	switch {
	case c.principal != nil:
		return c.principal.Account
	case errors.As(err, &refused):
		return refused.Account
	}
	return domain.ID{}
}
