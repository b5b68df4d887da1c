package app

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"greffe/api/auth"
	httpapi "greffe/api/http"
	"greffe/domain"
	"greffe/domain/account"
	"greffe/domain/policy"
)

// publicRoutes are those that anybody may ask, each for a reason of its own: signing in,
// a person's one click, the public form, the API's own description, and whether it lives.
var publicRoutes = []string{
	"POST /v1/session/password", "POST /v1/session/totp", "POST /v1/session/recovery", "POST /v1/invitations/accept",
	"POST /v1/session/passkey/options", "POST /v1/session/passkey",
	"GET /v1/session/oidc", "GET /v1/session/oidc/callback", "POST /v1/session/oidc/logout",
	"GET /signin", "GET /invitation", "GET /me", "GET /signin/{asset}",
	"GET /u/{token}", "POST /u/{token}", "GET /u/style.css", "GET /rights", "POST /rights",
	"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /asyncapi.json", "GET /docs", "GET /docs/style.css",
}

// freshRoutes are the acts that need factors given within minutes (README, People): erasure,
// policy, tokens, accounts, keys, lifting a hold or an objection, who is many persons, an
// inspection's bundle.
var freshRoutes = []string{
	"POST /v1/subjects/{id}/erasure", "POST /v1/events/{id}/redaction", "POST /v1/retention/runs", "GET /v1/retention/runs/{id}/report",
	"POST /v1/policy", "DELETE /v1/policy/scheduled/{id}", "POST /v1/tokens", "POST /v1/tokens/{id}/rotate",
	"POST /v1/accounts", "PATCH /v1/accounts/{id}", "POST /v1/accounts/{id}/invitation", "POST /v1/accounts/{id}/disable",
	"POST /v1/accounts/{id}/enable", "POST /v1/accounts/{id}/reset", "POST /v1/keys/rotation", "POST /v1/restore/confirm",
	"DELETE /v1/subjects/{id}/hold/{placed}", "POST /v1/opposition/{event}/lift", "POST /v1/approvals/{id}/decision",
	"GET /v1/breaches/{id}/persons", "GET /v1/inspections/{id}/bundle", "GET /v1/inspections/{id}/opposition-key",
	"POST /v1/inspections/{id}/search", "POST /v1/inspections/{id}/guests", "POST /v1/inspections/{id}/guests/{account}/invitation",
	// of the own account
	"DELETE /v1/me/credentials/{id}", "POST /v1/me/totp/options", "POST /v1/me/recovery", "POST /v1/me/passkeys/options",
}

// changing are the permissions that let a role change something: no guest has one.
func changing(permission string) bool {
	looks := []string{"subjects.search", "subjects.history", "subjects.accesses", "subjects.consents", "verify.run"}
	return !strings.HasSuffix(permission, ".read") && !slices.Contains(looks, permission)
}

// caller is one identity of one role.
type caller struct {
	name    string
	account domain.ID // as far as the service may know it
	reason  string
	with    func(r *http.Request, n int)
	expect  func(r httpapi.Route) string // the code that refuses it; "" for none
}

// byRole is what a role's own list says of a route, to who has no session.
func (m *rightsSite) byRole(role string) func(httpapi.Route) string {
	return func(r httpapi.Route) string {
		if x, _ := m.rules.Role(role); slices.Contains(x.Permissions, r.Permission) {
			return ""
		}
		return "permission_missing"
	}
}

func always(code string) func(httpapi.Route) string {
	return func(httpapi.Route) string { return code }
}

// callers are the identities of a role, each made when its turn comes, as sessions age.
func (m *rightsSite) callers(role string, inspection domain.ID) []func(role string) *caller {
	return []func(string) *caller{
		m.nobody, m.wrongSecret, m.plainToken, m.expiredToken, m.revokedToken, m.scopedToken, m.sourceToken, m.networkToken,
		m.person, m.stalePerson, m.oneFactor, m.withoutCSRF, m.disabledPerson, m.idlePerson,
		func(role string) *caller { return m.guest(role, inspection) },
	}
}

// reasonOf is a reason for reading that the role may give.
func (m *rightsSite) reasonOf(role string) string {
	for _, r := range m.rules.Reasons() {
		if r.MayUse(role) {
			return r.Code + ":T-1"
		}
	}
	return ""
}

func (m *rightsSite) token(role string, r auth.Request) auth.Made {
	m.Helper()
	r.Label, r.Roles = "Zqstaff "+role, []string{role}
	made, err := m.open.Tokens.Make(m.Context(), m.rules, domain.ID{1}, r)
	m.ok(err)
	return made
}

func (m *rightsSite) bearing(name, role string, made auth.Made, expect func(httpapi.Route) string) *caller {
	return &caller{name: name, account: made.Account, reason: m.reasonOf(role), expect: expect,
		with: func(r *http.Request, _ int) { r.Header.Set("Authorization", "Bearer "+made.Text) }}
}

func (m *rightsSite) nobody(role string) *caller {
	return &caller{name: "nobody", reason: m.reasonOf(role), with: func(*http.Request, int) {}, expect: always("token_missing")}
}

// wrongSecret is a token of which one character is another; it comes from many networks,
// as wrong ones of one are limited.
func (m *rightsSite) wrongSecret(role string) *caller {
	text := []byte(m.token(role, auth.Request{}).Text)
	text[len(text)-1] ^= 1
	return &caller{name: "wrong secret", reason: m.reasonOf(role), expect: always("token_invalid"), with: func(r *http.Request, n int) {
		r.Header.Set("Authorization", "Bearer "+string(text))
		r.Header.Set("X-Forwarded-For", "198.18."+strconv.Itoa(n>>8&255)+"."+strconv.Itoa(n&255))
	}}
}

func (m *rightsSite) plainToken(role string) *caller {
	return m.bearing("machine", role, m.token(role, auth.Request{}), m.byRole(role))
}

func (m *rightsSite) expiredToken(role string) *caller {
	made := m.token(role, auth.Request{Expires: m.now.read().Add(time.Second)})
	m.now.pass(2 * time.Second)
	return m.bearing("expired", role, made, always("token_expired"))
}

func (m *rightsSite) revokedToken(role string) *caller {
	made := m.token(role, auth.Request{})
	err := m.open.Tokens.Revoke(m.Context(), domain.ID{1}, made.Token)
	m.ok(err)
	return m.bearing("revoked", role, made, always("token_revoked"))
}

// scopedToken is kept to one permission of its role.
func (m *rightsSite) scopedToken(role string) *caller {
	x, _ := m.rules.Role(role)
	kept := x.Permissions[len(x.Permissions)-1]
	return m.bearing("kept to "+kept, role, m.token(role, auth.Request{Permissions: []string{kept}}), func(r httpapi.Route) string {
		if r.Permission == kept {
			return ""
		}
		return "permission_missing"
	})
}

// sourceToken is of another source and sends one type; that counts where events are sent,
// which TestEventsOfOthers looks at.
func (m *rightsSite) sourceToken(role string) *caller {
	made := m.token(role, auth.Request{Sources: []string{"else/where"}, Types: []string{"contact.created"}})
	return m.bearing("of another source", role, made, m.byRole(role))
}

func (m *rightsSite) networkToken(role string) *caller {
	made := m.token(role, auth.Request{Networks: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}})
	return m.bearing("of another network", role, made, always("network_forbidden"))
}

func (m *rightsSite) staffAccount() domain.ID {
	made, err := m.open.People.Create(m.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Zqstaff", Roles: []string{"agent"}})
	m.ok(err)
	m.real["/v1/accounts/"] = made.Account.String()
	return made.Account
}

// enter begins a session of an account.
func (m *rightsSite) enter(of domain.ID, factors ...string) auth.Started {
	m.Helper()
	factors = slices.DeleteFunc(factors, func(f string) bool { return f == "" })
	if len(factors) == 0 {
		factors = []string{"passkey"}
	}
	s, err := m.open.People.Start(m.Context(), auth.Login{Account: of, Method: "passkey", Factors: factors})
	m.ok(err)
	return s
}

func (m *rightsSite) session(name, role string, s auth.Started, expect func(httpapi.Route) string) *caller {
	return &caller{name: name, account: s.Account, reason: m.reasonOf(role), expect: expect, with: func(r *http.Request, _ int) {
		r.Header.Set("Cookie", auth.CookieNameLocal+"="+s.Cookie)
		r.Header.Set("X-Greffe-CSRF", s.CSRF)
	}}
}

func (m *rightsSite) hired(role string) domain.ID {
	m.Helper()
	made, err := m.open.People.Create(m.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Human, Label: "Zqstaff", Roles: []string{role}})
	m.ok(err)
	return made.Account
}

// byPerson is what a role's list says to who signed in with two factors: a person may
// see to the own account besides.
func (m *rightsSite) byPerson(role string) func(httpapi.Route) string {
	listed := m.byRole(role)
	return func(r httpapi.Route) string {
		if r.Permission == policy.PermissionOwn {
			return ""
		}
		return listed(r)
	}
}

func (m *rightsSite) person(role string) *caller {
	return m.session("person", role, m.enter(m.hired(role)), m.byPerson(role))
}

// stalePerson gave the factors more than five minutes ago.
func (m *rightsSite) stalePerson(role string) *caller {
	s := m.enter(m.hired(role))
	m.now.pass(m.rules.Sessions().Fresh)
	may := m.byPerson(role)
	return m.session("person of long ago", role, s, func(r httpapi.Route) string {
		if code := may(r); code != "" || !slices.Contains(freshRoutes, r.Method+" "+r.Pattern) {
			return code
		}
		return "sign_in_again"
	})
}

func (m *rightsSite) oneFactor(role string) *caller {
	return m.session("person with one factor", role, m.enter(m.hired(role), "password"), func(r httpapi.Route) string {
		beside := r.Pattern == "/v1/me/recovery" || r.Pattern == "/v1/me/credentials/{id}" // what has a meaning beside a second factor only
		if r.Permission == policy.PermissionOwn && !beside {
			return ""
		}
		return "second_factor_missing"
	})
}

func (m *rightsSite) withoutCSRF(role string) *caller {
	may := m.byPerson(role)
	c := m.session("person by a forged page", role, m.enter(m.hired(role)), func(r httpapi.Route) string {
		if r.Method != http.MethodGet {
			return "origin_forbidden"
		}
		return may(r)
	})
	with := c.with
	c.with = func(r *http.Request, n int) { with(r, n); r.Header.Del("X-Greffe-CSRF") }
	return c
}

func (m *rightsSite) disabledPerson(role string) *caller {
	id, off := m.hired(role), true
	c := m.session("disabled person", role, m.enter(id), always("session_invalid"))
	c.account = domain.ID{} // sessions that were ended are forgotten, and whose they were
	_, err := m.open.People.Change(m.Context(), domain.ID{1}, id, auth.Change{Disabled: &off})
	m.ok(err)
	return c
}

// idlePerson was away for longer than a session waits.
func (m *rightsSite) idlePerson(role string) *caller {
	c := m.session("idle person", role, m.enter(m.hired(role)), always("session_invalid"))
	m.now.pass(m.rules.Sessions().Idle)
	return c
}

// guest is invited for one inspection, and looks: it asks for another one.
func (m *rightsSite) guest(role string, inspection domain.ID) *caller {
	made, err := m.open.People.Create(m.Context(), domain.ID{1}, auth.NewAccount{Kind: account.Guest, Label: "Zqstaff", Roles: []string{role},
		Inspection: inspection, Until: m.now.read().Add(time.Hour)})
	m.ok(err)
	may := m.byPerson(role)
	return m.session("guest of another inspection", role, m.enter(made.Account), func(r httpapi.Route) string {
		if r.Permission != policy.PermissionOwn && (changing(r.Permission) || strings.HasPrefix(r.Pattern, "/v1/inspections")) {
			return "permission_missing"
		}
		return may(r)
	})
}

// inspection opens one.
func (m *rightsSite) inspection() domain.ID {
	m.Helper()
	d := &desk{m.T, m.open, m.url, m.token("dpo", auth.Request{DefaultReason: "audit"}).Text}
	return d.inspected("").ID
}
