package httpapi

import (
	"crypto/subtle"
	"net/http"
	"time"

	"greffe/api/auth"
	"greffe/api/problem"
	"greffe/domain"
)

// secure reports that the caller came by TLS, here or at a proxy ahead of us.
func (a *API) secure(c *Call) bool { return a.edge.tls || c.r.TLS != nil }

// mayCarry is nil if a session may travel on this connection: by TLS, or without
// leaving the machine.
func (a *API) mayCarry(c *Call) error {
	if a.secure(c) || c.remote().IsLoopback() {
		return nil
	}
	return problem.New(problem.TransportInsecure)
}

// cookieOf is a cookie of ours, "" for none.
func (a *API) cookieOf(c *Call, which string) string {
	name := auth.SetCookie("", a.secure(c)).Name
	if which != "" {
		name = auth.BesideCookie(which, "", a.secure(c), 0).Name
	}
	all := c.r.CookiesNamed(name)
	if len(all) != 1 { // two of one name: somebody planted one
		return ""
	}
	return all[0].Value
}

// carry has the browser keep a session, and forget the step that led to it.
func (a *API) carry(c *Call, s *auth.Started) {
	http.SetCookie(c.w, auth.SetCookie(s.Cookie, a.secure(c)))
	http.SetCookie(c.w, auth.BesideCookie(auth.CookieStep, "", a.secure(c), 0))
}

// forget ends the session in the browser.
func (a *API) forget(c *Call) {
	http.SetCookie(c.w, auth.SetCookie("", a.secure(c)))
	http.SetCookie(c.w, auth.BesideCookie(auth.CookieStep, "", a.secure(c), 0))
}

// bySession says who a cookie is of. A browser sends cookies by itself, so what
// changes something must prove to come from our own page: by the value that only
// this page was told. That it comes from this site was asked before.
func (a *API) bySession(c *Call) (*auth.Principal, error) {
	if err := a.mayCarry(c); err != nil {
		return nil, err
	}
	p, refreshed, err := a.services.Auth.IdentifyCookie(c.ctx, a.cookieOf(c, ""), c.remote())
	if err != nil {
		a.forget(c)
		return nil, err
	}
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead &&
		subtle.ConstantTimeCompare([]byte(c.r.Header.Get("X-Greffe-CSRF")), []byte(p.CSRF)) != 1 {
		return nil, &auth.Refused{Account: p.Account, Problem: problem.At(problem.OriginForbidden, "X-Greffe-CSRF")}
	}
	if refreshed != "" {
		http.SetCookie(c.w, auth.SetCookie(refreshed, a.secure(c)))
	}
	return p, nil
}

// knowDevice has the browser be known as one on which the account's holder signed
// in with a password.
func (a *API) knowDevice(c *Call, s *auth.Started) error {
	value, err := a.services.People.Device(s.Account)
	if err != nil || value == "" {
		return err
	}
	http.SetCookie(c.w, auth.BesideCookie(auth.CookieDevice, value, a.secure(c), auth.DeviceFor))
	return nil
}

// dangerous are the acts for which a session's holder must have given two factors
// recently. A token is bound otherwise: by what it is kept to and by its end.
func dangerous() map[string]bool {
	return map[string]bool{
		"POST /v1/subjects/{id}/erasure":                        true,
		"DELETE /v1/subjects/{id}/hold/{placed}":                true,
		"POST /v1/opposition/{event}/lift":                      true,
		"POST /v1/policy":                                       true,
		"DELETE /v1/policy/scheduled/{id}":                      true,
		"POST /v1/tokens":                                       true,
		"POST /v1/tokens/{id}/rotate":                           true,
		"POST /v1/approvals/{id}/decision":                      true,
		"POST /v1/events/{id}/redaction":                        true,
		"POST /v1/retention/runs":                               true,
		"GET /v1/breaches/{id}/persons":                         true,
		"GET /v1/retention/runs/{id}/report":                    true,
		"POST /v1/keys/rotation":                                true,
		"POST /v1/restore/confirm":                              true,
		"GET /v1/inspections/{id}/bundle":                       true,
		"POST /v1/inspections/{id}/search":                      true,
		"GET /v1/inspections/{id}/opposition-key":               true,
		"POST /v1/inspections/{id}/guests":                      true,
		"POST /v1/inspections/{id}/guests/{account}/invitation": true,
		"POST /v1/accounts":                                     true,
		"PATCH /v1/accounts/{id}":                               true,
		"POST /v1/accounts/{id}/invitation":                     true,
		"POST /v1/accounts/{id}/disable":                        true,
		"POST /v1/accounts/{id}/enable":                         true,
		"POST /v1/accounts/{id}/reset":                          true,
	}
}

// fresh is nil if the caller may do what the route does now.
func (a *API) fresh(c *Call) error {
	if a.services.People == nil || !a.dangerous[c.route.Method+" "+c.route.Pattern] {
		return nil
	}
	return a.services.People.IsFresh(c.principal)
}

// SessionShown is the caller's own session.
type SessionShown struct {
	ID       string    `json:"id"`
	Account  string    `json:"account_id"`
	Login    string    `json:"login,omitempty" doc:"What the caller signs in with."`
	Roles    []string  `json:"roles"`
	Labels   []string  `json:"role_labels" doc:"The names of the roles, in their order, in the language of the request."`
	Method   string    `json:"method" enum:"password,passkey,oidc"`
	Factors  []string  `json:"factors"`
	Provider string    `json:"provider,omitempty" doc:"Code of the identity provider."`
	Complete bool      `json:"complete" doc:"False: a second factor must be enrolled before anything else is allowed."`
	Fresh    bool      `json:"fresh" doc:"Whether dangerous acts are allowed now; else POST /v1/session/again."`
	Started  time.Time `json:"started_at"`
	Expires  time.Time `json:"expires_at"`
	Idle     int       `json:"idle_minutes" doc:"After so long without a request it ends."`

	Inspection *domain.ID `json:"inspection_id,omitempty" doc:"Of a guest: the inspection to which it is kept."`
	Until      *time.Time `json:"account_expires_at,omitempty" doc:"Of a guest: when the account ends."`

	Permissions []string        `json:"permissions" doc:"What the roles allow now."`
	Reasons     []SessionReason `json:"reasons" doc:"Those that the roles may give for looking at data of people."`

	CSRF string `json:"csrf" doc:"To be sent as X-Greffe-CSRF with all but GET."`
}

// SessionReason is a reason of the policy.
type SessionReason struct {
	Code   string `json:"code"`
	Label  string `json:"label" doc:"In the language of the request."`
	Ticket bool   `json:"ticket" doc:"Whether a ticket is needed besides."`
}
